import dataclasses
import json
import sys

import numpy as np
import onnx
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.data.scale import Scale
from protogcn.errors import ConfigError, ContractError
from protogcn.models import build_model
from protogcn.predict import export as command
from protogcn.predict.ensemble import Member
from protogcn.predict.export import (
    CropLogits,
    check_equal,
    example_inputs,
    export_member,
    folders_of,
    interface_of,
    onnx_session,
)
from tests.made.nano import NETWORK, nano_run
from tests.made.network_settings import network_settings


def untrained(network):
    """Return a network with weights that give logits worth comparing."""
    run = dataclasses.replace(nano_run(), network=network)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build_model(network, run.dataset.skeleton, num_classes=4).eval()
        torch.nn.init.normal_(model.classify.weight)
    return Member(run, model, epoch=4, weight=1.0)


@pytest.fixture(scope="module")
def member():
    """The smallest ProtoGCN there is."""
    return untrained({**NETWORK, "blocks": 1, "downsample": []})


@pytest.mark.slow
def test_exported_networks_equal_torch_at_any_number_of_crops(member, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_SECONDS", 0.01)
    report = export_member(member, tmp_path / "out", batch=3)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"j.onnx", "j.pt2", "j.json"}

    (crops,) = example_inputs(member, 7)
    expected = member.model(all_bodies(crops)).detach().numpy()
    scale = np.abs(expected).max()
    found = onnx_session((tmp_path / "out/j.onnx").read_bytes())(crops.numpy())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * scale)
    again = torch.export.load(tmp_path / "out/j.pt2").module()(crops)
    np.testing.assert_allclose(again.detach(), expected, rtol=0, atol=1e-5 * scale)

    told = {entry.key: entry.value for entry in onnx.load(tmp_path / "out/j.onnx").metadata_props}
    assert json.loads(told["classes"]) == ["up", "down", "left", "right"]
    assert json.loads(told["input"])["shape"] == ["any", 2, 16, 5, 3]
    assert json.loads((tmp_path / "out/j.json").read_text()) == report
    for entry in report["files"].values():
        assert entry["bytes"] == (tmp_path / "out" / entry["file"]).stat().st_size
        assert entry["clips per second"] > 0


@pytest.mark.long
@pytest.mark.parametrize(
    "network",
    ["stgcn", "stgcnpp", "ctrgcn", "infogcn", "hdgcn", "blockgcn", "skeletongcl", "frhead", "gap"],
)
def test_the_baselines_are_exported_too(network, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_SECONDS", 0.01)
    baseline = untrained(network_settings(network, width=8, blocks=2, downsample=[2]))
    report = export_member(baseline, tmp_path, batch=3)
    assert ("second input" in report) == (network == "blockgcn")
    files = report["files"].values()
    assert max(entry["largest difference"] for entry in files) < 1e-5


def test_the_interface_says_what_the_input_is(member):
    told = interface_of(member)
    assert told["input"]["axes"] == ["crops", "persons", "frames", "joints", "channels"]
    assert told["input"]["preparation"] == "centred"
    assert told["a clip's probabilities"] == "the mean over 3 crops of the softmax"
    assert told["skeleton"]["joints"] == ["root", "chest", "left", "right", "foot"]


def test_the_interface_has_the_scale_of_the_bodies_where_it_is_known(member):
    scale = Scale(1.6, 1.1, 1.8, frames=60, longest=90, in_image=False)
    assert "scale" not in interface_of(member)["input"]
    told = interface_of(dataclasses.replace(member, scale=scale))
    assert (told["input"]["scale"]["body"], told["input"]["scale"]["longest"]) == (1.6, 90)


def test_a_network_that_computes_something_else_is_refused(member):
    network = CropLogits(member.model)

    def a_little_off(crops):
        with torch.no_grad():
            return 1.001 * network(torch.from_numpy(crops)).numpy()

    with pytest.raises(ContractError, match=r"j\.onnx: differs from torch by 1\.0e-03"):
        check_equal(network, a_little_off, member, "j.onnx")


@pytest.mark.slow
def test_files_that_are_refused_are_not_written(member, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_SECONDS", 0.01)
    monkeypatch.setattr(command, "_TOLERANCE", -1.0)
    (tmp_path / "j.json").write_text("of an earlier export")
    with pytest.raises(ContractError, match=r"j\.onnx: differs from torch"):
        export_member(member, tmp_path, batch=1)
    assert [path.name for path in tmp_path.iterdir()] == ["j.json"]


def test_missing_packages_are_named_with_what_to_install(member, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match=r"onnxscript is not installed, .* pip install"):
        export_member(member, tmp_path, batch=1)
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_size_and_speed(trained_nano, tmp_path, monkeypatch, capsys):
    written = {"onnx": {"file": "j.onnx", "bytes": 1_500_000}}
    written["onnx"] |= {"clips per second": 12.34, "largest difference": 2e-7}
    monkeypatch.setattr(command, "export_member", lambda *_, **__: {"files": written})
    arguments = ["export", "--ensemble", str(trained_nano.table), "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    command.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].endswith(
        "j.onnx: 1.5 MB, 12.3 clips/s of 3 crops on one thread, differs from torch by at most 2e-07."
    )


def test_members_of_two_models_have_a_folder_for_each(member, tmp_path):
    other = dataclasses.replace(member, run=dataclasses.replace(member.run, model="stgcn@pyskl"))
    assert folders_of([member, other], tmp_path) == [
        tmp_path / "protogcn",
        tmp_path / "stgcn@pyskl",
    ]
    assert folders_of([other], tmp_path) == [tmp_path]
    with pytest.raises(ConfigError, match=r"two runs are of one stream \(j, j, j\)"):
        folders_of([member, other, other], tmp_path)


def test_two_runs_of_one_stream_do_not_share_a_folder(trained_nano, tmp_path, monkeypatch):
    run = str(trained_nano.runs["j"])
    arguments = ["export", "--runs", run, run, "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(ConfigError, match="two runs are of one stream"):
        command.main()
