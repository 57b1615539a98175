"""The bytes of a pickle -> the plain data in it, without Python's unpickler.

``pickletools`` decodes the instructions and tests their lengths; a stack machine of our own carries
out the few that plain data needs. Python's unpickler with stand-ins for all names would not do: a
dict key of tuples in tuples, each recalled twice, is hashed for hours (24 levels, 129 bytes, take
0.2 s, and each level more doubles it). Nor does it report which values are recalled how often. See
docs/reliability.md.
"""

import io
from collections.abc import Callable
from pickletools import opcodes
from typing import Any, NoReturn

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.allowed_names import EXPECTED, find_stand_in
from protogcn.data.readers.pickles.numpy_arrays import RefusedError
from protogcn.data.readers.pickles.stack_machine import StackMachine

PROTOCOLS = range(2, 6)
LEAST_ALLOWANCE = 4 << 20  # bytes
_LONGEST_INTEGER = 71  # bits of a 64-bit number that needs a ninth byte for its sign
_WHOLE = "expected a whole pickle; it may be cut short: download or make it again"
_CLAIMS = {"PROTO", "FRAME", "LONG1", "LONG_BINPUT"}


def unpickle(
    data: bytes,
    *,
    start: int = 0,
    find_name: Callable[[str, str], object] = find_stand_in,
    find_storage: Callable[[object], object] | None = None,
    allowance: int | None = None,
) -> tuple[object, int]:
    """Return the one value that a pickle holds, and the byte after its end.

    Args:
        data: the file.
        start: the first byte of the pickle.
        find_name: what stands in for a name.
        find_storage: what stands in for the elements of a tensor, which lie elsewhere in the file.
        allowance: bytes of values that may be used again; by default four times the file, or
            4 MB if that is more.

    Raises:
        RefusedError: it wants anything but plain data, is damaged, or contradicts itself.
    """
    machine = StackMachine(
        find_name, find_storage, allowance or max(4 * len(data), LEAST_ALLOWANCE)
    )
    file = io.BytesIO(data)
    file.seek(start)
    position, name = start, ""
    try:
        while name != "STOP":
            position = file.tell()
            name, read_argument, act = _INSTRUCTIONS.get(file.read(1)) or _refused(data, position)
            argument = read_argument(file) if read_argument else None
            if name in _CLAIMS:
                _check_claim(name, argument, position - start, len(data) - start)
            act(machine, argument)
        return machine.result(), file.tell()
    except RefusedError as error:
        error.position = position
        error.place = f"{place}: " if (place := machine.place()) else ""
        raise
    except UnicodeError as error:
        raise RefusedError("text that is not UTF-8, expected UTF-8", position) from error
    except (IndexError, ValueError) as error:
        found = f"an instruction without its values, {_WHOLE}"
        raise RefusedError(found, position) from error


def _refused(data: bytes, position: int) -> NoReturn:
    if position == len(data):
        raise RefusedError(f"the end of the file, {_WHOLE}")
    names = {ord(opcode.code): opcode.name for opcode in opcodes}
    name = names.get(data[position], f"0x{data[position]:02x}")
    raise RefusedError(f"the instruction {name}, {EXPECTED}")


def _read_name(file: io.BytesIO) -> list[str]:
    """Read the two lines of a name; pickletools would undo backslashes in them."""
    return [file.readline().decode().removesuffix("\n") for _ in range(2)]


def _check_claim(name: str, argument: object, position: int, length: int) -> None:
    """Refuse a number of an instruction that cannot be true."""
    if name == "PROTO" and (position or argument not in PROTOCOLS):
        raise RefusedError("a second protocol, expected one of 2 to 5 at the start")
    if name == "FRAME" and argument > length - position:
        raise RefusedError(f"a frame of {argument} bytes, expected at most the file's {length}")
    if name == "LONG1" and argument.bit_length() > _LONGEST_INTEGER:
        raise RefusedError(f"{show(argument)}, expected at most 64 bits")
    if name == "LONG_BINPUT" and argument > position:  # what is stored takes a byte or more
        raise RefusedError(f"value {argument} stored, expected fewer than bytes")


_ACTIONS: dict[str, Callable[[StackMachine, Any], None]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "STOP": lambda machine, _: None,
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), StackMachine.push),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"), StackMachine.push),
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), StackMachine.push_text),
    **dict.fromkeys(("SHORT_BINSTRING", "BINSTRING"), StackMachine.push_old_text),
    "MARK": lambda machine, _: machine.mark(),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.take(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.take(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.take(3))),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.take_since_mark())),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "APPEND": lambda machine, _: machine.add_to_list(machine.take(1)),
    "APPENDS": lambda machine, _: machine.add_to_list(machine.take_since_mark()),
    "EMPTY_SET": lambda machine, _: machine.push([]),  # nothing is hashed
    "ADDITEMS": lambda machine, _: machine.add_to_list(machine.take_since_mark()),
    "FROZENSET": lambda machine, _: machine.push(machine.take_since_mark()),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "SETITEM": lambda machine, _: machine.add_to_dict(machine.take(2)),
    "SETITEMS": lambda machine, _: machine.add_to_dict(machine.take_since_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), StackMachine.store),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), StackMachine.recall),
    "GLOBAL": lambda machine, names: machine.load_name(*names),
    "STACK_GLOBAL": lambda machine, _: machine.load_name(*machine.take(2)),
    "REDUCE": lambda machine, _: machine.call(*machine.take(2)),
    "BUILD": lambda machine, _: machine.set_state(*machine.take(2)),
    "NEWOBJ": lambda machine, _: machine.make_object(*machine.take(2)),
    "BINPERSID": lambda machine, _: machine.load_storage(*machine.take(1)),
}
# By their bytes: name, what reads the number, text or bytes after it, and what it does.
_INSTRUCTIONS = {
    opcode.code.encode("latin1"): (
        opcode.name,
        _read_name if opcode.name == "GLOBAL" else opcode.arg and opcode.arg.reader,
        _ACTIONS[opcode.name],
    )
    for opcode in opcodes
    if opcode.name in _ACTIONS
}
