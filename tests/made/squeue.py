"""A ``squeue`` in front of the real one: prints what a test says."""

import os


def put_squeue(folder, monkeypatch, script):
    """Put a shell script of this name first in the path."""
    folder.mkdir(exist_ok=True)
    path = folder / "squeue"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def hide_squeue(folder, monkeypatch):
    """Leave an empty folder as the path."""
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("PATH", str(folder))
