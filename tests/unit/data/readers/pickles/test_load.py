import gzip
import os
import pickle
import sys
import time
import tracemalloc
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protogcn.data.readers.pickles.load import load_pickle
from protogcn.errors import ConfigError, ContractError
from tests.made.hostile_pickles import CALLS, TRICKS, name


@pytest.fixture
def load(tmp_path):
    def write_and_load(data):
        path = tmp_path / "data.pkl"
        path.write_bytes(data)
        return load_pickle(path)

    return write_and_load


SAMPLE = {
    "float": np.arange(6, dtype=np.float16).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "axes": np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    "steps": np.arange(10, dtype=np.uint8)[::3],
    "big endian": np.arange(4, dtype=">f4"),
    "truth": np.array([True, False]),
    "text": np.array(["ab", "ü"]),
    "bytes": np.array([b"ab", b"c"]),
    "empty": np.zeros((1, 0, 25, 3), np.float32),
    "point": np.array(2.5),
    "numpy number": np.int64(-3),
    "numpy truth": np.bool_(True),
    "numpy text": np.str_("x"),
    "numbers": [0, -1, 255, 256, 70_000, 2**31, -(2**63), 2**64 - 1, 1.5, True, False, None],
    "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
    "raw": [b"", b"abc", b"\xff" * 300],
    "long text": "ü" * 300,
    "empty ones": [{}, []],
    0.5: "a number as key",
}


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for value, other in zip(found, expected, strict=True):
            assert_same(value, other)
    else:
        assert found == expected


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_plain_data_and_arrays(load, protocol):
    assert_same(load(pickle.dumps(SAMPLE, protocol)), SAMPLE)


def test_reads_arrays_of_numpy_1(load):
    old = pickle.dumps(SAMPLE["float"], 2).replace(b"numpy._core", b"numpy.core")
    assert_same(load(old), SAMPLE["float"])


def test_an_ordered_dict_is_a_dict(load):
    assert_same(load(pickle.dumps(OrderedDict(a=1, b=2), 4)), {"a": 1, "b": 2})


def test_one_array_in_two_places_stays_one(load):
    array = np.zeros(3)
    first, second = load(pickle.dumps([array, array], 4))
    assert first is second


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text("abc"), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=PLAIN, protocol=st.sampled_from([2, 3, 4, 5]))
def test_agrees_with_pickle_on_plain_data(tmp_path_factory, data, protocol):
    path = tmp_path_factory.getbasetemp() / "plain.pkl"
    path.write_bytes(pickle.dumps(data, protocol))
    assert_same(load_pickle(path), data)


@pytest.mark.parametrize("wanted", CALLS)
def test_names_what_a_pickle_wants_to_load(load, tmp_path, monkeypatch, wanted):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContractError) as caught:
        load(b"\x80\x04" + CALLS[wanted] + b".")
    assert (
        f"the pickle wants to load `{wanted}`, expected only numbers, text, lists, dicts and"
        " numpy arrays." in str(caught.value)
    )
    assert [path.name for path in tmp_path.iterdir()] == ["data.pkl"]


@pytest.mark.parametrize("trick", TRICKS)
def test_refuses_tricks(load, tmp_path, monkeypatch, trick):
    monkeypatch.chdir(tmp_path)
    begin = time.process_time()
    with pytest.raises(ContractError, match=r"data\.pkl: byte \d+: .*, expected .*\.$") as caught:
        load(b"\x80\x04" + TRICKS[trick] + b".")
    assert time.process_time() - begin < 1
    assert len(str(caught.value).replace(str(tmp_path), "")) < 200
    assert [path.name for path in tmp_path.iterdir()] == ["data.pkl"]


@pytest.mark.parametrize(
    "trick", [trick for trick in TRICKS if "bomb" in trick or "shape" in trick]
)
def test_a_bomb_takes_no_memory(load, trick):
    tracemalloc.start()
    with pytest.raises(ContractError, match="expected"):
        load(b"\x80\x04" + TRICKS[trick] + b".")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("protocol", [2, 4])
def test_values_may_be_shared_within_reason(load, protocol):
    size, array, names = (1080, 1920), np.arange(30.0), ["a", "b"]
    samples = [{"frame_dir": str(number), "img_shape": size} for number in range(5000)]
    content = {"samples": samples, "first": array, "second": array, "val": names, "test": names}
    assert_same(load(pickle.dumps(content, protocol)), content)


def test_a_small_pickle_may_share_more_than_its_size(load):
    content = {"arrays": [np.arange(5000.0)] * 20, "texts": [{"d": "x" * 300} for _ in range(50)]}
    assert_same(load(pickle.dumps(content, 4)), content)


def test_a_deep_nest_does_not_crash(load):
    depth = 100_000
    value = load(b"\x80\x04" + b"]" * depth + b"a" * (depth - 1) + b".")
    assert type(value) is list


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 100, -1])
def test_a_cut_pickle_is_refused(load, cut):
    with pytest.raises(ContractError, match=r"found .*, expected|byte \d+: .*, expected"):
        load(pickle.dumps(SAMPLE, 4)[:cut])


def test_a_cut_pickle_that_ends_in_a_dot_is_refused(load):
    whole = pickle.dumps(SAMPLE, 4)
    with pytest.raises(ContractError, match=r"byte \d+: .*, expected"):
        load(whole[: len(whole) // 2] + b".")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found an empty file, expected a pickle of protocol 2 to 5"),
        (
            gzip.compress(b"a", mtime=0),
            r"found a gzip file \(unpack it with gunzip\), expected a pickle",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "found a Git LFS pointer .* git lfs pull",
        ),
        (b"PK\3\4", "found a zip archive that is cut short .*, expected a pickle"),
        (
            pickle.dumps([1], 0),
            r"found a pickle of protocol 0 or 1 \(load it .*\), expected a pickle of protocol 2 to 5",
        ),
        (b"\x80\x06N.", "found an unknown kind of file, which starts with 0x80064e2e, expected"),
        (pickle.dumps([1], 4) + b"\n", "found no end of a pickle after 18 bytes, expected one"),
    ],
)
def test_other_files_are_refused(load, data, message):
    with pytest.raises(ContractError, match=message):
        load(data)


def test_a_sparse_giant_is_refused_unread(tmp_path):
    path = tmp_path / "data.pkl"
    path.write_bytes(b"\x80\x04")
    os.truncate(path, 20 << 30)
    with pytest.raises(ContractError, match="found no end of a pickle"):
        load_pickle(path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    path = tmp_path / "data.pkl"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
    with pytest.raises(ConfigError, match="expected a pickle file"):
        load_pickle(path)


def test_loads_no_module(load):
    before = set(sys.modules)
    with pytest.raises(ContractError, match=r"`antigravity\.geohash`"):
        load(b"\x80\x04" + name(b"antigravity", b"geohash") + b".")
    assert not {"antigravity", "this"} & (set(sys.modules) - before)
