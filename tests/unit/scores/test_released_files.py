import gzip
import json
import zipfile

import numpy as np
import pytest
import torch

from protogcn.errors import ConfigError, ContractError
from protogcn.scores.released_files import read_scores
from tests.made.released_scores import LABELS, VALUES


def test_npz_with_and_without_names(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", scores=VALUES)
    assert read_scores(tmp_path / "a.npz").clips is None
    np.savez(
        tmp_path / "b.npz", logits=VALUES, probabilities=np.full((5, 4), 0.25), labels=LABELS,
        clips=np.array(list("abcde")), classes=np.array(list("wxyz")),
    )  # fmt: skip
    found = read_scores(tmp_path / "b.npz")
    assert (found.clips, found.classes) == (tuple("abcde"), tuple("wxyz"))
    assert found.labels.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(found.values[:, 0], VALUES)
    assert (found.probabilities == 0.25).all()


def test_npy_is_an_array(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    np.testing.assert_array_equal(read_scores(tmp_path / "a.npy").values[:, 0], VALUES)


def test_csv_has_a_column_for_each_class(tmp_path):
    (tmp_path / "a.csv").write_text("clip,label,up,down\n007,1,-0.5,2e0\nNA,0,1,0\n")
    found = read_scores(tmp_path / "a.csv")
    assert (found.clips, found.classes) == (("007", "NA"), ("up", "down"))
    assert found.labels.tolist() == [1, 0]
    assert found.values[:, 0].tolist() == [[-0.5, 2.0], [1.0, 0.0]]
    (tmp_path / "a.csv").write_text("clip,label,up,down\n007,1.0,-0.5,2e0\n")
    assert read_scores(tmp_path / "a.csv").labels.tolist() == [1]


def test_names_may_be_bytes(tmp_path):
    names = np.array([name.encode() for name in ("a", "ü", "c", "d", "e")])
    np.savez(tmp_path / "a.npz", logits=VALUES, clips=names)
    assert read_scores(tmp_path / "a.npz").clips == ("a", "ü", "c", "d", "e")


def test_scores_beside_logits_are_no_probabilities(tmp_path):
    np.savez(tmp_path / "a.npz", logits=VALUES, scores=VALUES)
    assert read_scores(tmp_path / "a.npz").probabilities is None


def test_weights_of_a_network_are_no_scores(tmp_path):
    torch.save({"state_dict": {"a": torch.zeros(2)}}, tmp_path / "a.pth")
    with pytest.raises(
        ContractError, match=r"weights of a network, expected scores; .* checkpoint"
    ):
        read_scores(tmp_path / "a.pth")


def test_json_holds_what_a_pickle_does(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(VALUES.tolist()))
    np.testing.assert_array_equal(read_scores(tmp_path / "a.json").values[:, 0], VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "Clip;Label;0;1\na;1;0,25;2\nb;0;-1e-1;0\n",
        "clip, label, 0, 1\na, 1, 0.25, 2\nb, 0, -1e-1, 0\n",
        ",clip,LABEL,0,1\n0,a,1,0.25,2\n1,b,0,-1e-1,0\n",
        "CLIP\tlabel\t0\t1\na\t1\t0.25\t2\nb\t0\t-0.1\t0\n",
    ],
)
def test_csv_of_other_programs_is_read(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    found = read_scores(tmp_path / "a.csv")
    assert (found.clips, found.classes, found.labels.tolist()) == (("a", "b"), ("0", "1"), [1, 0])
    assert found.values[:, 0].tolist() == [[0.25, 2.0], [-0.1, 0.0]]


@pytest.mark.parametrize(
    ("text", "clips"),
    [
        ("0.25,2\n-0.1,0\n", None),
        ("0,1\n0.25,2\n-0.1,0\n", None),
        ("2.5e-01 2.0e+00\n-1.0e-01 0.0e+00\n", None),
        (",0,1\n0,0.25,2\n1,-0.1,0\n", None),
        (",0,1\na,0.25,2\nb,-0.1,0\n", ("a", "b")),
    ],
)
def test_csv_that_numpy_or_pandas_wrote_is_read(tmp_path, text, clips):
    (tmp_path / "a.csv").write_text(text)
    found = read_scores(tmp_path / "a.csv")
    assert found.clips == clips
    assert found.values[:, 0].tolist() == [[0.25, 2.0], [-0.1, 0.0]]


def test_npz_that_unpacks_to_hundreds_of_times_its_size_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("scores.npy", bytes(65 << 20))
    with pytest.raises(
        ContractError, match=r"a\.npz: scores unpacks to 68,157,440 bytes, expected at most"
    ):
        read_scores(tmp_path / "a.npz")
    np.savez_compressed(tmp_path / "b.npz", scores=np.eye(1000)[:, :100])
    assert len(read_scores(tmp_path / "b.npz").values) == 1000


def test_npz_of_one_array_needs_no_name(tmp_path):
    np.savez(tmp_path / "a.npz", VALUES)
    np.testing.assert_array_equal(read_scores(tmp_path / "a.npz").values[:, 0], VALUES)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "a.pkl",
            gzip.compress(b"a", mtime=0),
            r"found a gzip file \(unpack it with gunzip\), expected a p",
        ),
        (
            "a.npz",
            b"<!DOCTYPE html>",
            "found a web page .*, expected scores in a .npz file of numpy",
        ),
        ("a.npy", b"version https://git-lfs", r"found a Git LFS pointer .* \(run git lfs pull\)"),
        ("a.csv", b"PK\3\4", "found a zip archive"),
        ("a.npz", b"PK\3\4" + b"\0" * 22 + b"\5\0\0\0a.npy", r"of numpy that is cut short \(downl"),
    ],
)
def test_file_of_another_kind_is_named(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ContractError, match=rf"{name}: .*{sentence}"):
        read_scores(tmp_path / name)


SHARES = np.full((5, 4), 0.25)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            {"probabilities": VALUES},
            "the probabilities of entry 0 run from -.* if these are logits",
        ),
        (
            {"logits": VALUES, "probabilities": SHARES * np.nan},
            "of entry 0 run from nan and sum to",
        ),
        ({"logits": VALUES, "probabilities": SHARES * 2}, "run from 0.5 and sum to 2, expected"),
        (
            {"logits": VALUES.astype(np.float64) * 1e39},
            "scores of 5 of 5 entries are not finite, or beyond float32; entry 0 holds -?[0-9.]+e",
        ),
        ({"logits": VALUES, "labels": LABELS[:4]}, r"labels of shape \(4,\) .* expected \(5,\)"),
        ({"logits": VALUES, "labels": [*LABELS, 0]}, r"labels of shape \(6,\) .* expected \(5,\)"),
        ({"logits": VALUES, "labels": LABELS[:, None]}, r"labels of shape \(5, 1\)"),
        ({"logits": VALUES, "labels": np.eye(5)[LABELS]}, r"labels of shape \(5, 5\)"),
        ({"logits": VALUES, "labels": 3}, r"labels of shape \(\)"),
        (
            {"logits": VALUES, "label": LABELS.astype(str)},
            "type <U21, expected .* the class number",
        ),
        ({"logits": VALUES, "clips": "a"}, r"clips has the shape \(\), expected one axis"),
        (
            {"logits": VALUES, "clips": np.array(list("abcde"), dtype=object)},
            r"clips holds Python objects, .* store names as text with \.astype\(str\)",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_one_sentence(tmp_path, arrays, sentence):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ContractError, match=rf"a\.npz: .*{sentence}"):
        read_scores(tmp_path / "a.npz")


def test_array_of_objects_is_one_sentence(tmp_path):
    np.save(tmp_path / "a.npy", VALUES.astype(object))
    with pytest.raises(ContractError, match=r"a\.npy: the array holds Python objects"):
        read_scores(tmp_path / "a.npy")


def test_files_that_cannot_be_read_are_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"a\.pkl: is no file, expected scores"):
        read_scores(tmp_path / "a.pkl")
    (tmp_path / "a.xlsx").write_text("1 2")
    with pytest.raises(ConfigError, match=r"ends in '\.xlsx', expected one of \.pkl, .* \.csv"):
        read_scores(tmp_path / "a.xlsx")
    for name in ("a.npz", "a.npy", "a.csv"):
        (tmp_path / name).write_bytes(b"\x00\xff")
        with pytest.raises(
            ContractError, match=rf"{name}: found an unknown kind .* expected scores"
        ):
            read_scores(tmp_path / name)
    (tmp_path / "b.csv").write_text("clip,label\na,1\n")
    with pytest.raises(ContractError, match="has no column of a class"):
        read_scores(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("clip,0,1\na,1,high\n")
    with pytest.raises(ContractError, match=r"c\.csv: line 2, column 1: found 'high', expected a"):
        read_scores(tmp_path / "c.csv")
    np.savez(tmp_path / "d.npz", joint=VALUES, bone=VALUES)
    with pytest.raises(ContractError, match="has joint, bone, expected logits or probabilities or"):
        read_scores(tmp_path / "d.npz")
    np.savez(tmp_path / "e.npz", scores=np.array([{}], dtype=object))
    with pytest.raises(ContractError, match=r"e\.npz: scores holds Python objects"):
        read_scores(tmp_path / "e.npz")
    np.savez(tmp_path / "f.npz", logits=VALUES, probabilities=SHARES[:2])
    with pytest.raises(ContractError, match="have not the same shape"):
        read_scores(tmp_path / "f.npz")


@pytest.mark.parametrize(("suffix", "separator"), [("txt", " "), ("tsv", "\t"), ("csv", ";")])
def test_tables_of_numbers_have_any_suffix_of_text(tmp_path, suffix, separator):
    np.savetxt(tmp_path / f"a.{suffix}", VALUES, delimiter=separator)
    np.testing.assert_allclose(read_scores(tmp_path / f"a.{suffix}").values[:, 0], VALUES)


def test_lines_of_json_are_told(tmp_path):
    (tmp_path / "a.json").write_text('{"clip": "a", "scores": [1, 2]}\n' * 2)
    with pytest.raises(ContractError, match=r"at line 2, column 1 .* in each line, make a list"):
        read_scores(tmp_path / "a.json")


@pytest.mark.parametrize("ending", [".csv", ".txt"])
@pytest.mark.parametrize("cell", ["1_0", "\u0663", "1e400", "0x10"])
def test_cells_that_nobody_means_as_numbers_are_refused(tmp_path, cell, ending):
    separator = "," if ending == ".csv" else " "
    path = tmp_path / f"a{ending}"
    for header in ("", f"x{separator}y\n"):
        path.write_text(f"{header}0.5{separator}0.5\n{cell}{separator}0.5\n")
        with pytest.raises(ContractError, match=rf"a\{ending}: "):
            read_scores(path)
