import errno
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from protogcn.errors import ContractError
from protogcn.files import arrays
from protogcn.files.arrays import open_array, writing_array


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


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
@pytest.mark.parametrize("rows_at_once", [1, 7, 4096])
def test_rows_appended_in_any_number_of_threads_are_in_order(
    tmp_path, monkeypatch, workers, rows_at_once
):
    monkeypatch.setattr(arrays, "ROWS_AT_ONCE", rows_at_once)
    paths = [tmp_path / f"{number}.npy" for number in range(3)]
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(workers)) if workers else None
        writers = [
            stack.enter_context(writing_array(path, (4,), threads=threads)) for path in paths
        ]
        for part in range(20):
            for number, writer in enumerate(writers):
                writer.append(np.full((part + 1, 4), 100 * number + part))
        for writer in writers:
            writer.finish({})
    for number, path in enumerate(paths):
        expected = 100 * number + np.repeat(np.arange(20), np.arange(1, 21))
        np.testing.assert_array_equal(open_array(path)[0][:, 0], expected)


def test_rows_of_another_shape_are_refused_and_leave_nothing(tmp_path):
    with (
        pytest.raises(ContractError, match="expected"),
        writing_array(tmp_path / "a.npy", (4,)) as writer,
    ):
        writer.append(np.zeros((2, 5)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("num_parts", [1, 3])
def test_a_fault_in_a_thread_is_raised_and_leaves_nothing(tmp_path, num_parts):
    with (
        pytest.raises(ContractError, match=r"a\.npy: could not be written"),
        ThreadPoolExecutor(1) as threads,
        writing_array(tmp_path / "a.npy", (4,), threads=threads) as writer,
    ):
        writer._write = refuse
        for _ in range(num_parts):
            writer.append(np.zeros((4096, 4)))
        writer.finish({})
    assert not list(tmp_path.iterdir())


def refuse(_):
    raise OSError(errno.ENOSPC, "No space left on device")
