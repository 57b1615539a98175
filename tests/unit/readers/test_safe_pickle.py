import os
import pickle
import struct
import sys
import time
import tracemalloc
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protogcn.errors import ConfigError, ContractError
from protogcn.readers.safe_pickle import load_pickle


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


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


def name(module, attribute):
    return b"c" + module + b"\n" + attribute + b"\n"


def stack_name(module, attribute):
    return text(module) + text(attribute) + b"\x93"


def call(function, *args):
    return function + b"(" + b"".join(args) + b"tR"


def uint64(number):
    return struct.pack("<Q", number)


def dtype_of(code, state=None):
    made = call(name(b"numpy", b"dtype"), text(code), b"\x89", b"\x88")
    return made if state is None else made + state + b"b"


NEW_ARRAY = call(
    name(b"numpy._core.multiarray", b"_reconstruct"),
    name(b"numpy", b"ndarray"),
    b"K\0\x85",
    b"C\x01b",
)
NO_STATE = b"(K\x03X\x01\0\0\0|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0t"


def array_of(dtype, shape, raw):
    state = b"(K\x01" + shape + dtype + b"\x89B" + struct.pack("<I", len(raw)) + raw + b"t"
    return NEW_ARRAY + state + b"b"


def number(value):
    return b"\x8a\x08" + struct.pack("<q", value)


COMMAND = b"touch CANARY"  # the tests run in an empty folder
RUN = text(COMMAND)
PYTHON = text(b"open('CANARY', 'w')")
SYSTEM = name(b"os", b"system")
FIELD = b"(X\x01\0\0\0f" + dtype_of(b"O8") + b"K\0\x86d"

CALLS = {
    "os.system": call(SYSTEM, RUN),
    "posix.system": call(stack_name(b"posix", b"system"), RUN),
    "nt.system": call(name(b"nt", b"system"), RUN),
    "builtins.eval": call(name(b"builtins", b"eval"), PYTHON),
    "builtins.exec": call(stack_name(b"builtins", b"exec"), PYTHON),
    "__builtin__.eval": call(name(b"__builtin__", b"eval"), PYTHON),
    "builtins.getattr": call(
        call(
            name(b"builtins", b"getattr"),
            call(name(b"builtins", b"__import__"), text(b"os")),
            text(b"system"),
        ),
        RUN,
    ),
    "builtins.__import__": call(name(b"builtins", b"__import__"), text(b"os")),
    "builtins.open": call(name(b"builtins", b"open"), text(b"CANARY"), text(b"w")),
    "builtins.bytearray": call(name(b"builtins", b"bytearray"), number(2**40)),
    "subprocess.Popen": call(name(b"subprocess", b"Popen"), RUN),
    "subprocess.getoutput": call(name(b"subprocess", b"getoutput"), RUN),
    "importlib.import_module": call(name(b"importlib", b"import_module"), text(b"antigravity")),
    "runpy._run_code": call(name(b"runpy", b"_run_code"), PYTHON, b"}"),
    "operator.attrgetter": call(name(b"operator", b"attrgetter"), text(b"system")),
    "functools.partial": call(name(b"functools", b"partial"), SYSTEM, RUN),
    "pickle.loads": call(name(b"pickle", b"loads"), b"C\x05\x80\x04N.."),
    "_pickle.loads": call(name(b"_pickle", b"loads"), b"C\x05\x80\x04N.."),
    "numpy.load": call(name(b"numpy", b"load"), text(b"x.npy")),
    "numpy.fromfile": call(name(b"numpy", b"fromfile"), text(b"/etc/passwd")),
    "numpy.memmap": call(name(b"numpy", b"memmap"), text(b"CANARY")),
    "numpy.f2py.crackfortran.getlincoef": call(
        name(b"numpy.f2py.crackfortran", b"getlincoef"), PYTHON, b"}"
    ),
    "numpy.testing._private.utils.runstring": call(
        name(b"numpy.testing._private.utils", b"runstring"), PYTHON, b"}"
    ),
    "torch.utils.collect_env.run": call(name(b"torch.utils.collect_env", b"run"), RUN),
    "torch.load": call(name(b"torch", b"load"), text(b"x.pt")),
    "_codecs.decode": call(name(b"_codecs", b"decode"), b"C\x01a", text(b"rot13")),
    "numpy.core.multiarray._reconstruct": call(
        stack_name(b"numpy", b"core.multiarray._reconstruct")
    ),  # dotted: the same words, but not a name of that module
    "collections.OrderedDict.fromkeys": call(
        stack_name(b"collections", b"OrderedDict.fromkeys"), b"]"
    ),
    "numpy.dtype.__class__": call(stack_name(b"numpy", b"dtype.__class__"), text(b"f4")),
    "\\u202e.system": call(stack_name("\u202e".encode(), b"system"), RUN),
}

TRICKS = {
    "INST": b"(" + RUN + b"ios\nsystem\n",
    "OBJ": b"(c__builtin__\nstr\no",
    "NEWOBJ": name(b"numpy", b"dtype") + text(b"f4") + b"\x85\x81",
    "NEWOBJ_EX": name(b"numpy", b"dtype") + b")}\x92",
    "EXT1": b"\x82\x01",
    "EXT2": b"\x83\x01\x00",
    "EXT4": b"\x84\x01\x00\x00\x00",
    "PERSID": b"Pos.system\n",
    "BINPERSID": b"NQ",
    "NEXT_BUFFER": b"\x97",
    "READONLY_BUFFER": b"N\x98",
    "POP": b"NN0",
    "DUP": b"N2\x86",
    "EMPTY_SET": b"\x8f",
    "STRING": b"S'text'\n",
    "GET": b"g0\n",
    "UNKNOWN": b"\xfe",
    "name not stored": b"h\x05",
    "name overwritten": name(b"numpy", b"dtype") + b"q\0" + RUN + b"q\0h\0" + b"(tR",
    "text called": text(b"os.system") + RUN + b"\x85R",
    "class called": name(b"numpy", b"ndarray") + b"(K\x09tR",
    "array called": NEW_ARRAY + b")R",
    "called with a list": name(b"numpy", b"dtype") + b"]R",
    "called with nothing": name(b"numpy", b"dtype") + b")R",
    "name of numbers": b"K\x01K\x02\x93",
    "name without end": b"c" + b"os" * 300,
    "name that is no text": b"c\xff\xfe\n\xff\n",
    "state for a dict": b"}}b",
    "state for a name": name(b"numpy", b"dtype") + b"}b",
    "entry for text": text(b"a") + b"Na",
    "entries for a tuple": b")(NNe",
    "pair for a list": b"]NNs",
    "pairs for text": text(b"a") + b"(NNu",
    "key without value": b"}(Nu",
    "list as key": b"}]Ns",
    "nested tuples as key": b"})" + b"q\0h\0\x86" * 200 + b"Ns",
    "no mark": b"N\x94t",
    "open mark": b"N(",
    "two values": b"NN",
    "no value": b"",
    "more behind the end": b"N.N",
    "half an array": NEW_ARRAY,
    "an array twice": b"(" + NEW_ARRAY + b"q\0" + array_of(dtype_of(b"f4"), b")", b"1234")[len(NEW_ARRAY):]
    + b"h\0N\x86bt",
    "a bare type": dtype_of(b"f4"),
    "a bare name": name(b"numpy", b"ndarray"),
    "another class of array": call(
        name(b"numpy._core.multiarray", b"_reconstruct"), name(b"numpy", b"dtype"), b"K\0\x85", b"C\x01b"
    ),
    "another array to begin with": call(
        name(b"numpy._core.multiarray", b"_reconstruct"),
        name(b"numpy", b"ndarray"),
        number(2**40) + b"\x85",
        b"C\x01b",
    ),
    "object array": array_of(dtype_of(b"O8"), b"K\x01\x85", b"\0" * 8),
    "object array with cleared flags": array_of(dtype_of(b"O8", NO_STATE), b"K\x01\x85", b"A" * 8),
    "object inside void": array_of(
        dtype_of(b"V8", b"(K\x03X\x01\0\0\0|N(X\x01\0\0\0ft" + FIELD + b"K\x08K\x01K\0t"),
        b"K\x01\x85",
        b"A" * 8,
    ),
    "field 1 GiB away": array_of(
        dtype_of(
            b"V8",
            b"(K\x03X\x01\0\0\0|N(X\x01\0\0\0ft(X\x01\0\0\0f" + dtype_of(b"f8") + b"J\0\0\0\x40\x86d"
            b"K\x08K\x01K\0t",
        ),
        b"K\x01\x85",
        b"A" * 8,
    ),
    "void": array_of(dtype_of(b"V8"), b"K\x01\x85", b"A" * 8),
    "type with fields": dtype_of(b"f4", b"(K\x03X\x01\0\0\0<N)}J\xff\xff\xff\xffJ\xff\xff\xff\xffK\0t"),
    "type with an inner shape": dtype_of(
        b"f4", b"(K\x03X\x01\0\0\0<" + dtype_of(b"f4") + b"K\x02\x86NNK\x04K\x04K\0t"
    ),
    "type with metadata": dtype_of(b"f4", b"(K\x04X\x01\0\0\0<NNNK\x04K\x04K\0}t"),
    "type of another size": dtype_of(b"f4", b"(K\x03X\x01\0\0\0<NNNK\x7fK\x04K\0t"),
    "type with object flags": dtype_of(b"f4", b"(K\x03X\x01\0\0\0<NNNK\x04K\x04K\x3ft"),
    "type by a dict": call(name(b"numpy", b"dtype"), b"}", b"\x89", b"\x88"),
    "type by a list of fields": call(name(b"numpy", b"dtype"), text(b"f4,O"), b"\x89", b"\x88"),
    "type with an array as flag": call(
        name(b"numpy", b"dtype"), text(b"f4"), array_of(dtype_of(b"f4"), b"K\x02\x85", b"A" * 8), b"\x88"
    ),
    "date type": dtype_of(b"M8"),
    "complex type": dtype_of(b"c8"),
    "long double": dtype_of(b"f16"),
    "text of no width": array_of(dtype_of(b"U0"), number(2**40) + b"\x85", b""),
    "text of absurd width": dtype_of(b"U99999999999"),
    "object number": call(
        name(b"numpy._core.multiarray", b"scalar"), dtype_of(b"O8"), b"C\x04\x80\x04N."
    ),
    "number of the wrong size": call(
        name(b"numpy._core.multiarray", b"scalar"), dtype_of(b"f8"), b"C\x01a"
    ),
    "shape of 2 GB": array_of(dtype_of(b"f4"), number(2**29) + b"\x85", b"1234"),
    "shape beyond 64 bits": array_of(
        dtype_of(b"f4"), number(2**62) + number(2**62) + b"\x86", b"1234"
    ),
    "negative shape": array_of(dtype_of(b"f4"), number(-1) + number(-1) + b"\x86", b"1234"),
    "empty but absurd shape": array_of(dtype_of(b"f4"), b"K\0" + number(2**62) + b"\x86", b""),
    "forty axes": array_of(dtype_of(b"f4"), b"(" + b"K\x01" * 40 + b"t", b"1234"),
    "text as shape": array_of(dtype_of(b"f4"), text(b"ab") + b"\x85", b"1234"),
    "array as shape": array_of(
        dtype_of(b"f4"), array_of(dtype_of(b"i8"), b"K\x01\x85", b"\1" + b"\0" * 7), b"1234"
    ),
    "truth of 2": array_of(dtype_of(b"b1"), b"K\x01\x85", b"\x02"),
    "character beyond Unicode": array_of(dtype_of(b"U1"), b"K\x01\x85", b"\xff" * 4),
    "buffer in an odd order": call(
        name(b"numpy._core.numeric", b"_frombuffer"),
        b"C\x041234", dtype_of(b"f4"), b"K\x01\x85", text(b"K"), b"K\x05\x85",
    ),
    "text encoded by a codec": call(name(b"_codecs", b"encode"), text(b"a"), text(b"rot13")),
    "text beyond Latin-1": call(
        name(b"_codecs", b"encode"), text("\u20ac".encode()), text(b"latin1")
    ),
    "bytes by length": call(name(b"builtins", b"bytes"), number(2**40)),
    "dict by values": call(name(b"collections", b"OrderedDict"), b"]"),
    "text that is not UTF-8": text(b"\xff\xff"),
    "a second protocol": b"\x80\x04N",
    "LONG1 bomb": b"\x8a\xff" + b"\xff" * 255,
    "LONG4 bomb": b"\x8b\xff\xff\xff\x7f",
    "LONG_BINPUT bomb": b"Nr\xff\xff\xff\xff",
    "FRAME bomb": b"\x95" + uint64(2**60) + b"N",
    "BINBYTES bomb": b"B\xff\xff\xff\xff",
    "BINBYTES8 bomb": b"\x8e" + uint64(2**60),
    "BINUNICODE bomb": b"X\xff\xff\xff\xff",
    "BINUNICODE8 bomb": b"\x8d" + uint64(2**63),
    "BYTEARRAY8 bomb": b"\x96" + uint64(2**62),
    "cut in a number": b"J\0\0",
    "one text encoded many times": text(b"a" * 10_000) + b"q\0"
    + b"(" + call(name(b"_codecs", b"encode"), b"h\0", text(b"latin1")) * 1000 + b"t\x86",
    "one buffer in many arrays": b"B\x10\x27\0\0" + b"A" * 10_000 + b"q\0"
    + b"(" + call(
        name(b"numpy._core.numeric", b"_frombuffer"),
        b"h\0", dtype_of(b"i1"), b"M\x10\x27\x85", text(b"C"),
    ) * 1000 + b"t\x86",
}  # fmt: skip


@pytest.mark.parametrize("wanted", CALLS)
def test_names_what_a_pickle_wants_to_load(load, tmp_path, monkeypatch, wanted):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContractError) as caught:
        load(b"\x80\x04" + CALLS[wanted] + b".")
    shown = "builtins.getattr" if wanted == "builtins.getattr" else wanted
    assert (
        f"the pickle wants to load `{shown}`, expected only numbers, text, lists, dicts and"
        " numpy arrays." in str(caught.value)
    )
    assert os.listdir(tmp_path) == ["data.pkl"]  # noqa: PTH208


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


def test_a_billion_laughs_stay_references(load):
    data = b"\x80\x04]\x94" + b"".join(
        b"](" + b"h" + bytes([level]) + b"h" + bytes([level]) + b"e\x94" for level in range(200)
    )
    data += b"\x86" * 200 + b"."
    begin = time.process_time()
    assert type(load(data)) is tuple
    assert time.process_time() - begin < 1


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
        (b"PK\3\4", "found a start of 0x504b, expected a pickle"),
        (pickle.dumps([1], 0), "found a start of 0x286c, expected a pickle"),
        (b"\x80\x06N.", "found a start of 0x8006, expected a pickle"),
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
    with pytest.raises(ContractError, match="antigravity|this"):
        load(b"\x80\x04" + name(b"antigravity", b"geohash") + b".")
    assert not {"antigravity", "this"} & (set(sys.modules) - before)
