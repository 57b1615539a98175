import numpy as np
import pytest

from protogcn.arrays import open_array, writing_array
from protogcn.errors import ContractError


@pytest.fixture
def array_file(tmp_path):
    path = tmp_path / "a.npy"
    with writing_array(path, (2, 3)) as writer:
        for part in range(4):
            writer.append(np.full((part + 1, 2, 3), part))
        writer.finish({"source": "abc"})
    return path


def test_array_grows_row_by_row_and_reads_back(array_file):
    array, trailer = open_array(array_file)
    assert array.shape == (10, 2, 3)
    assert array[:, 0, 0].tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    assert trailer["inputs"] == {"source": "abc"}


def test_plain_numpy_reads_it_too(array_file):
    np.testing.assert_array_equal(np.load(array_file), open_array(array_file)[0])
    np.testing.assert_array_equal(np.load(array_file, mmap_mode="r"), open_array(array_file)[0])


def test_writing_to_the_mapped_array_does_not_reach_the_file(array_file):
    open_array(array_file)[0][:] = 9
    assert open_array(array_file)[0].max() == 3


def test_every_flipped_bit_of_the_numbers_is_found(array_file):
    whole = array_file.read_bytes()
    start = np.load(array_file, mmap_mode="r").offset
    for place in range(start, start + 10 * 6 * 4, 7):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        array_file.write_bytes(damaged)
        with pytest.raises(ContractError, match="its bytes changed since it was written"):
            open_array(array_file)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_refused(array_file, share):
    whole = array_file.read_bytes()
    array_file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ContractError, match=r"a\.npy"):
        open_array(array_file)


def test_foreign_array_is_refused(tmp_path):
    np.save(tmp_path / "b.npy", np.zeros(3, np.float32))
    with pytest.raises(ContractError, match="has no digest at its end"):
        open_array(tmp_path / "b.npy")


def test_header_that_claims_terabytes_is_refused(array_file):
    array_file.write_bytes(array_file.read_bytes().replace(b"(10,", b"(10000000000,", 1))
    with pytest.raises(ContractError, match=r"damaged|digest"):
        open_array(array_file)


def test_unfinished_array_is_never_seen(tmp_path):
    with pytest.raises(ValueError, match="stop"), writing_array(tmp_path / "a.npy", (1,)) as writer:
        writer.append(np.zeros((3, 1)))
        raise ValueError("stop")
    assert not list(tmp_path.iterdir())
