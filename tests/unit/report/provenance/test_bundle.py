import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from protogcn.files.manifest import Manifest
from protogcn.files.scores import Scores
from protogcn.report.provenance import bundle as stage
from protogcn.report.provenance import verify
from protogcn.report.provenance.compact import Sum, clips_to_keep, sums_of
from protogcn.report.tables import tabulate
from protogcn.scores.fusion import fuse, predicted_classes
from tests.made.command import run_command
from tests.made.provenance import fused_table, learned_weights
from tests.made.score_files import make_scores
from tests.made.table_scores import cell, digest_of, predictions, table, write_scores


def test_a_bundle_is_verified_where_there_is_nothing_else(tmp_path, monkeypatch, capsys):
    csv = fused_table(tmp_path / "results", monkeypatch)
    path = tmp_path / "elsewhere/b.zip"
    assert run_command(stage, monkeypatch, csv, "--zip", path, "--anonymous") == 0
    assert "2 score files in float16 with" in capsys.readouterr().out
    (tmp_path / "results").rename(tmp_path / "gone")
    assert run_command(verify, monkeypatch, path) == 0
    said = capsys.readouterr().out
    assert f"{path}/t.csv: " in said
    assert "all as it says" in said
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "out")
    scores = Scores.load(tmp_path / "out/runs/nano/xsub/protogcn/j/scores.npz")
    assert scores.clips[0] == "01"
    assert scores.probabilities.dtype == np.float32


def test_the_same_results_give_the_same_bytes(tmp_path, monkeypatch):
    csv = fused_table(tmp_path, monkeypatch)
    made = []
    for _ in range(2):
        assert run_command(stage, monkeypatch, csv) == 0
        made.append((tmp_path / "t.zip").read_bytes())
    assert made[0] == made[1]


def test_a_table_that_is_not_true_is_not_bundled(tmp_path, monkeypatch, capsys):
    csv = fused_table(tmp_path, monkeypatch)
    csv.write_text(csv.read_text().replace("last", "best"))
    assert run_command(stage, monkeypatch, csv) == 3
    said = capsys.readouterr().err
    assert f"{csv}, line 2 (j), select: found best, the scores give last; make it again" in said
    assert not (tmp_path / "t.zip").exists()


def close_scores(seed):
    """Return scores whose first two classes are so close that float16 turns or ties many."""
    generator = np.random.default_rng(seed)
    near = generator.normal(0, 1e-4, 400)
    values = np.stack([0.4 + near, 0.4 - near, np.full(400, 0.15), np.full(400, 0.05)], axis=1)
    return make_scores(values, labels=generator.integers(0, 2, 400))


@pytest.mark.parametrize("space", ["probability", "log_probability", "logit"])
def test_no_sum_of_streams_is_decided_otherwise_than_in_float32(tmp_path, space):
    members = {}
    for name in "abc":
        members[name] = replace(close_scores(ord(name)), labels=close_scores(0).labels)
        members[name].save(tmp_path / f"{name}.npz")
    paths, weights = tuple(tmp_path / f"{name}.npz" for name in members), (2.0, 1.0, 0.7)
    keep = clips_to_keep([Sum(paths, weights, space)])
    for path, scores in zip(paths, members.values(), strict=True):
        scores.save_compact(tmp_path / f"half_{path.name}", keep[path], "0" * 64)
    halves = {name: Scores.load(tmp_path / f"half_{name}.npz") for name in members}
    assert 0 < keep[paths[0]].mean() < 1
    for chosen in ("a", "b", "ab", "bc", "abc"):
        each = {name: dict(zip("abc", weights, strict=True))[name] for name in chosen}
        full, half = (fuse({n: some[n] for n in chosen}, each, space) for some in (members, halves))
        np.testing.assert_array_equal(predicted_classes(full), predicted_classes(half))
    plain = [s.probabilities.astype(np.float16).astype(np.float32) for s in members.values()]
    assert (plain[0].argmax(1) != members["a"].probabilities.argmax(1)).any()


def test_scores_that_float16_cannot_hold_stay_as_they_are(tmp_path):
    scores = make_scores([[0.9, 0.1], [0.2, 0.8]])
    scores = replace(scores, logits=np.array([[1e5, 0], [1, 2]], np.float32))
    scores.save(tmp_path / "s.npz")
    (keep,) = clips_to_keep([Sum((tmp_path / "s.npz",), (1.0,), "probability")]).values()
    assert keep.tolist() == [True, False]
    scores.save_compact(tmp_path / "half.npz", keep, "0" * 64)
    assert Scores.load(tmp_path / "half.npz").logits.tolist() == scores.logits.tolist()


def test_learned_weights_are_learned_again_from_the_bundle(tmp_path, monkeypatch, capsys):
    weights = learned_weights(tmp_path / "results", monkeypatch)
    csv = fused_table(tmp_path / "results", monkeypatch, learned=weights)
    assert run_command(stage, monkeypatch, csv, "--zip", tmp_path / "b.zip") == 0
    assert "in float16 with 120 of 240 clips in float32" in capsys.readouterr().out
    assert run_command(verify, monkeypatch, tmp_path / "b.zip") == 0
    said = capsys.readouterr().out
    assert "t_weights.json: " in said
    assert said.count("all as it says") == 2
    text = weights.read_text()
    weights.write_text(text.replace('"temperature": ', '"temperature": 1'))
    assert run_command(verify, monkeypatch, csv) == 3
    assert "t_weights.json, line " in capsys.readouterr().out


def test_the_schemes_of_a_comparison_are_what_has_to_stay(tmp_path, monkeypatch):
    scores = [
        write_scores(tmp_path, "j", predictions(0, 1), [0, 0]),
        write_scores(tmp_path, "b", predictions(0, 0), [0, 0]),
    ]
    cells = cell("J", "j"), cell("2ens", {"j": 1, "b": 2}, {"j": 1, "b": 3})
    digests = {f"nano_xsub/protogcn/{stream}": digest_of(stream) for stream in "jb"}
    entry = table(*cells).to_mapping() | {"recipe": {}, "digests": digests}
    (tmp_path / "results/t.yaml").write_text(json.dumps(entry))
    stem = tmp_path / "results/mine"
    assert 0 == run_command(
        tabulate, monkeypatch, "--table", tmp_path / "results/t.yaml", "--scores", *scores,
        "--csv", f"{stem}.csv", "--markdown", f"{stem}.md", "--latex", f"{stem}.tex",
        "--pairs", f"{stem}_pairs.csv", "--manifest", f"{stem}.manifest.json",
    )  # fmt: skip
    sums = sums_of(Manifest.load(tmp_path / "results/mine.manifest.json"))
    assert [part.weights for part in sums] == [(1.0,), (1.0,), (1, 2), (1, 3)]
    assert run_command(stage, monkeypatch, f"{stem}_pairs.csv") == 0
    assert run_command(verify, monkeypatch, tmp_path / "results/mine.zip") == 0


@pytest.mark.parametrize("name", ["../out.csv", "/out.csv", "a/../../out.csv", "a\\b.csv"])
def test_a_zip_file_that_would_write_elsewhere_is_refused(tmp_path, monkeypatch, capsys, name):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(name, "x")
    assert run_command(verify, monkeypatch, tmp_path / "b.zip") == 3
    assert "would lead out of its folder" in capsys.readouterr().err


def test_a_bundle_that_names_files_outside_of_it_is_refused(tmp_path, monkeypatch, capsys):
    csv = fused_table(tmp_path / "a/b", monkeypatch)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        text = csv.with_suffix(".manifest.json").read_text()
        archive.writestr("t.manifest.json", text.replace('"runs/nano', '"../../runs/nano'))
    assert run_command(verify, monkeypatch, tmp_path / "b.zip") == 3
    assert "which is not in it" in capsys.readouterr().err


def test_something_else_that_is_called_zip_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "b.zip").write_text("<html>not found</html>")
    assert run_command(verify, monkeypatch, tmp_path / "b.zip") == 3
    assert "found a web page instead of the file" in capsys.readouterr().err


def test_a_bundle_does_not_take_the_place_of_a_table(tmp_path, monkeypatch, capsys):
    csv = fused_table(tmp_path, monkeypatch)
    before = csv.read_bytes()
    assert run_command(stage, monkeypatch, csv, "--zip", csv) == 2
    assert "expected a name that ends with .zip" in capsys.readouterr().err
    assert csv.read_bytes() == before


def test_a_damaged_manifest_in_a_bundle_is_named_as_people_see_it(tmp_path, monkeypatch, capsys):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("t.manifest.json", '{"format": 9}')
    assert run_command(verify, monkeypatch, tmp_path / "b.zip") == 3
    said = capsys.readouterr().err
    assert f"{tmp_path}/b.zip/t.manifest.json: found format 9, expected 1" in said


def test_a_bundle_that_unpacks_to_hundreds_of_times_its_size_is_refused_unread(
    tmp_path, monkeypatch, capsys
):
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("t.manifest.json", bytes(65 << 20))
    assert run_command(verify, monkeypatch, tmp_path / "b.zip") == 3
    assert (
        "b.zip: unpacks to 68,157,440 bytes, expected at most 67,108,864" in capsys.readouterr().err
    )
