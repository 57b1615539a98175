"""The bytes of a pickle -> its numbers, stack and memo, each taken only when it is there.

No length or index of the file is believed before it is compared with the bytes that are left.
"""

from collections.abc import Callable
from struct import Struct

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.names import Foreign, find_stand_in
from protogcn.data.readers.pickles.numpy_arrays import PickledArray, RefusedError

_LONGEST_NAME = 200  # bytes of a module, or of a name in it


class PickleMachine:
    """The state of one pickle that is being read.

    Attributes:
        data: the file.
        start: the byte that the pickle starts with.
        alone: whether the file must end with it.
        position: the byte it has come to.
        find_name: what stands in for a name, see ``find_stand_in``.
        find_storage: what stands in for an object that the file keeps elsewhere, or None.
        stack: values above the last open mark.
        memo: values stored for later.
        allowance: bytes that arrays and re-coded texts may still have together.
    """

    def __init__(
        self,
        data: bytes,
        *,
        start: int = 0,
        alone: bool = True,
        find_name: Callable[[object, object], object] = find_stand_in,
        find_storage: Callable[[object], object] | None = None,
    ):
        self.data = data
        self.start = start
        self.alone = alone
        self.position = start
        self.find_name = find_name
        self.find_storage = find_storage
        self.stack: list[object] = []
        self._outer: list[list[object]] = []  # the stacks below the open marks
        self.memo: dict[int, object] = {}
        self.allowance = 2 * len(data)

    def number(self, form: Struct) -> int | float:
        """Read one number of fixed size."""
        (value,) = form.unpack_from(self.data, self.position)
        self.position += form.size
        return value

    def take(self, form: Struct) -> bytes:
        """Read a length and as many bytes."""
        length = self.number(form)
        left = len(self.data) - self.position
        if length > left:
            raise RefusedError(f"{length} bytes announced, expected at most the {left} left")
        self.position += length
        return self.data[self.position - length : self.position]

    def line(self) -> str:
        """Read a short text up to a line end."""
        end = self.data.find(b"\n", self.position, self.position + _LONGEST_NAME)
        if end < 0:
            raise RefusedError("a name without end, expected a short one")
        text = self.data[self.position : end].decode("utf-8")
        self.position = end + 1
        return text

    def mark(self) -> None:
        """Begin a new stack above this one."""
        self._outer.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[object]:
        """Take everything above the last mark off the stack."""
        values = self.stack
        self.stack = self._outer.pop()
        return values

    def container(self, kind: type) -> list | dict:
        """Return the list or dict on top of the stack, and leave it there."""
        value = self.stack[-1]
        if type(value) is Foreign:
            return kind()  # whatever is put into it is dropped
        if type(value) is not kind:
            raise RefusedError(f"an entry for {show(value)}, expected a {kind.__name__}")
        return value

    def spend(self, value: object) -> None:
        """Stop a pickle that has one stored text or buffer copied again and again."""
        if isinstance(value, np.ndarray | np.generic):
            self.allowance -= value.nbytes
        elif type(value) is bytes:
            self.allowance -= len(value)
        if self.allowance < 0:
            raise RefusedError("arrays larger than the file together, expected no repetition")

    def recall(self, index: int) -> None:
        """Put a stored value on the stack."""
        if index not in self.memo:
            raise RefusedError(f"a reference to value {index}, expected one that is stored")
        value = self.memo[index]
        if type(value) is PickledArray and value.array is not None:
            value = value.array
        self.stack.append(value)

    def result(self) -> object:
        """Return the only value that is left at the end."""
        if self._outer or len(self.stack) != 1:
            raise RefusedError(f"{len(self.stack)} values at the end, expected one")
        if self.alone and self.position + 1 != len(self.data):
            raise RefusedError("the end before the last byte, expected nothing behind it")
        return self.stack[0]
