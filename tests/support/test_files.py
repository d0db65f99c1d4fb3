"""Files that are whole or not there at all, whatever happens in between."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
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


# ------------------------------------------------------------------------------------------------
# What killed processes leave behind
# ------------------------------------------------------------------------------------------------

WRITER = """
import sys, time
from tinygrad_edu.support import replacing
with replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(file):
    """A process that has written half of the file."""
    program = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert program.stdout.readline() == b"writing\n"
    yield program
    program.kill()
    program.wait()
    program.stdout.close()


def test_the_unfinished_file_of_a_killed_process_is_swept_up(file, writer):
    writer.kill()
    writer.wait()
    assert len(os.listdir(file.parent)) == 2
    write(file)
    assert file.read_bytes() == b"new"
    assert alone(file)


def test_the_unfinished_file_of_a_living_process_stays(file, writer):
    write(file)
    (unfinished,) = (path for path in file.parent.iterdir() if path != file)
    assert unfinished.read_bytes() == b"half"


@pytest.mark.parametrize(
    "name",
    [".file.bin.part", ".file.bin.0123456x.part", ".other.bin.01234567.part", "file.bin.part"],
)
def test_files_that_only_look_like_unfinished_ones_stay(file, name):
    file.with_name(name).write_bytes(b"somebody else's")
    write(file)
    assert file.with_name(name).read_bytes() == b"somebody else's"


def test_a_file_that_was_swept_up_too_early_is_begun_again(file, monkeypatch):
    created, lock = [], fcntl.flock

    def slow_lock(opened, kind):
        if not created:
            created.append(opened.name)
            os.unlink(opened.name)  # as a sweeper would that came between
        lock(opened, kind)

    monkeypatch.setattr(fcntl, "flock", slow_lock)
    write(file)
    assert created
    assert file.read_bytes() == b"new"
    assert alone(file)


# ------------------------------------------------------------------------------------------------
# Links and permissions
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link_and_the_file_behind_it_is_replaced(file, tmp_path, there):
    (tmp_path / "links").mkdir()
    link, second = tmp_path / "links" / "latest.bin", tmp_path / "links" / "second.bin"
    link.symlink_to("../file.bin")
    second.symlink_to(link)
    if not there:
        file.unlink()
    assert check_writable(second) == second
    write(second)
    assert link.is_symlink()
    assert second.is_symlink()
    assert file.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path / "links")) == ["latest.bin", "second.bin"]


def test_a_link_that_leads_nowhere(tmp_path):
    link = tmp_path / "link.bin"
    link.symlink_to(tmp_path / "none" / "file.bin")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*none; make it first"):
        write(link)
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(OSError, match="leads to itself"):
        write(link)
    assert link.is_symlink()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_permissions_and_its_half_is_as_hidden(file, mode):
    file.chmod(mode)
    with replacing(file) as unfinished:
        unfinished.write(b"new")
        assert stat.S_IMODE(os.stat(unfinished.name).st_mode) == mode
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_new_file_has_the_usual_permissions(tmp_path):
    write(tmp_path / "ours.bin")
    (tmp_path / "usual.bin").write_bytes(b"")
    ours, usual = (tmp_path / name for name in ("ours.bin", "usual.bin"))
    assert ours.stat().st_mode == usual.stat().st_mode


def test_a_protected_file_is_not_replaced(file, monkeypatch):
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != file and access(path, mode))
    with pytest.raises(PermissionError, match=r"that file is protected; chmod u\+w"):
        write(file)  # for root, nothing is
    assert file.read_bytes() == b"old"


def test_a_device_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="that is a device, not a file"):
        write(tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_what_is_no_name(name):
    with pytest.raises(ValueError, match="cannot be the name of a file: "):
        check_writable(name)
