import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tinygrad_edu.datasets.idx import read_idx, write_idx

TYPES = [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]
LABELS = bytes.fromhex("00000801 00000003 050004")


@pytest.fixture(params=["plain", "gzip"])
def write(request, tmp_path):
    """Write bytes under a name that says nothing of how they are packed."""

    def write(content):
        path = tmp_path / "file"
        path.write_bytes(gzip.compress(content) if request.param == "gzip" else content)
        return path

    return write


def test_reads_bytes_as_the_format_says(write):
    np.testing.assert_array_equal(read_idx(write(LABELS)), np.array([5, 0, 4], dtype=np.uint8))


def test_most_significant_byte_first(write):
    array = read_idx(write(bytes.fromhex("00000b02 00000001 00000002 0102fffe")))
    assert array.dtype == np.int16
    assert array.tolist() == [[258, -2]]


@settings(max_examples=50, deadline=None)
@given(
    array=st.sampled_from(TYPES).flatmap(
        lambda dtype: arrays_of.arrays(
            dtype, arrays_of.array_shapes(max_dims=4, min_side=0, max_side=5)
        )
    ),
    name=st.sampled_from(["x", "x.gz"]),
)
def test_what_is_written_is_read_again(tmp_path_factory, array, name):
    path = tmp_path_factory.mktemp("idx") / name
    write_idx(path, array)
    back = read_idx(path)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")


def test_writes_strided_and_big_endian_arrays(tmp_path):
    array = np.arange(12, dtype=">i4").reshape(3, 4).T[::2]
    write_idx(tmp_path / "x", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "x"), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\0\0", "magic number is 0000,"),
        (b"<!DOCTYPE html>", "magic number is 3c21444f"),
        (bytes.fromhex("00000701 00000001 05"), "magic number is 00000701"),
        (bytes.fromhex("00000800 05"), "magic number is 00000800"),
        (bytes.fromhex("000008ff"), "magic number is 000008ff"),
        (bytes.fromhex("00000803 0000"), "header, which needs 16 bytes and has only 6"),
        (LABELS[:-1], "2 bytes of data where the header promises 3"),
        (LABELS + b"x", "more bytes follow the 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_what_is_not_one_whole_array(write, content, message):
    path = write(content)
    with pytest.raises(ValueError, match=message) as error:
        read_idx(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("shape", [(0, 2**32 - 1, 2**32 - 1), (2**32 - 1,) * 3 + (0,)])
@pytest.mark.parametrize("kind", [0x08, 0x0E])
def test_a_header_of_nothing_that_promises_an_endless_shape(write, shape, kind):
    path = write(struct.pack(f">4B{len(shape)}I", 0, 0, kind, len(shape), *shape))
    with pytest.raises(
        ValueError, match=r"promises shape \(.*4294967295.* which no array can have"
    ):
        read_idx(path)


def test_no_more_than_is_wanted_is_unpacked(tmp_path):
    (tmp_path / "x").write_bytes(gzip.compress(bytes.fromhex("00000801 00010000") + bytes(65536)))
    assert read_idx(tmp_path / "x", at_most=65536).shape == (65536,)
    with pytest.raises(ValueError, match=r"promises 65,536 bytes .* at most 65,535;"):
        read_idx(tmp_path / "x", at_most=65535)


def test_packed_twice(tmp_path):
    (tmp_path / "x").write_bytes(gzip.compress(gzip.compress(LABELS)))
    with pytest.raises(ValueError, match=r"still gzipped.*1f8b"):
        read_idx(tmp_path / "x")


@pytest.mark.parametrize("damage", ["cut", "checksum", "body", "garbage"])
def test_damaged_packing(tmp_path, damage):
    packed = bytearray(gzip.compress(LABELS))
    if damage == "cut":
        packed = packed[:-5]
    elif damage == "checksum":
        packed[-8] ^= 1
    elif damage == "body":
        packed[10] = 0xFF
    else:
        packed += b"garbage"
    (tmp_path / "x").write_bytes(packed)
    with pytest.raises(ValueError, match=r"x: its gzip packing is damaged"):
        read_idx(tmp_path / "x")


def test_a_header_that_promises_too_much_takes_no_memory(write):
    path = write(struct.pack(">4B3I", 0, 0, 8, 3, 2**31, 2**10, 2**10) + b"abc")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"promises 2,251,799,813,685,248 bytes"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_bomb_is_not_unpacked(tmp_path):
    bomb = LABELS + bytes(50_000_000)
    (tmp_path / "bomb").write_bytes(gzip.compress(bomb, 1))
    del bomb
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more bytes follow"):
            read_idx(tmp_path / "bomb")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_reading_takes_hardly_more_memory_than_the_array(tmp_path):
    images = np.zeros((10_000, 28, 28), dtype=np.uint8)
    write_idx(tmp_path / "x.gz", images)
    tracemalloc.start()
    try:
        read_idx(tmp_path / "x.gz")
        assert tracemalloc.get_traced_memory()[1] < images.nbytes + 1_500_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("array", [np.zeros(2, dtype=np.int64), np.uint8(3), np.array(["a"])])
def test_refuses_to_write_what_the_format_lacks(tmp_path, array):
    with pytest.raises(ValueError, match="cannot hold"):
        write_idx(tmp_path / "x", array)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_idx(tmp_path / "x", np.zeros(3, dtype=np.uint8))

    def disk_full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        write_idx(tmp_path / "x", np.ones(3, dtype=np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert read_idx(tmp_path / "x").tolist() == [0, 0, 0]


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        read_idx(tmp_path / "nothing-here")
