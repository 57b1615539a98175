"""The names that a pickle of plain data may use -> what stands in for them here."""

from collections.abc import Callable
from dataclasses import dataclass

from protogcn.data.readers.pickles.numpy_arrays import (
    NdarrayName,
    PickledArray,
    PickledType,
    RefusedError,
    build_from_buffer,
    build_scalar,
)

EXPECTED = "expected only numbers, text, lists, dicts and numpy arrays"
_SHOWN = 40  # characters of a name in a message


@dataclass(frozen=True)
class StandIn:
    """Ours in place of the function or class that a pickle names."""

    build: Callable[[tuple[object, ...]], object]


@dataclass(frozen=True)
class Foreign:
    """In place of a class of no use here, and of whatever it would make: nothing.

    Of plain data these are dates, paths and the like; only readers of files with parts that they
    have no use for let others in.
    """

    name: str

    @property
    def shown_as(self) -> str:
        """Return what messages call it."""
        return self.name


def find_stand_in(module: str, name: str) -> StandIn | NdarrayName | Foreign:
    """Return what stands in for ``module.name``; nothing is imported.

    Raises:
        RefusedError: the name is none of the few that plain data needs.
    """
    if name in _INERT.get(module, ()):
        return Foreign(f"{module}.{name}")
    if (module, name) not in _STAND_INS:
        raise RefusedError(f"the pickle wants to load `{shown_name(module, name)}`, {EXPECTED}")
    return _STAND_INS[module, name]


def shown_name(module: str, name: str) -> str:
    """Return a short printable form of a name."""
    return ascii(f"{module[:_SHOWN]}.{name[:_SHOWN]}")[1:-1]


def _encode(args: tuple[object, ...]) -> bytes:
    """Protocol 2 writes bytes as the text that is the same in Latin-1."""
    if len(args) != 2 or any(type(arg) is not str for arg in args) or args[1] != "latin1":
        raise RefusedError("text in another encoding, expected latin1")
    try:
        return args[0].encode("latin1")
    except UnicodeEncodeError as error:
        raise RefusedError("a byte beyond 255, expected bytes") from error


def _empty(kind: type) -> Callable[[tuple[object, ...]], object]:
    def build(args: tuple[object, ...]) -> object:
        if args:
            raise RefusedError(f"a {kind.__name__} made from values, expected an empty one")
        return kind()

    return build


def _values(args: tuple[object, ...]) -> list[object]:
    """A set or deque becomes a list: nothing is hashed."""
    if len(args) > 2 or any(type(arg) not in (list, tuple, int, type(None)) for arg in args):
        raise RefusedError("a set in another form, expected Python's")
    return list(args[0]) if args and type(args[0]) in (list, tuple) else []


def _mapping(args: tuple[object, ...]) -> dict[object, object]:
    """A defaultdict has only its factory, a Counter all of its values."""
    if args and type(args[0]) is dict:
        return args[0]
    if len(args) > 1 or any(type(arg) not in (Foreign, StandIn, type(None)) for arg in args):
        raise RefusedError("a dict made from values, expected an empty one")
    return {}


_BUILTINS = "bool complex dict float int list range slice str tuple".split()
# Of no use here and without harm: nothing of them is built.
_INERT = {
    "builtins": _BUILTINS,
    "__builtin__": [*_BUILTINS, "long", "unicode", "xrange"],
    "datetime": "date datetime time timedelta timezone".split(),
    "decimal": ["Decimal"],
    "fractions": ["Fraction"],
    "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath".split(),
    "pathlib._local": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath".split(),
}
_STAND_INS: dict[tuple[str, str], StandIn | NdarrayName] = {
    ("numpy", "ndarray"): NdarrayName(),
    ("numpy", "memmap"): NdarrayName(),
    ("numpy", "dtype"): StandIn(PickledType),
    ("numpy.core.multiarray", "_reconstruct"): StandIn(PickledArray),  # numpy 1
    ("numpy._core.multiarray", "_reconstruct"): StandIn(PickledArray),
    ("numpy.core.multiarray", "scalar"): StandIn(build_scalar),
    ("numpy._core.multiarray", "scalar"): StandIn(build_scalar),
    ("numpy.core.numeric", "_frombuffer"): StandIn(build_from_buffer),
    ("numpy._core.numeric", "_frombuffer"): StandIn(build_from_buffer),
    ("_codecs", "encode"): StandIn(_encode),
    ("collections", "OrderedDict"): StandIn(_empty(dict)),
    ("collections", "defaultdict"): StandIn(_mapping),
    ("collections", "Counter"): StandIn(_mapping),
    ("collections", "deque"): StandIn(_values),
    ("builtins", "set"): StandIn(_values),
    ("builtins", "frozenset"): StandIn(_values),
    ("__builtin__", "set"): StandIn(_values),
    ("__builtin__", "frozenset"): StandIn(_values),
    ("builtins", "bytes"): StandIn(_empty(bytes)),
    ("__builtin__", "bytes"): StandIn(_empty(bytes)),  # protocol 2
}
