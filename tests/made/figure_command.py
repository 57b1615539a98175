"""A figure's command, run in this process."""

import sys

from protogcn.errors import run_stage


def run_figure(stage, arguments, monkeypatch):
    """Run ``stage`` with arguments by name; return its exit code."""
    words = [stage.__name__]
    for name, value in arguments.items():
        values = value if isinstance(value, list) else [value]
        words += [f"--{name}", *map(str, values)]
    monkeypatch.setattr(sys, "argv", words)
    try:
        run_stage(stage.main)
    except SystemExit as stop:
        return stop.code
    return 0
