import zipfile

import numpy as np
import pytest

from protogcn.errors import ConfigError, ContractError
from protogcn.files.texts import PART_NAMES, load_texts, save_texts

CLASSES = ("waving", "nodding", "sitting")


def arrays(**changes):
    """Return the arrays of a whole file, some of them changed; None leaves one out."""
    whole = {
        "class_names": np.array(CLASSES),
        "part_names": np.array(PART_NAMES),
        "parts": np.ones((4, 3, 5), np.float32),
        "synonyms": np.ones((4, 5), np.float32),
        "synonym_class": np.array([0, 1, 2, 2]),
        "encoder": np.array("by hand"),
    } | changes
    return {name: array for name, array in whole.items() if array is not None}


def bad_row(value):
    parts = np.ones((4, 3, 5), np.float32)
    parts[2, 1] = value
    return parts


def test_what_is_saved_is_loaded(tmp_path):
    generator = np.random.default_rng(0)
    parts, synonyms = generator.normal(size=(4, 3, 5)), generator.normal(size=(4, 5))
    save_texts(
        tmp_path / "x.npz",
        classes=CLASSES,
        parts=parts,
        synonyms=synonyms,
        synonym_class=np.array([2, 1, 0, 0]),
        encoder="mine",
        part_texts=[["a", "b", "c"]] * 4,
        synonym_texts=["a", "b", "c", "d"],
    )
    found = load_texts(tmp_path / "x.npz", CLASSES)
    np.testing.assert_array_equal(found[0], parts.astype(np.float32))
    np.testing.assert_array_equal(found[1], synonyms.astype(np.float32))
    assert (found[2].tolist(), found[3]) == ([2, 1, 0, 0], "mine")


def test_texts_for_readers_may_be_left_out_and_numbers_be_doubles(tmp_path):
    np.savez(tmp_path / "x.npz", **arrays(parts=np.ones((4, 3, 5))))
    assert load_texts(tmp_path / "x.npz", CLASSES)[0].shape == (4, 3, 5)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"encoder": None, "parts": None}, r"x\.npz: lacks parts, encoder, expected class_names"),
        ({"class_names": np.array(CLASSES[:2])}, "class_names has 2 names, expected 3"),
        ({"class_names": np.array(["waving", "nod", "sitting"])}, "has 'nod' for class 1, expected 'nodding'"),
        ({"part_names": np.array(["hand", "head", "hip", "foot"])}, r"part_names is \['hand', 'head'"),
        ({"parts": np.ones((4, 2, 5), np.float32)}, r"parts is float32 of shape \(4, 2, 5\), expected .*\(4, 3, 'any'\)"),
        ({"parts": np.ones((4, 3, 5), int)}, "parts is int64 of shape"),
        ({"synonyms": np.ones((4, 6), np.float32)}, r"synonyms is float32 of shape \(4, 6\), expected .*\('any', 5\)"),
        ({"synonym_class": np.array([0.0, 1, 2, 2])}, "synonym_class is float64"),
        ({"synonym_class": np.array([0, 1, 2])}, r"synonym_class is int64 of shape \(3,\), expected .*\(4,\)"),
        ({"synonym_class": np.array([0, 1, 2, 3])}, "synonym_class has 3, expected 0 to 2"),
        ({"synonym_class": np.array([0, 0, 2, 2])}, r"no synonym of class 1 \(nodding\)"),
        ({"parts": bad_row(0)}, r"of class 1 \(nodding\), hip, is zero or not finite"),
        ({"parts": bad_row(np.inf)}, r"of class 1 \(nodding\), hip, is zero or not finite"),
        ({"parts": bad_row(1e-30)}, r"of class 1 \(nodding\), hip, is zero or not finite"),
        ({"parts": np.full((4, 3, 5), 1e30)}, "is zero or not finite in single precision"),
        ({"parts": np.array(1.0)}, r"parts is float64 of shape \(\), expected"),
        ({"class_names": np.array(3)}, r"class_names is of shape \(\), expected \(3,\)"),
        ({"class_names": np.array([CLASSES] * 3)}, r"class_names is of shape \(3, 3\), expected \(3,\)"),
        ({"class_names": np.array(CLASSES, object)}, "class_names holds Python objects"),
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_one_sentence(changes, sentence, tmp_path):
    np.savez(tmp_path / "x.npz", **arrays(**changes))
    with pytest.raises(ContractError, match=sentence):
        load_texts(tmp_path / "x.npz", CLASSES)


def test_numbers_of_another_machine_are_read(tmp_path):
    np.savez(tmp_path / "x.npz", **arrays(parts=np.ones((4, 3, 5), ">f4")))
    assert load_texts(tmp_path / "x.npz", CLASSES)[0].dtype == np.float32


def test_damaged_and_foreign_entries_are_one_sentence(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", **arrays())
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[content.index(b"parts.npy") + 40] ^= 255
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(
        ContractError,
        match=r"[xy]\.npz: found a damaged file .*, expected an \.npz of plain arrays",
    ):
        load_texts(tmp_path / "x.npz", CLASSES)
    np.savez(tmp_path / "y.npz", **arrays(parts=None))
    with zipfile.ZipFile(tmp_path / "y.npz", "a") as file:
        file.writestr("parts.npy", "no array")
    with pytest.raises(
        ContractError,
        match=r"[xy]\.npz: found a damaged file .*, expected an \.npz of plain arrays",
    ):
        load_texts(tmp_path / "y.npz", CLASSES)


def test_a_folder_is_one_sentence(tmp_path):
    with pytest.raises(
        ContractError, match=r": is a folder, expected an \.npz of plain arrays with"
    ):
        load_texts(tmp_path, CLASSES)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off"])
def test_a_file_of_another_kind_is_one_sentence(content, tmp_path):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ContractError, match=r"x\.npz: found .*, expected an? \.npz"):
        load_texts(tmp_path / "x.npz", CLASSES)


def test_a_single_array_is_one_sentence(tmp_path):
    with (tmp_path / "x.npz").open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(ContractError, match=r"found a \.npy file of numpy, expected a \.npz"):
        load_texts(tmp_path / "x.npz", CLASSES)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"x\.npz: does not exist, expected text embeddings"):
        load_texts(tmp_path / "x.npz", CLASSES)
