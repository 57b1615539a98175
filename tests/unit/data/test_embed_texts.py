import sys
import types

import numpy as np
import pytest
import yaml

from protogcn.config.plan import expand
from protogcn.data import embed_texts as command
from protogcn.data.class_texts import read_class_texts
from protogcn.data.embed_texts import embeddings_of, encoder_of
from protogcn.errors import ConfigError, ContractError
from protogcn.files.texts import load_texts
from tests.made.command import run_command
from tests.made.config import REPOSITORY

CLASSES = ("waving", "nodding", "sitting")
DESCRIBED = """waving;head still; hand up; arm bent; hip still; leg straight; foot flat
nodding; head down; hand rests; arm hangs; hip still; leg straight; foot flat
sitting;head up;hands on lap;arms rest;hip bent;leg bent;foot flat
"""
NAMED = "waving,hello, say hello\nnodding\nsitting, taking a seat\n"


@pytest.fixture
def files(tmp_path):
    """Both files of texts; a function writes others."""
    paths = tmp_path / "parts.txt", tmp_path / "names.txt"

    def write(described=DESCRIBED, named=NAMED):
        for path, text in zip(paths, (described, named), strict=True):
            path.write_text(text, encoding="utf-8")
        return paths

    write()
    return write


def by_letters(texts):
    """Stand in for an encoder: how often four letters occur, and one that no row is zero."""
    return np.array([[1, *(text.count(letter) for letter in "aeio")] for text in texts])


def test_texts_are_joined_as_released(files):
    """Between a name and the hands there is only the blank that the field begins with."""
    head, hand, hip, foot = read_class_texts(*files(), CLASSES).parts
    assert head == ("waving,head still", "nodding, head down", "sitting,head up")
    assert hand == (
        "waving hand up, arm bent", "nodding hand rests, arm hangs", "sittinghands on lap,arms rest",
    )  # fmt: skip
    assert hip[0] == "waving, hip still"
    assert foot[2] == "sitting,leg bent,foot flat"


def test_synonyms_are_the_names_between_commas_as_they_are(files):
    texts = read_class_texts(*files(), CLASSES)
    assert texts.synonyms == (("waving", "hello", " say hello"), ("nodding",), ("sitting", " taking a seat"))  # fmt: skip
    assert texts.notes == ()


def test_a_file_may_go_on_after_the_last_class(files):
    texts = read_class_texts(*files(), CLASSES[:2])
    assert [len(part) for part in texts.parts] == [2] * 4
    assert texts.notes[0].endswith("parts.txt: the first 2 of its 3 lines are used.")


def test_names_that_are_not_the_datasets_are_said_once(files):
    texts = read_class_texts(*files(), ("waving", "nod head/bow", "sit down"))
    assert "2 of its names are not the dataset's, such as 'nodding' for 'nod head/bow'" in texts.notes[0]  # fmt: skip
    assert len(texts.notes) == 2


@pytest.mark.parametrize("text", ["\ufeff" + DESCRIBED, DESCRIBED.replace("\n", "\r\n") + "\n\n"])
def test_a_file_may_have_a_byte_order_mark_and_other_line_ends(files, text):
    assert read_class_texts(*files(text), CLASSES) == read_class_texts(*files(), CLASSES)


@pytest.mark.parametrize(
    ("described", "named", "sentence"),
    [
        (DESCRIBED.replace("; foot flat", "", 1), NAMED, r"parts\.txt, line 1: found 6 fields .*expected 7"),
        (DESCRIBED.replace(" hip still", " ", 1), NAMED, r"line 1: found 7 fields .*none of them empty"),
        ("nodding" + DESCRIBED[6:], NAMED, r"parts\.txt, line 1: is of 'nodding', expected class 0, 'waving'"),
        (DESCRIBED, "\n".join(reversed(NAMED.splitlines())), r"names\.txt, line 1: is of 'sitting'"),
        (DESCRIBED, NAMED.replace("hello, ", ", "), r"names\.txt, line 1: found an empty name"),
        (DESCRIBED, NAMED.replace("nodding\n", "\n"), r"names\.txt, line 2: is empty"),
        (DESCRIBED, "waving\nnodding\n", r"names\.txt: has 2 lines, expected one for each of 3"),
        (DESCRIBED, "", r"names\.txt: has 0 lines"),
    ],
)  # fmt: skip
def test_a_line_of_another_form_is_named(files, described, named, sentence):
    with pytest.raises(ContractError, match=sentence):
        read_class_texts(*files(described, named), CLASSES)


def test_a_missing_file_is_named(files, tmp_path):
    with pytest.raises(ConfigError, match=r"none\.txt: does not exist, expected texts on classes"):
        read_class_texts(tmp_path / "none.txt", files()[1], CLASSES)


def test_equal_texts_are_encoded_once():
    seen = []

    def encode(texts):
        seen.extend(texts)
        return by_letters(texts)

    rows = embeddings_of(["b", "a", "b"], encode)
    assert seen == ["b", "a"]
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, by_letters(["b", "a", "b"]))


@pytest.mark.parametrize("wrong", [lambda texts: np.ones(4), lambda texts: np.ones((1, 4))])
def test_an_encoder_that_gives_no_row_for_each_text_is_named(wrong):
    with pytest.raises(ConfigError, match="expected a row for each"):
        embeddings_of(["a", "b"], wrong)


class _Rows:
    """A tensor of torch, as far as it is used."""

    def __init__(self, values):
        self.values = values

    def __getattr__(self, name):
        return lambda: self.values if name == "numpy" else self


def with_open_clip(monkeypatch):
    """Stand in for the package; return what is asked of it."""
    asked = []
    network = types.SimpleNamespace(encode_text=lambda tokens: _Rows(by_letters(tokens)))
    network.eval = lambda: network
    network.requires_grad_ = lambda wanted: asked.append(wanted) or network
    module = types.ModuleType("open_clip")
    module.create_model = lambda name, pretrained: asked.append((name, pretrained)) or network
    module.get_tokenizer = lambda name: asked.append(name) or (lambda texts: texts)
    monkeypatch.setitem(sys.modules, "open_clip", module)
    return asked


def test_open_clip_encodes_with_the_model_and_weights_of_the_name(monkeypatch):
    asked = with_open_clip(monkeypatch)
    rows = encoder_of("open_clip:ViT-B-32-quickgelu:openai")(["wave", "nod"])
    np.testing.assert_array_equal(rows, by_letters(["wave", "nod"]))
    assert asked == [("ViT-B-32-quickgelu", "openai"), False, "ViT-B-32-quickgelu"]


def test_sentence_transformers_encodes_with_the_model_of_the_name(monkeypatch):
    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer = lambda name: types.SimpleNamespace(
        encode=lambda texts, convert_to_numpy: len(name) * by_letters(texts)
    )
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    rows = encoder_of("sentence_transformers:org/tiny")(["wave"])
    np.testing.assert_array_equal(rows, 8 * by_letters(["wave"]))


def test_a_model_that_cannot_be_loaded_is_one_sentence(monkeypatch):
    def fail(name):
        raise OSError(f"{name} is no model\nand more")

    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer = fail
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    sentence = r"--encoder sentence_transformers:x: could not be loaded \(x is no model\)\."
    with pytest.raises(ConfigError, match=sentence):
        encoder_of("sentence_transformers:x")


@pytest.mark.parametrize(
    ("name", "module", "sentence"),
    [
        ("open_clip:a:b", "open_clip", "open_clip is not installed, .*pip install open_clip_torch"),
        ("sentence_transformers:a", "sentence_transformers", "pip install sentence-transformers"),
        ("open_clip", None, "found 'open_clip', expected open_clip:MODEL:WEIGHTS"),
        ("sentence_transformers:", None, "expected open_clip:MODEL:WEIGHTS"),
        ("clip:a:b", None, "found 'clip:a:b', expected"),
    ],
)
def test_what_cannot_encode_is_one_sentence(name, module, sentence, monkeypatch):
    if module is not None:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=sentence):
        encoder_of(name)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with a small config of one dataset of these classes."""
    dataset = {"raw": "data/mine.pkl", "skeleton": "ntu25", "classes": list(CLASSES), "splits": ["s"]}  # fmt: skip
    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    small = {
        "datasets": {"mine": dataset},
        "models": {"protogcn": config["models"]["protogcn"]},
        "train": config["train"],
        "engine": config["engine"],
        "ensembles": {"one": {"streams": {"j": 1}}},
    }

    def write(**more):
        path = tmp_path / "config/config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(small | {"datasets": {"mine": dataset | more}}))
        assert expand(yaml.safe_load(path.read_text()))
        return ["mine", "--directory", tmp_path]

    return write


def test_the_command_writes_the_file_that_gap_reads(
    workplace, files, tmp_path, monkeypatch, capsys
):
    with_open_clip(monkeypatch)
    output = tmp_path / "out/mine.npz"
    words = [*workplace(text_embeddings=str(output)), "--descriptions", files()[0]]
    assert run_command(command, monkeypatch, *words, "--synonyms", files()[1]) == 0
    parts, synonyms, labels, encoder = load_texts(output, CLASSES)
    assert encoder == "open_clip:ViT-B-32-quickgelu:openai"
    assert labels.tolist() == [0, 0, 0, 1, 2, 2]
    texts = read_class_texts(*files(), CLASSES)
    np.testing.assert_array_equal(parts, np.stack([by_letters(part) for part in texts.parts]))
    np.testing.assert_array_equal(synonyms[2], by_letters([" say hello"])[0])
    assert np.load(output)["part_texts"].tolist() == [list(part) for part in texts.parts]
    assert "12 texts on parts and 6 names of 3 classes, each 5 numbers" in capsys.readouterr().out


def test_the_command_needs_to_know_which_file_to_write(workplace, files, monkeypatch, capsys):
    words = [*workplace(), "--descriptions", files()[0], "--synonyms", files()[1]]
    assert run_command(command, monkeypatch, *words) == 2
    assert "datasets.mine has no text_embeddings, the file to write" in capsys.readouterr().err


def test_an_unknown_dataset_is_answered_with_the_nearest(workplace, files, monkeypatch, capsys):
    words = ["mime", *workplace()[1:], "--descriptions", files()[0], "--synonyms", files()[1]]
    assert run_command(command, monkeypatch, *words) == 2
    assert "did you mean 'mine'" in capsys.readouterr().err


def test_embeddings_that_are_zero_are_refused_and_nothing_is_written(
    workplace, files, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(command, "encoder_of", lambda name: lambda texts: 0 * by_letters(texts))
    words = [*workplace(), "--descriptions", files()[0], "--synonyms", files()[1]]
    output = tmp_path / "x.npz"
    assert run_command(command, monkeypatch, *words, "--output", output) == 3
    assert (
        "an embedding of class 0 (waving), head, is zero or not finite" in capsys.readouterr().err
    )
    assert not output.exists()
