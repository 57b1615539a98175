"""A side of a split without clips -> what a user should know about it."""


def without_clips(split: str, side: str) -> str:
    """Return a sentence, without its end, on a split that has no clip on one side."""
    if side != "train":
        return f"split {split} has no {side} clip, expected some"
    return (
        f"split {split} has no train clip, so nothing can be trained on it; a network or scores"
        " that are there are tested on it where overrides name them as checkpoint or scores"
        " (docs/imports.md)"
    )
