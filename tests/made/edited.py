"""A file of the pipeline, changed as a person would who means it."""

from pathlib import Path


def edit(path: Path, text: str) -> None:
    """Put other text into a file and take its seal away, as ``check_seal`` tells people to."""
    path.write_text(text)
    path.with_name(f".{path.name}.sha256").unlink(missing_ok=True)
