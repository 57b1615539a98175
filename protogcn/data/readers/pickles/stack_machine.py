"""The instructions of a pickle -> the plain data that they build on a stack, and nothing else."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.allowed_names import EXPECTED, Foreign, StandIn
from protogcn.data.readers.pickles.numpy_arrays import PickledArray, PickledType, RefusedError

_PLAIN = {type(None), bool, int, float, str, bytes}  # also the keys of a dict: hashed at once
_DATA = _PLAIN | {bytearray, list, tuple, dict, np.ndarray}
_CONTAINER = 56  # bytes that Python needs for an empty list
_MOST_PARTS = 6  # of a place in a message
_LONG = 200  # bytes of a text: a shorter one may be used as often as the pickle likes


class StackMachine:
    """The state of one pickle that is being read.

    Attributes:
        stack: values above the last open mark.
        outer: the stacks below the open marks.
        memo: values stored to be used again, by their numbers from 0; nested lists are many, and a
            dict would take more than they do.
        far: values stored under a number further up.
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
        self.memo: list[Any] = []
        self.far: dict[int, Any] = {}
        self.allowance = allowance
        self._recalled: dict[int, object] = {}  # lists and dicts by identity, which it keeps taken

    def result(self) -> object:
        """Return the only value that is left at the end."""
        if self.outer or len(self.stack) != 1:
            raise RefusedError(f"{len(self.stack)} values at the end, expected one")
        (value,) = self.stack
        plain = type(value) in (*_DATA, Foreign) or isinstance(value, np.generic)
        if not plain and self._find_storage is None:
            raise RefusedError("half an array, expected a whole one")
        return value

    def place(self) -> str:
        """Return what is being built: the keys and numbers that lead to it, for messages."""
        levels, parts = [*self.outer, self.stack], []
        for outer, level in pairwise(levels):
            container = outer[-1] if outer else None
            if type(container) is list:
                parts.append(f"entry {len(container) + max(len(level), 1)}")
            elif type(container) is dict:
                texts = [at for at in range(0, len(level), 2) if type(level[at]) is str]
                name = [level[at + 1] for at in texts[:-1] if level[at] == "frame_dir"]
                if name:
                    parts = [f"sample {show(name[0])}"]
                parts += [show(level[at])[1:-1] for at in texts[-1:]]
        if len(parts) > _MOST_PARTS:
            parts = [parts[0], "...", *parts[2 - _MOST_PARTS :]]
        return ", ".join(parts)

    def push(self, value: object) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def push_text(self, text: str) -> None:
        """Put a text on the stack, if it has a form in UTF-8."""
        text.encode()
        self.stack.append(text)

    def push_old_text(self, latin1: str) -> None:
        """Put Python 2's text on the stack: as text where it is UTF-8, else as bytes."""
        raw = latin1.encode("latin1")
        try:
            self.stack.append(raw.decode())
        except UnicodeDecodeError:
            self.stack.append(raw)

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
        """Add to the list on top of the stack."""
        self._container(list).extend(values)

    def add_to_dict(self, entries: list[object]) -> None:
        """Add keys and values in turn to the dict on top of the stack."""
        if len(entries) % 2:
            raise RefusedError("a key without value, expected pairs")
        keys = entries[::2]
        if not _PLAIN.issuperset(map(type, keys)):  # maybe numpy's numbers: CTR-GCN's of samples
            keys = [key.item() if isinstance(key, np.generic) else key for key in keys]
            if not _PLAIN.issuperset(map(type, keys)):
                raise RefusedError("a dict with other keys, expected text or numbers")
        self._container(dict).update(zip(keys, entries[1::2], strict=True))

    def _container(self, kind: type) -> Any:
        value = self.stack[-1]
        if type(value) is Foreign:
            return kind()  # whatever is put into it is dropped
        if type(value) is not kind:
            raise RefusedError(f"an entry for {show(value)}, expected a {kind.__name__}")
        if id(value) in self._recalled:  # what its uses cost was counted before
            raise RefusedError(
                f"a {kind.__name__} that grows after it was used again, expected a whole one"
            )
        return value

    def store(self, index: int | None) -> None:
        """Store the value on top of the stack, by default under the next number."""
        value = self.stack[-1]
        if index is None or index == len(self.memo):
            self.memo.append(value)
        elif index < len(self.memo):
            self.memo[index] = value
        else:
            self.far[index] = value

    def recall(self, index: int) -> None:
        """Put a stored value on the stack."""
        if index >= len(self.memo) and index not in self.far:
            raise RefusedError(f"a reference to value {index}, expected one that is stored")
        value = self.memo[index] if index < len(self.memo) else self.far[index]
        if type(value) is PickledArray and value.array is not None:
            value = value.array
        if type(value) in (list, dict):
            self._recalled[id(value)] = value
        if type(value) is not str or len(value) > _LONG:
            self._spend(value)
        self.stack.append(value)

    def load_name(self, module: object, name: object) -> None:
        """Put on the stack what stands in for a name."""
        if type(module) is not str or type(name) is not str:  # others may take ages to look up
            raise RefusedError(f"a name that is no text, {EXPECTED}")
        self.stack.append(self._find_name(module, name))

    def call(self, stand_in: object, arguments: object) -> None:
        """Put on the stack what a stand-in builds."""
        if type(stand_in) is Foreign:
            self.stack.append(stand_in)
            return
        if type(stand_in) is not StandIn or type(arguments) is not tuple:
            raise RefusedError(f"a call of {show(stand_in)}, {EXPECTED}")
        value = stand_in.build(arguments)
        self._spend(value)
        self.stack.append(value)

    def set_state(self, value: object, state: object) -> None:
        """Complete an array or its element type."""
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
        """Make an object of a class that is not known here: nothing."""
        if type(kind) is not Foreign:
            raise RefusedError(f"the instruction NEWOBJ, {EXPECTED}")
        self.stack.append(kind)

    def load_storage(self, key: object) -> None:
        """Put on the stack what stands in for the elements of a tensor."""
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
            elif type(value) is np.ndarray and value.dtype.kind == "O":
                self.allowance -= value.nbytes
                values.extend(value.ravel())
            elif type(value) in (list, tuple, dict):
                self.allowance -= _CONTAINER + 8 * len(value)
            else:
                self.allowance -= getattr(value, "nbytes", 0)
            if self.allowance < 0:
                raise RefusedError("one value used again and again, expected most of them once")
            if type(value) in (list, tuple, dict):
                values.extend(value.values() if type(value) is dict else value)
