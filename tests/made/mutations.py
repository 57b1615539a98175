"""A file -> a damaged one: bytes, fields of text, values of json, parts of a zip, instructions."""

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pickletools import genops
from random import Random
from typing import Any

from tests.made import hostile_pickles

Change = Callable[[Random, bytes, Sequence[bytes]], bytes]

NUMBERS = (
    "0", "-1", "1", "2", "3", "nan", "inf", "-inf", "1e400", "1e30", "-0.0", "1_0", "٣", "010",
    "1e5", "99999999999", "18446744073709551615", "9223372036854775808", "-9223372036854775808",
    "0x10", "1.5", "1e-320", "65504.1", "100000", "100001", "2147483648", "1,5", "", " ", "1e",
    "9" * 400, "true", "null", "None", "NA", "12:30:45", "1.0", "+1", "--1",
)  # fmt: skip
TEXTS = (
    "a", "", " ", "../x", "/etc/passwd", "a\x00b", "\n", "\r", "\t", ";", ",", '"', "'", "{}", "[]",
    "{x}", "<b>", "é", "\u202e", "\ufeff", "\ud800".encode("utf-8", "surrogatepass").decode("latin1"),
    "=1+1", "x" * 300, "-", "~", "&a", "*a", "!!python/object:os.system", "!!binary x", "<<", "- ", ": ",
    "#", "|", ">", "%", "\\", "\\u0000", "?",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 1.5, 1e308, float("nan"),
    float("inf"), "", "x", "1", "nan", "../x", "x" * 300, "a\x00b", "\ud800", [], {}, [[]], [0], [[0]],
    [None], {"": 0}, {"a": []}, [1, [2]], ["a"], [True], [float("nan")],
)  # fmt: skip
_NUMBER = re.compile(rb"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_FIELD = re.compile(rb"[^,;\t\r\n :{}\[\]\"']+")
_CHANGES = (1, 1, 1, 2, 3)  # of a file


def some(*changes: Change) -> Change:
    """Return a change that does one to three of these, one after the other."""

    def change(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
        for _ in range(random.choice(_CHANGES)):
            data = random.choice(changes)(random, data, others)
        return data

    return change


def in_bytes(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change, cut out, double or move some bytes, or put in those of another file."""
    at, length = _place(random, data)
    match random.randrange(8):
        case 0 if data:
            at = min(at, len(data) - 1)
            return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        case 1:
            return (
                data[:at] + random.randbytes(random.choice((1, 1, 2, 4, 8))) + data[at + length :]
            )
        case 2:
            return data[:at] + data[at + length :]
        case 3:
            return (
                data[: at + length]
                + data[at : at + length] * random.choice((1, 1, 2, 20))
                + data[at + length :]
            )
        case 4:
            other = random.choice(others)
            first, size = _place(random, other)
            return data[:at] + other[first : first + size] + data[at + length :]
        case 5:
            return data[:at]
        case 6:
            kind = random.choice(("<B", "<H", "<I", "<Q", ">I"))
            bits = 8 * struct.calcsize(kind)
            value = random.choice(
                (0, 1, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2**bits - 1, len(data) % 2**bits)
            )
            return data[:at] + struct.pack(kind, value) + data[at + struct.calcsize(kind) :]
    return data[:at] + random.choice(TEXTS).encode("utf-8", "replace") + data[at:]


def in_text(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change a number, a field, or the lines of a text."""
    match random.randrange(6):
        case 0 | 1:
            word = random.choice(NUMBERS).encode()
            return _replaced(random, _NUMBER, data, word)
        case 2:
            word = random.choice((*NUMBERS, *TEXTS)).encode("utf-8", "replace")
            return _replaced(random, _FIELD, data, word)
        case 3:
            found = _FIELD.findall(random.choice(others)[:2000])
            return _replaced(random, _FIELD, data, random.choice(found)) if found else data
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines[at], lines[to] = lines[to], lines[at]
        case 3:
            lines[at] = lines[at].rstrip(b"\r\n") + random.choice(
                (b"\r", b"\r\n", b"", b"\n\n", b",\n", b";\n", b" \n")
            )
        case 4:
            separator = random.choice((b",", b";", b"\t", b" ", b": "))
            lines = [
                line.replace(separator, random.choice((b",", b";", b"\t", b" "))) for line in lines
            ]
    return b"".join(lines)


def in_json(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change a value of a json file, if it is one; else its text."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return in_text(random, data, others)
    content = changed_value(random, content)
    return json.dumps(content).encode("utf-8", "replace")


def changed_value(random: Random, content: Any) -> Any:
    """Change one value of nested lists and dicts, or take it out, double or wrap it."""
    places = [(None, None), *_places(content)]
    owner, key = random.choice(places)
    value = content if owner is None else owner[key]
    match random.randrange(7):
        case 0 if owner is not None:
            del owner[key]
            return content
        case 1 if isinstance(owner, list):
            owner.insert(key, value)
            return content
        case 2:
            value = random.choice(([value], {"a": value}, [value, value]))
        case 3:
            other, name = random.choice(places)
            value = json.loads(json.dumps(content if other is None else other[name]))
        case 4 if isinstance(owner, dict):
            del owner[key]
            key = random.choice((*TEXTS, *owner, key))
        case _:
            value = random.choice(VALUES)
    if owner is None:
        return value
    owner[key] = value
    return content


def in_zip(inner: Change) -> Change:
    """Return a change of a part of a zip whose tables and checksums fit it again."""

    def change(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                parts = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
        except Exception:  # it was damaged before
            return in_bytes(random, data, others)
        if not parts:
            return data
        at = random.randrange(len(parts))
        name, content = parts[at]
        match random.randrange(8):
            case 0:
                del parts[at]
            case 1:
                parts.append(
                    (random.choice((*TEXTS, *dict(parts))).replace("\x00", "") or "x", content)
                )
            case 2:
                parts[at] = name, random.choice(parts)[1]
            case _:
                parts[at] = name, inner(random, content, [part for _, part in parts])
        return zipped(parts, zipfile.ZIP_DEFLATED if random.random() < 0.05 else zipfile.ZIP_STORED)

    return change


def zipped(parts: Sequence[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


_DESCRIPTIONS = (
    "'<f4'", "'<f8'", "'|O'", "'<U3'", "'|S2'", "'<M8[s]'", "'|V8'", "'<c8'", "'|b1'", "'<i8'", "'>f4'",
    "[('a', '<f4')]", "[('a', '|O')]", "None", "'", "'<f16'", "'<U1000000000'", "'<f2'", "3", "[]",
)  # fmt: skip
_SHAPES = ("()", "(0,)", "(1,)", "(-1,)", "(1000000000000,)", "(2, 3)", "(1, 1, 1)", "(1e5,)", "[3]", "3",
           "(9223372036854775808,)", "(0, 9223372036854775807)", "(True,)", "(2**70,)", "None", "(1,)*33")  # fmt: skip


def in_npy(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change the header of an array; its length stays true."""
    if not data.startswith(b"\x93NUMPY\x01") or len(data) < 10 or random.random() < 0.4:
        return in_bytes(random, data, others)
    end = 10 + int.from_bytes(data[8:10], "little")
    header = data[10:end].decode("latin1")
    match random.randrange(4):
        case 0:
            header = _with(header, "'descr': ", ", 'fortran", random.choice(_DESCRIPTIONS))
        case 1:
            header = _with(header, "'shape': ", ", }", random.choice(_SHAPES))
        case 2:
            header = header.replace("False", random.choice(("True", "None", "0", "x")))
        case 3:
            header = in_bytes(random, header.encode("latin1"), others).decode("latin1")
    text = header.encode("latin1", "replace")[:60_000]
    return data[:8] + len(text).to_bytes(2, "little") + text + data[end:]


def in_pickle(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Leave out, double, exchange or put in instructions; else bytes."""
    parts = _instructions(data)
    if len(parts) < 3 or random.random() < 0.3:
        return in_bytes(random, data, others)
    at, to = random.randrange(1, len(parts)), random.randrange(1, len(parts))
    match random.randrange(6):
        case 0:
            del parts[at]
        case 1:
            parts.insert(to, parts[at])
        case 2:
            parts[at], parts[to] = parts[to], parts[at]
        case 3:
            first, last = sorted((at, to))
            parts[to:to] = parts[first : min(last, first + 50)] * random.choice((1, 1, 1, 200))
        case 4:
            attack = random.choice((hostile_pickles.CALLS, hostile_pickles.TRICKS))
            parts.insert(at, random.choice([each for each in attack.values() if len(each) < 2000]))
        case 5:
            found = _instructions(random.choice(others))
            if found:
                first = random.randrange(len(found))
                parts[at:at] = found[first : first + random.choice((1, 5, 50))]
    return b"".join(parts)


def _instructions(data: bytes) -> list[bytes]:
    starts = []
    try:
        starts += (position for _, _, position in genops(data))
    except Exception:  # it was damaged before
        pass
    return [data[a:b] for a, b in pairwise([*starts, len(data)])]


def _place(random: Random, data: bytes) -> tuple[int, int]:
    return random.randint(0, len(data)), random.choice(
        (1, 1, 2, 4, 16, random.randint(1, max(1, len(data))))
    )


def _replaced(random: Random, pattern: re.Pattern[bytes], data: bytes, word: bytes) -> bytes:
    match = pattern.search(data, random.randint(0, len(data))) or pattern.search(data)
    if match is None:
        return data + word
    return data[: match.start()] + word + data[match.end() :]


def _places(content: Any) -> list[tuple[Any, Any]]:
    places, waiting = [], [content]
    while waiting:
        owner = waiting.pop()
        keys = (
            owner
            if isinstance(owner, dict)
            else range(len(owner))
            if isinstance(owner, list)
            else ()
        )
        for key in keys:
            places.append((owner, key))
            waiting.append(owner[key])
    return places


def _with(header: str, start: str, end: str, value: str) -> str:
    before, found, rest = header.partition(start)
    return f"{before}{found}{value}{end}{rest.partition(end)[2]}" if found else header
