import pytest

from protogcn.config.schema import check_schema
from protogcn.config.strict_yaml import read_yaml
from protogcn.errors import ConfigError, has_hidden
from tests.made.config import SCHEMA, changed

STICK = {"joints": ["hip", "chest"], "parents": [0, 0]}


@pytest.fixture(scope="module")
def schema():
    return read_yaml(SCHEMA)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("train", None, "train: found null, expected a map; its keys stand below it, indented"),
        ("overrides", None, "overrides: found null, expected a map; its keys stand below it"),
        ("datasets.demo.classes", "waving", "expected a list or a whole number, such as [waving]"),
        ("datasets.demo.classes", "3", "a list or a whole number (without quotes, 3, it is one)"),
        ("datasets.demo.classes", "names.txt", "; a file with one name a line is class_names"),
        ("datasets.demo.classes", {"0": "a"}, "the names in label order, such as [waving, nodding]"),
        ("datasets.demo.classes", [1, 2], 'classes.0: found 1, expected text (in quotes, "1", it is text)'),
        ("datasets.demo.classes", [True, False], "found true, expected text (YAML reads yes, no, on and off so"),
        ("datasets.demo.splits", "xsub", 'splits: found "xsub", expected a list, such as [xsub]'),
        ("datasets.demo.persons", "1", 'persons: found "1", expected a whole number (without quotes, 1, it is one)'),
        ("datasets.ntu60.raw", "", 'raw: found "", expected at least 1 letter'),
        ("train.learning_rate", "0,1", "expected a number (with a point, not a comma)"),
        ("train.learning_rate", "1e-4", "YAML reads 1e-4 as text"),
        ("ensembles.2ens.streams", "j", "list, such as {j: 1, b: 1}"),
        ("tables.table5.streams", ["j", "b"], "expected a map, such as {J: j, B: b}"),
        ("skeletons.stick", {**STICK, "centre": "hip"}, "expected a whole number, the number of a joint"),
    ],
)  # fmt: skip
def test_what_yaml_takes_for_another_kind_is_explained(schema, path, value, sentence):
    with pytest.raises(ConfigError) as error:
        check_schema(changed(path, value), schema)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tables.table5.methods", {"ours\x1b[2J": "protogcn"}),
        ("tables.table5.streams", {"J\u202e1": "j"}),
        ("tables.table5.title", "a\0b"),
        ("datasets.ntu60.raw", "data/a\nb"),
        ("datasets.ntu60.source", "\x9b31m"),
        ("skeletons.stick", {**STICK, "joints": ["a\u2028", "b"]}),
    ],
)  # fmt: skip
def test_letters_that_nobody_sees_are_refused_everywhere(schema, path, value):
    with pytest.raises(ConfigError) as error:
        check_schema(changed(path, value), schema)
    assert "expected no control or bidi characters" in str(error.value)
    assert not has_hidden(str(error.value).replace("\n", " "))


def test_a_source_and_a_title_may_have_several_lines(schema):
    check_schema(changed("datasets.ntu60.source", "the page\nof the authors\n"), schema)
    check_schema(changed("tables.table5.title", "two\nlines"), schema)
