"""Files that are whole or not there at all, whatever happens in between."""

import errno
import os
import threading
from pathlib import Path

import pytest

from tinygrad_edu.support import check_writable, replacing


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def read_only(*_, **__):
    raise PermissionError(errno.EACCES, "Permission denied")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    return path


def alone(path):
    """Return whether nothing else is left in the folder."""
    return os.listdir(path.parent) == [path.name]


def write(path, content=b"new"):
    with replacing(path) as file:
        file.write(content)


def test_a_new_file(tmp_path):
    write(tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == b"new"
    assert alone(tmp_path / "file.bin")


def test_an_old_file_is_replaced(file):
    write(str(file))
    assert file.read_bytes() == b"new"
    assert alone(file)


def test_until_the_end_the_old_file_stands(file):
    with replacing(file) as unfinished:
        unfinished.write(b"new" * 100_000)
        unfinished.flush()
        assert file.read_bytes() == b"old"


def test_the_bytes_are_on_the_disk_before_the_file_gets_its_name(file, monkeypatch):
    order = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(Path, "replace", lambda *a: (order.append("replace"), replace(*a)))
    write(file)
    assert order == ["fsync", "replace"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_when_the_block_raises_the_old_file_stands_and_nothing_else_is_left(file, error):
    def write_half():
        with replacing(file) as unfinished:
            unfinished.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert file.read_bytes() == b"old"
    assert alone(file)


@pytest.mark.parametrize(
    ("owner", "name", "failure"),
    [(os, "fsync", full_disk), (Path, "replace", read_only), (Path, "open", read_only)],
)
def test_when_the_disk_is_full_or_the_folder_read_only(file, monkeypatch, owner, name, failure):
    monkeypatch.setattr(owner, name, failure)
    with pytest.raises(OSError, match=r"No space left|Permission denied"):
        write(file)
    monkeypatch.undo()
    assert file.read_bytes() == b"old"
    assert alone(file)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to be full")
def test_a_really_full_disk(tmp_path, monkeypatch):
    file = tmp_path / "file.bin"
    file.write_bytes(b"old")
    open_ = Path.open
    monkeypatch.setattr(Path, "open", lambda path, mode: open_(Path("/dev/full"), "wb"))
    with pytest.raises(OSError, match="No space left"):
        write(file, b"new" * 100_000)
    monkeypatch.undo()
    assert file.read_bytes() == b"old"


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "none" / "file.bin")


def test_a_place_where_a_file_can_be_written_comes_back_as_a_path(file):
    assert check_writable(str(file)) == file
    assert check_writable(file.with_name("new.bin")) == file.with_name("new.bin")
    assert alone(file)


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        ("none/new.bin", FileNotFoundError, r"there is no folder .*none; .*mkdir -p .*none$"),
        ("file.bin/new.bin", NotADirectoryError, r"file\.bin is not a folder"),
        (".", IsADirectoryError, "that is a folder; add a file name"),
    ],
)
def test_a_place_where_no_file_can_be_written(file, place, error, message):
    with pytest.raises(error, match=message):
        check_writable(file.parent / place)


def test_a_folder_that_may_not_be_written_to(file, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(PermissionError, match="may not be written to; choose another"):
        check_writable(file)


def test_writers_at_the_same_time_do_not_mix_their_bytes(file):
    contents = [bytes([letter]) * 200_000 for letter in b"abcdefgh"]
    threads = [threading.Thread(target=write, args=(file, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_bytes() in contents
    assert alone(file)
