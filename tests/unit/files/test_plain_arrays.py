import zipfile

import numpy as np
import pytest

from protogcn.errors import ContractError
from protogcn.files.plain_arrays import load_npy, opening_npz
from tests.made.mutations import zipped

ARRAYS = {
    "numbers": np.arange(6, dtype=">f4").reshape(2, 3),
    "columns": np.asfortranarray(np.eye(3)),
    "text": np.array(["a", "ü"]),
    "bytes": np.array([b"ab"]),
    "truth": np.array([True]),
    "one": np.array("x"),
    "none": np.zeros((0, 3)),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_a_zip_are_read_as_numpy_reads_them(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    with opening_npz(tmp_path / "a.npz") as found:
        assert list(found) == list(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array, strict=True)


def test_one_array_is_read_with_whatever_follows_it(tmp_path):
    np.save(tmp_path / "a.npy", ARRAYS["columns"])
    with (tmp_path / "a.npy").open("ab") as file:
        file.write(b"more")
    np.testing.assert_array_equal(load_npy(tmp_path / "a.npy"), ARRAYS["columns"], strict=True)


def test_long_doubles_become_plain_ones_as_not_all_of_their_bits_are_numbers(tmp_path):
    np.save(tmp_path / "a.npy", np.array(1.5, np.longdouble))
    found = load_npy(tmp_path / "a.npy")
    assert (found.dtype, found.tolist()) == (np.float64, 1.5)


def header(description):
    text = f"{description:<117}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", r"\(1000000000000,\), which needs 8,000,"),
        ("{'descr': '|S0', 'fortran_order': False, 'shape': (1000000000000,)}", r"which needs 1,000,000,000,000 bytes, but has 8"),
        ("{'descr': [], 'fortran_order': False, 'shape': (1000000000000,)}", r"holds \[\], expected numbers or text"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", r"shape \(-1,\), which needs"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "holds Python objects, which are not read"),
        ("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,)}", r"holds datetime64\[s\], expected numbers"),
    ],
)  # fmt: skip
def test_a_header_that_promises_what_is_not_there_takes_no_memory(tmp_path, content, said):
    data = header(content) + bytes(8)
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(ContractError, match=rf"a\.npy: the array .*{said}"):
        load_npy(tmp_path / "a.npy")
    (tmp_path / "a.npz").write_bytes(zipped([("x.npy", data)]))
    with (
        pytest.raises(ContractError, match=rf"a\.npz: x .*{said}"),
        opening_npz(tmp_path / "a.npz") as found,
    ):
        found["x"]


def test_zeros_that_unpack_to_hundreds_of_times_their_size_are_refused_unread(tmp_path):
    content = header("{'descr': '|u1', 'fortran_order': False, 'shape': (70000000,)}")
    archive = zipped([("x.npy", content + bytes(70_000_000)), ("y.npy", content)], 8)
    (tmp_path / "a.npz").write_bytes(archive)
    with opening_npz(tmp_path / "a.npz") as found:
        with pytest.raises(ContractError, match=r"a\.npz: x unpacks to 70,000,128 bytes, expected"):
            found["x"]


def test_a_flipped_bit_of_an_array_in_a_zip_is_found(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(9.0))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[data.index(np.arange(9.0).tobytes()) + 20] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    with (
        opening_npz(tmp_path / "a.npz") as found,
        pytest.raises(zipfile.BadZipFile, match="Bad CRC"),
    ):
        found["x"]


def test_what_is_no_zip_is_named(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(2))
    with (
        pytest.raises(
            ContractError, match=r"a\.npy: found a \.npy file of numpy, expected a \.npz"
        ),
        opening_npz(tmp_path / "a.npy"),
    ):
        pass
