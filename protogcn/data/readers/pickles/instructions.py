"""A pickle of plain data -> that data, by instructions that can do nothing else.

Python's unpickler is never called. The few instructions here are those that numbers, text, lists,
dicts and numpy arrays need; none can look up, import or call anything but our own stand-ins.
"""

from collections.abc import Callable
from pickletools import opcodes
from struct import Struct

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.machine import PickleMachine
from protogcn.data.readers.pickles.names import EXPECTED, Foreign, StandIn
from protogcn.data.readers.pickles.numpy_arrays import PickledArray, PickledType, RefusedError

FIRST = 0x80
LAST = ord(".")
PROTOCOLS = range(2, 6)
_LONGEST_INTEGER = 9  # bytes of a 64-bit number and its sign
_PLAIN = {type(None), bool, int, float, str, bytes}  # also the keys of a dict: hashed at once
_DATA = _PLAIN | {bytearray, list, tuple, dict, np.ndarray}

_UINT8, _UINT16, _UINT32, _UINT64 = Struct("<B"), Struct("<H"), Struct("<I"), Struct("<Q")
_INT32, _FLOAT64 = Struct("<i"), Struct(">d")
_NAMES = {ord(opcode.code): opcode.name for opcode in opcodes}


def carry_out(machine: PickleMachine) -> object:
    """Return the one value that a pickle holds.

    Raises:
        RefusedError: it wants anything but plain data, or contradicts itself.
        IndexError: it ends early, or takes a value that is not there.
        struct.error: it ends inside a number.
        UnicodeDecodeError: a text is not UTF-8.
    """
    data = machine.data
    while (code := data[machine.position]) != LAST:
        machine.position += 1
        _INSTRUCTIONS[code](machine)
    value = machine.result()
    plain = type(value) in _DATA or isinstance(value, np.generic)
    if not plain and machine.find_storage is None:
        raise RefusedError("half an array, expected a whole one")
    return value


def _refuse(machine: PickleMachine) -> None:
    code = machine.data[machine.position - 1]
    name = _NAMES.get(code, f"0x{code:02x}")
    raise RefusedError(f"the instruction {name}, {EXPECTED}")


def _push(value: object) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(value)


def _push_new(kind: type) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(kind())


def _push_number(form: Struct) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(machine.number(form))


def _push_bytes(form: Struct) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(machine.take(form))


def _push_text(form: Struct) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(machine.take(form).decode("utf-8"))


def _push_bytearray(machine: PickleMachine) -> None:
    machine.stack.append(bytearray(machine.take(_UINT64)))


def _push_integer(machine: PickleMachine) -> None:
    digits = machine.take(_UINT8)
    if len(digits) > _LONGEST_INTEGER:
        raise RefusedError(f"an integer of {len(digits)} bytes, expected at most 64 bits")
    machine.stack.append(int.from_bytes(digits, "little", signed=True))


def _protocol(machine: PickleMachine) -> None:
    if machine.number(_UINT8) not in PROTOCOLS or machine.position != machine.start + 2:
        raise RefusedError("a second protocol, expected one of 2 to 5 at the start")


def _frame(machine: PickleMachine) -> None:
    length, left = machine.number(_UINT64), len(machine.data) - machine.position
    if length > left:
        raise RefusedError(f"a frame of {length} bytes, expected at most the {left} left")


def _tuple_since_mark(machine: PickleMachine) -> None:
    values = machine.since_mark()
    machine.stack.append(tuple(values))


def _tuple_of(size: int) -> Callable[[PickleMachine], None]:
    def instruction(machine: PickleMachine) -> None:
        stack = machine.stack
        if len(stack) < size:
            raise IndexError
        stack[-size:] = [tuple(stack[-size:])]

    return instruction


def _append(machine: PickleMachine) -> None:
    value = machine.stack.pop()
    machine.container(list).append(value)


def _append_since_mark(machine: PickleMachine) -> None:
    values = machine.since_mark()
    machine.container(list).extend(values)


def _set_item(machine: PickleMachine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set(machine, [key], [value])


def _set_since_mark(machine: PickleMachine) -> None:
    values = machine.since_mark()
    if len(values) % 2:
        raise RefusedError("a key without value, expected pairs")
    _set(machine, values[::2], values[1::2])


def _set(machine: PickleMachine, keys: list[object], values: list[object]) -> None:
    if not _PLAIN.issuperset(map(type, keys)):
        raise RefusedError("a dict with other keys, expected text or numbers")
    machine.container(dict).update(zip(keys, values, strict=True))


def _store(form: Struct) -> Callable[[PickleMachine], None]:
    def instruction(machine: PickleMachine) -> None:
        index = machine.number(form)
        if index > machine.position:  # each value that is stored takes a byte or more
            raise RefusedError(f"value {index} stored, expected fewer than bytes")
        machine.memo[index] = machine.stack[-1]

    return instruction


def _store_next(machine: PickleMachine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _recall(form: Struct) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.recall(machine.number(form))


def _name_in_line(machine: PickleMachine) -> None:
    machine.stack.append(machine.find_name(machine.line(), machine.line()))


def _name_on_stack(machine: PickleMachine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.find_name(module, name))


def _call(machine: PickleMachine) -> None:
    args, stand_in = machine.stack.pop(), machine.stack.pop()
    if type(stand_in) is Foreign:
        machine.stack.append(stand_in)
        return
    if type(stand_in) is not StandIn or type(args) is not tuple:
        raise RefusedError(f"a call of {show(stand_in)}, {EXPECTED}")
    value = stand_in.build(args)
    machine.spend(value)
    machine.stack.append(value)


def _set_state(machine: PickleMachine) -> None:
    state, value = machine.stack.pop(), machine.stack[-1]
    if type(value) is PickledType:
        value.set_state(state)
    elif type(value) is PickledArray:
        machine.stack[-1] = value.set_state(state)
        machine.spend(machine.stack[-1])
    elif type(value) is Foreign or (type(value) is dict and machine.find_storage is not None):
        pass  # a state dict of torch has attributes, such as the versions of its modules
    else:
        raise RefusedError(f"a state for {show(value)}, {EXPECTED}")


def _make_object(machine: PickleMachine) -> None:
    if type(machine.stack[-2]) is not Foreign:
        _refuse(machine)
    machine.stack.pop()


def _persistent(machine: PickleMachine) -> None:
    if machine.find_storage is None:
        _refuse(machine)
    machine.stack.append(machine.find_storage(machine.stack.pop()))


_BY_NAME: dict[str, Callable[[PickleMachine], None]] = {
    "PROTO": _protocol,
    "FRAME": _frame,
    "NONE": _push(None),
    "NEWTRUE": _push(True),
    "NEWFALSE": _push(False),
    "BININT": _push_number(_INT32),
    "BININT1": _push_number(_UINT8),
    "BININT2": _push_number(_UINT16),
    "LONG1": _push_integer,
    "BINFLOAT": _push_number(_FLOAT64),
    "SHORT_BINUNICODE": _push_text(_UINT8),
    "BINUNICODE": _push_text(_UINT32),
    "BINUNICODE8": _push_text(_UINT64),
    "SHORT_BINBYTES": _push_bytes(_UINT8),
    "BINBYTES": _push_bytes(_UINT32),
    "BINBYTES8": _push_bytes(_UINT64),
    "BYTEARRAY8": _push_bytearray,
    "MARK": PickleMachine.mark,
    "EMPTY_TUPLE": _push(()),
    "TUPLE": _tuple_since_mark,
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "EMPTY_LIST": _push_new(list),
    "APPEND": _append,
    "APPENDS": _append_since_mark,
    "EMPTY_DICT": _push_new(dict),
    "SETITEM": _set_item,
    "SETITEMS": _set_since_mark,
    "BINPUT": _store(_UINT8),
    "LONG_BINPUT": _store(_UINT32),
    "MEMOIZE": _store_next,
    "BINGET": _recall(_UINT8),
    "LONG_BINGET": _recall(_UINT32),
    "GLOBAL": _name_in_line,
    "STACK_GLOBAL": _name_on_stack,
    "REDUCE": _call,
    "BUILD": _set_state,
    "NEWOBJ": _make_object,
    "BINPERSID": _persistent,
}
_INSTRUCTIONS = [_BY_NAME.get(_NAMES.get(code), _refuse) for code in range(256)]
