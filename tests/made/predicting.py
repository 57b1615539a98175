"""The command predict on raw files of the trained nano ensemble."""

import sys

import pytest

from protogcn.config.skeleton import built_in_skeletons
from protogcn.predict import predict as command

JOINTS = built_in_skeletons()["ntu25"].joints


def predict(monkeypatch, capsys, *arguments):
    """Run the command; return what it prints."""
    monkeypatch.setattr(sys, "argv", ["predict", *map(str, arguments)])
    command.main()
    return capsys.readouterr().out


def assert_same_classes(first, second):
    """Two predictions are equal but for rounding, which the size of a batch may change."""
    shares = [
        {entry["label"]: entry["probability"] for entry in found["classes"]}
        for found in (first, second)
    ]
    assert shares[0] == pytest.approx(shares[1], abs=1e-5)


def raw_of(trained_nano, clip):
    return trained_nano.raw / f"{clip}.skeleton"
