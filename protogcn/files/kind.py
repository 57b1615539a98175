"""A file of any origin -> a few words on what it is by its first bytes, and what to do about it."""

import re
import stat
import zipfile
from codecs import getincrementaldecoder
from pathlib import Path

CHECKPOINT, SAFETENSORS = "a checkpoint of torch", "a safetensors file"
_FIRST = 4096  # bytes that are looked at
_SHOWN = 30  # characters of a text
_DOWNLOAD = "download the file again"
_AGAIN = "download or make it again"
_CONVERT = "convert it first"
_UNPACK = "unpack it first"

# Where these bytes stand, the bytes, and what has them there.
_STARTS = (
    (0, b"\x1f\x8b", "a gzip file (unpack it with gunzip)"),
    (0, b"\xfd7zXZ\0", "an xz file (unpack it with unxz)"),
    (4, b"1AY&SY", "a bzip2 file (unpack it with bunzip2)"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file (unpack it with unzstd)"),
    (0, b"\x04\x22\x4d\x18", f"an lz4 file ({_UNPACK})"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7z archive ({_UNPACK})"),
    (0, b"Rar!\x1a\x07", f"a rar archive ({_UNPACK})"),
    (257, b"ustar", "a tar archive (unpack it with tar -xf)"),
    (0, b"MATLAB 7.3", f"a MATLAB 7.3 file ({_CONVERT})"),
    (0, b"MATLAB 5.0", f"a MATLAB 5 file ({_CONVERT})"),
    (0, b"\x89HDF\r\n\x1a\n", f"an HDF5 file ({_CONVERT})"),
    (2, b"\x12\x07pytorch", "an exported network (ONNX)"),
    (0, b"\x93NUMPY", "a .npy file of numpy"),
    (0, b"PAR1", f"a Parquet file ({_CONVERT})"),
    (0, b"ARROW1", f"an Arrow file ({_CONVERT})"),
    (0, b"SQLite format 3", f"an SQLite database ({_CONVERT})"),
    (0, b"\xd0\xcf\x11\xe0", "an old Excel or Office file (save it as csv)"),
    (4, b"ftyp", "an mp4 video"),
    (8, b"AVI ", "an avi video"),
    (8, b"WAVE", "a sound file"),
    (0, b"\x1a\x45\xdf\xa3", "an mkv or webm video"),
    (0, b"\xff\xd8\xff", "a jpeg picture"),
    (0, b"\x89PNG", "a png picture"),
    (0, b"GIF8", "a gif picture"),
    (0, b"%PDF", "a pdf"),
    (0, b"#ROSBAG", f"a ROS bag ({_CONVERT})"),
    (0, b"Kaydara FBX", f"an fbx file ({_CONVERT})"),
    (0, b"\0\5\x16\7", "what macOS stores beside a file, not the file itself (remove it)"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ\x90", "a program of Windows"),
    (0, b"\xff\xfe", "text in UTF-16 (save it as UTF-8)"),
    (0, b"\xfe\xff", "text in UTF-16 (save it as UTF-8)"),
)
_OLD_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # a magic number, pickled
_FIRST_PROTOCOLS = re.compile(  # opcodes that a text or csv does not begin with
    rb"\((?:dp|lp)[0-9]*\n|\(?[\]}]q.|c(?:__builtin__|builtins|collections|copy_reg|numpy[\w.]*|"
    rb"torch[\w.]*)\n"
)
_TEXTS = (
    (r"version https://git-lfs", "a Git LFS pointer instead of the file (run git lfs pull)"),
    (r"\S*/annex/objects/", "a git-annex pointer instead of the file (run git annex get)"),
    (r"outs:\s*\n- md5:", "a DVC pointer instead of the file (run dvc pull)"),
    (
        r"(?:<!--.*?-->\s*)?(?:<!doctype html|<html|<head|<body|<\?xml[^>]*>\s*<!doctype html)",
        f"a web page instead of the file, such as the page of a download ({_DOWNLOAD})",
    ),
    (
        r"(?:<\?xml[^>]*>)?\s*<Error>",
        f"an error message of a server instead of the file ({_DOWNLOAD})",
    ),
    (r"<", "an XML file"),
    (r"HIERARCHY\s", "a bvh file"),
    (r"(?:import|from) \w|#!|def \w", "a program"),
    (r"\{\s*[\"}]|\[\s*[\[{\"\]\-\d]", "a JSON file"),
)


def is_pipe_or_device(path: Path) -> bool:
    """Whether something is neither a file nor a folder: opening it may wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def kind_of(path: Path) -> str:
    """Return what a file is, for "found ..., expected ...": nothing in it is run or trusted.

    What to do about it, where that is known, is in parentheses after it.

    Raises:
        OSError: it cannot be read.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        return "a folder"
    if is_pipe_or_device(path):
        return "a pipe or device"
    with path.open("rb") as file:
        start = file.read(_FIRST)
    if not start:
        return "an empty file"
    if not start.strip(b"\0"):
        return f"a file of zeros, which a download or copy that has not ended leaves ({_AGAIN})"
    return _binary_kind(path, start) or _text_kind(start) or _unknown(start)


def kind_to_mend(path: Path) -> str | None:
    """Return what a file is if there is something to do about it, whatever it was meant for."""
    kind = kind_of(path)
    return kind if kind.endswith(")") else None


def _binary_kind(path: Path, start: bytes) -> str | None:
    if start.startswith(b"PK"):
        return _kind_of_zip(path, start)
    if start.startswith(_OLD_TORCH):
        return f"{CHECKPOINT} in its old form"
    if start[0] == 0x80 and start[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return f"a pickle of protocol {start[1]}"
    if _FIRST_PROTOCOLS.match(start):
        return "a pickle of protocol 0 or 1 (load it in Python and dump it with protocol=4)"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size:
        return SAFETENSORS
    return next((kind for at, magic, kind in _STARTS if start.startswith(magic, at)), None)


def _kind_of_zip(path: Path, start: bytes) -> str:
    name = start[30 : 30 + int.from_bytes(start[26:28], "little")].decode("latin1")
    if name.endswith("data.pkl") or name.endswith("/.format_version"):
        kind, advice = CHECKPOINT, ""
    elif name.endswith(".npy"):
        kind, advice = "a .npz file of numpy", ""
    elif name in ("[Content_Types].xml", "_rels/.rels"):
        kind, advice = "an Excel or Office file", " (save it as csv)"
    else:
        kind, advice = "a zip archive", f" ({_UNPACK})"
    try:
        is_whole = zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # its end says that it lies on several disks
        is_whole = False
    if not is_whole:
        return f"{kind} that is cut short ({_AGAIN})"
    return f"{kind}{advice}"


def _text_kind(start: bytes) -> str | None:
    if re.search(rb"[\0-\x08\x0e-\x1a\x7f]", start):
        return None
    try:
        text = getincrementaldecoder("utf-8-sig")().decode(start)  # its last character may be cut
    except UnicodeDecodeError:
        return "text that is not UTF-8 (save it as UTF-8)"
    text = text.strip()
    for pattern, kind in _TEXTS:
        if re.match(pattern, text, re.IGNORECASE | re.DOTALL):
            return kind
    line = text.partition("\n")[0].strip()
    if not line:
        return "a file of blanks"
    shown = ascii(line[:_SHOWN]) + ("..." if len(line) > _SHOWN else "")
    return f"text that starts with {shown}"


def _unknown(start: bytes) -> str:
    return f"an unknown kind of file, which starts with 0x{start[:4].hex()}"
