import bz2
import gzip
import io
import lzma
import os
import pickle
import re
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import torch

from protogcn.files.kind import kind_of


def saved(save, *args, **kwargs):
    buffer = io.BytesIO()
    save(buffer, *args, **kwargs)
    return buffer.getvalue()


def zipped(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "a")
    return buffer.getvalue()


def tarred():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.skeleton"))
    return buffer.getvalue()


TENSOR = {"a": torch.zeros(2)}
HEADER = b'{"a": {}}'
PICKLED = {f"protocol {p}": pickle.dumps({"split": {}}, protocol=p) for p in range(6)}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (b"\0" * 5000, "a file of zeros, which a download or copy that has not ended leaves"),
        (b" \n\n", "a file of blanks"),
        (gzip.compress(b"a", mtime=0), r"a gzip file \(unpack it with gunzip\)"),
        (bz2.compress(b"a"), "a bzip2 file"),
        (lzma.compress(b"a"), "an xz file"),
        (b"\x28\xb5\x2f\xfd\0", "a zstd file"),
        (tarred(), r"a tar archive \(unpack it with tar -xf\)"),
        (zipped("a.skeleton"), r"a zip archive \(unpack it first\)"),
        (zipped("[Content_Types].xml"), r"an Excel or Office file \(save it as csv\)"),
        (saved(np.savez, np.zeros(3)), r"a \.npz file of numpy"),
        (saved(np.save, np.zeros(3)), r"a \.npy file of numpy"),
        (saved(lambda file: torch.save(TENSOR, file)), "a checkpoint of torch"),
        (
            saved(lambda file: torch.save(TENSOR, file))[:600],
            r"a checkpoint of torch that is cut short \(download or make it again\)",
        ),
        (
            saved(lambda f: torch.save(TENSOR, f, _use_new_zipfile_serialization=False)),
            "a checkpoint of torch in its old form",
        ),
        (struct.pack("<Q", len(HEADER)) + HEADER, "a safetensors file"),
        (PICKLED["protocol 0"], r"a pickle of protocol 0 or 1 \(.* dump it with protocol=4\)"),
        (PICKLED["protocol 1"], "a pickle of protocol 0 or 1"),
        (PICKLED["protocol 2"], "a pickle of protocol 2"),
        (PICKLED["protocol 5"], "a pickle of protocol 5"),
        (pickle.dumps([1, 2], protocol=0), "a pickle of protocol 0 or 1"),
        (pickle.dumps(np.zeros(2), protocol=0), "a pickle of protocol 0 or 1"),
        (b"\x89HDF\r\n\x1a\n\0\0", r"an HDF5 file \(convert it first\)"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB 5 file"),
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64", "a MATLAB 7.3 file"),
        (b"\0\0\0\x20ftypisom\0\0", "an mp4 video"),
        (b"RIFF\0\1\2\3AVI LIST", "an avi video"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a jpeg picture"),
        (b"\x89PNG\r\n\x1a\n", "a png picture"),
        (b"%PDF-1.7", "a pdf"),
        (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0", r"an exported network \(ONNX\)"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            r"a Git LFS pointer instead of the file \(run git lfs pull\)",
        ),
        (b"../.git/annex/objects/Xk/2p/SHA256E-s1--a.pkl\n", "a git-annex pointer"),
        (b"outs:\n- md5: 0a\n  path: a.pkl\n", "a DVC pointer"),
        (
            b"\n<!DOCTYPE html><html>Google Drive can't scan this file</html>",
            r"a web page instead of the file, .* \(download the file again\)",
        ),
        (b"<html><head><title>404", "a web page"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC>', "a web page"),
        (
            b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
            "an error message of a server",
        ),
        (b'<?xml version="1.0"?><mocap/>', "an XML file"),
        (b'{"data": []}', "a JSON file"),
        (b"[[1, 2], [3]]", "a JSON file"),
        ("clip;label\n".encode("utf-16"), r"text in UTF-16 \(save it as UTF-8\)"),
        ("clip,möbel\n".encode("latin1"), r"text that is not UTF-8 \(save it as UTF-8\)"),
        (b"\xef\xbb\xbfclip,label\na,1\n", r"text that starts with 'clip,label'"),
        ("ü".encode() * 3000, r"text that starts with '\\xfc"),
        (b"x" * 40, "text that starts with 'x{30}'\\.\\.\\.$"),
        (b"\x01\x02\x03\x04\x05", "an unknown kind of file, which starts with 0x01020304"),
    ],
)  # fmt: skip
def test_first_bytes_tell_the_kind(tmp_path, content, kind):
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    assert re.match(kind, kind_of(path)), kind_of(path)


def test_what_is_no_file_is_named_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert kind_of(tmp_path) == "a folder"
    assert kind_of(tmp_path / "pipe") == "a pipe or device"
