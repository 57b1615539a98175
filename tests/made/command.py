"""A command, run in this process."""

import sys

from protogcn.errors import run_stage


def run_command(stage, monkeypatch, *arguments):
    """Run the module of a command as the front door does; return its exit code."""
    monkeypatch.setattr(sys, "argv", [stage.__name__, *map(str, arguments)])
    try:
        run_stage(stage.main)
    except SystemExit as stop:
        return stop.code
    return 0


def run_figure(stage, arguments, monkeypatch):
    """Run the command of a figure with arguments by name; return its exit code."""
    words = []
    for name, value in arguments.items():
        values = value if isinstance(value, list) else [value]
        words += [f"--{name}", *values]
    return run_command(stage, monkeypatch, *words)
