import pytest

from protogcn.config import strict_yaml
from protogcn.config.plan import load_plan
from protogcn.config.strict_yaml import read_config, read_yaml
from protogcn.errors import ConfigError
from tests.made.config import SCHEMA, repository_config


def test_key_that_appears_twice_is_refused_with_both_lines(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("train:\n  epochs: 3\n  batch: 2\n  epochs: 4\n")
    with pytest.raises(ConfigError, match=r"c\.yaml, line 4: key 'epochs' .* first time in line 2"):
        read_yaml(path)
    with pytest.raises(ConfigError, match="appears twice"):
        load_plan(repository_config(), SCHEMA, [path])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no key"),
        (b"# train:\n", "holds no key"),
        (b"null\n", "holds no key"),
        (b"- a\n- b\n", "found a list, expected keys and values"),
        (b"hello\n", "found 'hello', expected keys and values"),
        (b"a: {b: 1, b: 2}", "line 1: key 'b' appears twice"),
        (b"a: 1\n\tb: 2\n", "line 2: is no YAML (found a tab at its start, expected blanks)"),
        (b"a: [1, 2", "line 1: is no YAML (expected ',' or ']'"),
        (b"a: b: c", "line 1: is no YAML (mapping values are not allowed here)"),
        (
            b"a: !!python/object:os.system 1",
            "line 1: is no YAML (could not determine a constructor",
        ),
        (b"a: *b", "line 1: is no YAML (found undefined alias 'b')"),
        (b"a: 1\0", "is no YAML (unacceptable character #x0000"),
        (b"[a]: 1", "line 1: is no YAML (found unhashable key)"),
        ("a: 1\nb: hände\n".encode("latin-1"), "line 2: found the byte 0xe4 ('\\xe4' in latin-1)"),
        ("a: 1".encode("utf-16"), "is UTF-16 text, expected UTF-8"),
    ],
)
def test_what_is_no_config_is_one_sentence_with_its_line(tmp_path, content, sentence):
    (tmp_path / "c.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as error:
        read_config(tmp_path / "c.yaml")
    assert sentence in str(error.value)
    assert str(error.value).startswith(f"{tmp_path}/c.yaml")


def test_a_byte_order_mark_and_the_line_ends_of_windows_are_read(tmp_path):
    (tmp_path / "c.yaml").write_bytes("\ufeffa: 1\r\nb: {c: hände}\r\n".encode())
    assert read_config(tmp_path / "c.yaml") == {"a": 1, "b": {"c": "hände"}}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("min.yaml", "does not exist; did you mean 'mine.yaml'?"),
        ("results/mine_xsub_2ens.csv", "is no config; a target stands before --configfile."),
        ("folder.yaml", "is a folder, expected a config file."),
        ("mine.yaml/x.yaml", "could not be read (Not a directory)."),
    ],
)
def test_a_file_that_is_not_there_is_one_sentence(tmp_path, name, sentence):
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ConfigError) as error:
        read_config(tmp_path / name)
    assert str(error.value) == f"--configfile: {tmp_path / name} {sentence}"


BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("train: {epochs: 010}", r"line 1: found 010, which YAML does not read as it looks"),
        ("a: 1\ntrain: {seed: 12:30:45}", r"line 2: found 12:30:45, which YAML"),
        ("a: 1:30.5", r"line 1: found 1:30\.5, which YAML"),
        ("a: " + "7" * 5000, r"line 1: found a number of 5000 digits, expected a shorter one"),
        (BOMB, r"line 6: stands for 1,\d+,\d+ values, expected at most 200,000"),
        ("a: &x {b: *x}", r"line 1: an alias is part of what it names"),
        ("[" * 3000 + "]" * 3000, r"is nested too deeply"),
        (
            "a: 1\nx: 2020-99-99",
            r"line 2: found '2020-99-99', which is no timestamp; put text in",
        ),
        ("x: !!float abc", r"line 1: found 'abc', which is no float"),
        ("x: !!bool abc", r"line 1: found 'abc', which is no bool"),
        ("x: !!timestamp abc", r"line 1: found 'abc', which is no timestamp"),
        ("x: !!int abc", r"line 1: found 'abc', which is no int"),
        ('x: !!int ""', r"line 1: found '', which is no int"),
        ("x: 0x" + "f" * 5000, r"line 1: found a number of 5002 digits"),
    ],
)
def test_what_yaml_makes_too_much_or_something_else_of_is_refused(tmp_path, content, sentence):
    (tmp_path / "c.yaml").write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        read_yaml(tmp_path / "c.yaml")


def test_aliases_and_plain_numbers_are_read(tmp_path):
    (tmp_path / "c.yaml").write_text("a: &x {k: 1_000, o: 0, f: 0.5, e: 1.0e-4, t: '010'}\nb: *x\n")
    found = read_yaml(tmp_path / "c.yaml")
    assert found["a"] == found["b"] == {"k": 1000, "o": 0, "f": 0.5, "e": 1e-4, "t": "010"}


def test_a_file_of_too_many_values_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(strict_yaml, "_MOST_VALUES", 10)
    (tmp_path / "a.yaml").write_text(f"a: [{'1, ' * 20}] ]this is no YAML")
    with pytest.raises(ConfigError, match=r"a\.yaml: has more than 10 values; .* class_names"):
        read_yaml(tmp_path / "a.yaml")
