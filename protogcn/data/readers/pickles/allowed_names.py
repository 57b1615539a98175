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
    """In place of a class that is not known here, and of whatever it would make: nothing.

    Only readers that have no use for such parts of a file let them in.
    """

    name: str


def find_stand_in(module: str, name: str) -> StandIn | NdarrayName:
    """Return what stands in for ``module.name``; nothing is imported.

    Raises:
        RefusedError: the name is none of the few that plain data needs.
    """
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


_STAND_INS: dict[tuple[str, str], StandIn | NdarrayName] = {
    ("numpy", "ndarray"): NdarrayName(),
    ("numpy", "dtype"): StandIn(PickledType),
    ("numpy.core.multiarray", "_reconstruct"): StandIn(PickledArray),  # numpy 1
    ("numpy._core.multiarray", "_reconstruct"): StandIn(PickledArray),
    ("numpy.core.multiarray", "scalar"): StandIn(build_scalar),
    ("numpy._core.multiarray", "scalar"): StandIn(build_scalar),
    ("numpy.core.numeric", "_frombuffer"): StandIn(build_from_buffer),
    ("numpy._core.numeric", "_frombuffer"): StandIn(build_from_buffer),
    ("_codecs", "encode"): StandIn(_encode),
    ("collections", "OrderedDict"): StandIn(_empty(dict)),
    ("builtins", "bytes"): StandIn(_empty(bytes)),
    ("__builtin__", "bytes"): StandIn(_empty(bytes)),  # protocol 2
}
