"""Hand-made pickles that want what they may not have; without protocol and end."""

import struct


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


def core_call(function, *args):
    return call(name(b"numpy._core.multiarray", function), *args)


COMMAND = b"touch CANARY"  # the tests run in an empty folder
RUN = text(COMMAND)
PYTHON = text(b"open('CANARY', 'w')")
SYSTEM = name(b"os", b"system")
NAMES = b"K\x03X\x01\0\0\0|N(X\x01\0\0\0ft"  # of the fields
UNSIZED = b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\0t"
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
    "STRING": b"S'text'\n",
    "GET": b"g0\n",
    "UNKNOWN": b"\xfe",
    "name not stored": b"h\x05",
    "name overwritten": name(b"numpy", b"dtype") + b"q\0" + RUN + b"q\0h\0" + b"(tR",
    "text called": text(b"os.system") + RUN + b"\x85R",
    "class called": name(b"numpy", b"ndarray") + b"(K\x09tR",
    "memmap called": call(name(b"numpy", b"memmap"), text(b"CANARY")),
    "array called": NEW_ARRAY + b")R",
    "called with a list": name(b"numpy", b"dtype") + b"]R",
    "called with nothing": name(b"numpy", b"dtype") + b")R",
    "name of numbers": b"K\x01K\x02\x93",
    "name of dicts": b"}}\x93",
    "name of nested tuples": b")" + b"q\0h\0\x86" * 200 + b"N\x93",
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
    "state for an array": array_of(dtype_of(b"i1"), b"K\x04\x85", b"1234") + b"q\0Nb",
    "a bare type": dtype_of(b"f4"),
    "a bare name": name(b"numpy", b"ndarray"),
    "another class of array": core_call(
        b"_reconstruct", name(b"numpy", b"dtype"), b"K\0\x85", b"C\x01b"
    ),
    "object array": array_of(dtype_of(b"O8"), b"K\x01\x85", b"\0" * 8),
    "object array with cleared flags": array_of(dtype_of(b"O8", NO_STATE), b"K\x01\x85", b"A" * 8),
    "object inside void": array_of(
        dtype_of(b"V8", b"(" + NAMES + FIELD + b"K\x08K\x01K\0t"),
        b"K\x01\x85",
        b"A" * 8,
    ),
    "field 1 GiB away": array_of(
        dtype_of(
            b"V8",
            b"(" + NAMES + b"(X\x01\0\0\0f" + dtype_of(b"f8") + b"J\0\0\0\x40\x86dK\x08K\x01K\0t",
        ),
        b"K\x01\x85",
        b"A" * 8,
    ),
    "void": array_of(dtype_of(b"V8"), b"K\x01\x85", b"A" * 8),
    "type with fields": dtype_of(b"f4", b"(K\x03X\x01\0\0\0<N)}" + UNSIZED),
    "type with an inner shape": dtype_of(
        b"f4", b"(K\x03X\x01\0\0\0<" + dtype_of(b"f4") + b"K\x02\x86NNK\x04K\x04K\0t"
    ),
    "type with metadata": dtype_of(b"f4", b"(K\x04X\x01\0\0\0<NNNK\x04K\x04K\0}t"),
    "type of another size": dtype_of(b"f4", b"(K\x03X\x01\0\0\0<NNNK\x7fK\x04K\0t"),
    "type with object flags": dtype_of(b"f4", b"(K\x03X\x01\0\0\0<NNNK\x04K\x04K\x3ft"),
    "type by a dict": call(name(b"numpy", b"dtype"), b"}", b"\x89", b"\x88"),
    "type by a list of fields": call(name(b"numpy", b"dtype"), text(b"f4,O"), b"\x89", b"\x88"),
    "type with an array as flag": call(
        name(b"numpy", b"dtype"),
        text(b"f4"),
        array_of(dtype_of(b"f4"), b"K\x02\x85", b"A" * 8),
        b"\x88",
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
    "LONG1 bomb": b"\x8a\xff" + b"\x7f" * 255,
    "LONG4 bomb": b"\x8b\xff\xff\xff\x7f",
    "LONG_BINPUT bomb": b"Nr\xff\xff\xff\xff",
    "FRAME bomb": b"\x95" + uint64(2**60) + b"N",
    "BINBYTES bomb": b"B\xff\xff\xff\xff",
    "BINBYTES8 bomb": b"\x8e" + uint64(2**60),
    "BINUNICODE bomb": b"X\xff\xff\xff\xff",
    "BINUNICODE8 bomb": b"\x8d" + uint64(2**63),
    "BYTEARRAY8 bomb": b"\x96" + uint64(2**62),
    "cut in a number": b"J\0\0",
    "a billion laughs": b"]q\0" + b"".join(
        b"](h%ch%ceq%c" % (level, level, level + 1) for level in range(200)
    ) + b"\x86" * 200,
    "one annotation many times": b"]q\0(}q\1X\1\0\0\0a" + array_of(
        dtype_of(b"f4"), b"J\x10\x27\0\0\x85", b"A" * 40_000
    ) + b"s" + b"h\1" * 100_000 + b"e",
    "one score vector many times": b"]q\0(" + array_of(
        dtype_of(b"f4"), b"J\x10\x27\0\0\x85", b"A" * 40_000
    ) + b"q\1" + b"h\1" * 100_000 + b"e",
    "one long text many times": b"}" + text(b"a" * 10_000) + text(b"a" * 10_000) + b"q\0Ns"
    + b"h\0Ns" * 100_000,
    "a list in itself many times": b"]q\0" + b"h\0a" * 10_000,
    "one score vector many times in a list that grows later": b"]q\0(]q\1" + b"h\1" * 100_000
    + b"eh\1" + array_of(dtype_of(b"f4"), b"J\x10\x27\0\0\x85", b"A" * 40_000) + b"aa",
    "one annotation many times, then its array": b"](}q\1" + b"h\1" * 100_000 + b"h\1X\1\0\0\0a"
    + array_of(dtype_of(b"f4"), b"J\x10\x27\0\0\x85", b"A" * 40_000) + b"se",
    "one annotation in its own list, then its array": b"]q\0(}q\1" + b"h\1h\0" * 20_000
    + b"h\1X\1\0\0\0aNsh\0Nae",
    "one text encoded many times": text(b"a" * 10_000) + b"q\0"
    + b"(" + call(name(b"_codecs", b"encode"), b"h\0", text(b"latin1")) * 1000 + b"t\x86",
    "one buffer in many arrays": b"B\x10\x27\0\0" + b"A" * 10_000 + b"q\0"
    + b"(" + call(
        name(b"numpy._core.numeric", b"_frombuffer"),
        b"h\0", dtype_of(b"i1"), b"M\x10\x27\x85", text(b"C"),
    ) * 1000 + b"t\x86",
}  # fmt: skip
