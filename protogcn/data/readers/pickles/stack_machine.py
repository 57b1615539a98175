"""The bytes of a pickle -> the plain data in it, by a stack that takes nothing but plain data.

``pickletools`` decodes the instructions and tests their lengths; what they do is here. Python's
unpickler with stand-ins for all names would not do: a dict key of tuples in tuples, each recalled
twice, is hashed for hours (24 levels, 129 bytes, take 0.2 s, and each level more doubles it). Nor
can it be told which values are recalled how often. See docs/reliability.md.
"""

import io
from collections.abc import Callable
from pickletools import opcodes
from typing import Any

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.allowed_names import EXPECTED, Foreign, StandIn, find_stand_in
from protogcn.data.readers.pickles.numpy_arrays import PickledArray, PickledType, RefusedError

PROTOCOLS = range(2, 6)
_PLAIN = {type(None), bool, int, float, str, bytes}  # also the keys of a dict: hashed at once
_DATA = _PLAIN | {bytearray, list, tuple, dict, np.ndarray}
_LONGEST_INTEGER = 71  # bits of a 64-bit number that needs a ninth byte for its sign
_NAMES = {opcode.code.encode("latin1"): opcode.name for opcode in opcodes}
_READERS = {opcode.name: opcode.arg.reader for opcode in opcodes if opcode.arg}
_LONG = 200  # bytes of a text: a shorter one may be used as often as the pickle likes


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
        allowance: bytes of values that may be used again; by default four times the file.

    Raises:
        RefusedError: it wants anything but plain data, is damaged, or contradicts itself.
    """
    machine = _StackMachine(find_name, find_storage, allowance or 4 * len(data))
    file = io.BytesIO(data)
    file.seek(start)
    position, name = start, ""
    try:
        while name != "STOP":
            position = file.tell()
            name, argument = _next_instruction(file)
            _check_claim(name, argument, position - start, len(data) - start)
            _ACTIONS[name](machine, argument)
        return machine.result(), file.tell()
    except RefusedError as error:
        error.position = position
        raise
    except UnicodeError as error:
        raise RefusedError("text that is not UTF-8, expected UTF-8", position) from error
    except (IndexError, ValueError) as error:
        found = "an instruction without its values, expected a whole pickle"
        raise RefusedError(found, position) from error


def _next_instruction(file: io.BytesIO) -> tuple[str, Any]:
    """Read an instruction and its number, text or bytes; no other is read at all."""
    code = file.read(1)
    name = _NAMES.get(code, f"0x{code.hex()}")
    if not code:
        raise RefusedError("the end of the file, expected a whole pickle")
    if name not in _ACTIONS:
        raise RefusedError(f"the instruction {name}, {EXPECTED}")
    if name == "GLOBAL":  # pickletools would undo backslashes
        return name, [file.readline().decode().removesuffix("\n") for _ in range(2)]
    return name, _READERS[name](file) if name in _READERS else None


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


class _StackMachine:
    """The state of one pickle that is being read.

    Attributes:
        stack: values above the last open mark.
        outer: the stacks below the open marks.
        memo: values stored to be used again.
        allowance: bytes of values that may still be copied or used again.
    """

    def __init__(
        self,
        find_name: Callable[[str, str], object],
        find_storage: Callable[[object], object] | None,
        allowance: int,
    ):
        self._find_name = find_name
        self._find_storage = find_storage
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.allowance = allowance

    def result(self) -> object:
        """Return the only value that is left at the end."""
        if self.outer or len(self.stack) != 1:
            raise RefusedError(f"{len(self.stack)} values at the end, expected one")
        (value,) = self.stack
        plain = type(value) in _DATA or isinstance(value, np.generic)
        if not plain and self._find_storage is None:
            raise RefusedError("half an array, expected a whole one")
        return value

    def push(self, value: object) -> None:
        self.stack.append(value)

    def push_text(self, text: str) -> None:
        text.encode()  # half characters have no UTF-8
        self.stack.append(text)

    def take(self, size: int) -> list[Any]:
        """Take the last values off the stack."""
        if len(self.stack) < size:
            raise IndexError
        values = self.stack[-size:]
        del self.stack[-size:]
        return values

    def mark(self) -> None:
        """Begin a new stack above this one."""
        self.outer.append(self.stack)
        self.stack = []

    def take_since_mark(self) -> list[Any]:
        """Take everything above the last mark off the stack."""
        values = self.stack
        self.stack = self.outer.pop()
        return values

    def add_to_list(self, values: list[object]) -> None:
        self._container(list).extend(values)

    def add_to_dict(self, entries: list[object]) -> None:
        """Add keys and values in turn."""
        if len(entries) % 2:
            raise RefusedError("a key without value, expected pairs")
        keys = entries[::2]
        if not _PLAIN.issuperset(map(type, keys)):
            raise RefusedError("a dict with other keys, expected text or numbers")
        self._container(dict).update(zip(keys, entries[1::2], strict=True))

    def _container(self, kind: type) -> Any:
        value = self.stack[-1]
        if type(value) is Foreign:
            return kind()  # whatever is put into it is dropped
        if type(value) is not kind:
            raise RefusedError(f"an entry for {show(value)}, expected a {kind.__name__}")
        return value

    def store(self, index: int | None) -> None:
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise RefusedError(f"a reference to value {index}, expected one that is stored")
        value = self.memo[index]
        if type(value) is PickledArray and value.array is not None:
            value = value.array
        self._spend(value)
        self.stack.append(value)

    def load_name(self, module: object, name: object) -> None:
        if type(module) is not str or type(name) is not str:  # others may take ages to look up
            raise RefusedError(f"a name that is no text, {EXPECTED}")
        self.stack.append(self._find_name(module, name))

    def call(self, stand_in: object, arguments: object) -> None:
        if type(stand_in) is Foreign:
            self.stack.append(stand_in)
            return
        if type(stand_in) is not StandIn or type(arguments) is not tuple:
            raise RefusedError(f"a call of {show(stand_in)}, {EXPECTED}")
        value = stand_in.build(arguments)
        self._spend(value)
        self.stack.append(value)

    def set_state(self, value: object, state: object) -> None:
        if type(value) is PickledType:
            value.set_state(state)
        elif type(value) is PickledArray:
            value = value.set_state(state)
            self._spend(value)
        elif type(value) is Foreign or (type(value) is dict and self._find_storage is not None):
            pass  # a state dict of torch has attributes, such as the versions of its modules
        else:
            raise RefusedError(f"a state for {show(value)}, {EXPECTED}")
        self.stack.append(value)

    def make_object(self, kind: object, _: object) -> None:
        if type(kind) is not Foreign:
            raise RefusedError(f"the instruction NEWOBJ, {EXPECTED}")
        self.stack.append(kind)

    def load_storage(self, key: object) -> None:
        if self._find_storage is None:
            raise RefusedError(f"the instruction BINPERSID, {EXPECTED}")
        self.stack.append(self._find_storage(key))

    def _spend(self, root: object) -> None:
        """Stop a pickle that has values copied or used again and again: readers look at each."""
        values = [root]
        while values:
            value = values.pop()
            if isinstance(value, str | bytes | bytearray):
                self.allowance -= len(value) if len(value) > _LONG else 0
            elif type(value) in (list, tuple, dict):
                self.allowance -= len(value)
            else:
                self.allowance -= getattr(value, "nbytes", 0)
            if self.allowance < 0:
                raise RefusedError("one value used again and again, expected most of them once")
            if type(value) in (list, tuple, dict):
                values.extend(value.values() if type(value) is dict else value)


_ACTIONS: dict[str, Callable[[_StackMachine, Any], None]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "STOP": lambda machine, _: None,
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), _StackMachine.push),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"), _StackMachine.push),
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), _StackMachine.push_text),
    "MARK": lambda machine, _: machine.mark(),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.take(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.take(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.take(3))),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.take_since_mark())),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "APPEND": lambda machine, _: machine.add_to_list(machine.take(1)),
    "APPENDS": lambda machine, _: machine.add_to_list(machine.take_since_mark()),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "SETITEM": lambda machine, _: machine.add_to_dict(machine.take(2)),
    "SETITEMS": lambda machine, _: machine.add_to_dict(machine.take_since_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _StackMachine.store),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _StackMachine.recall),
    "GLOBAL": lambda machine, names: machine.load_name(*names),
    "STACK_GLOBAL": lambda machine, _: machine.load_name(*machine.take(2)),
    "REDUCE": lambda machine, _: machine.call(*machine.take(2)),
    "BUILD": lambda machine, _: machine.set_state(*machine.take(2)),
    "NEWOBJ": lambda machine, _: machine.make_object(*machine.take(2)),
    "BINPERSID": lambda machine, _: machine.load_storage(*machine.take(1)),
}
