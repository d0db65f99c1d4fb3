"""Files: whether one can be written, and how it is written whole or not at all.

A program that dies half-way through writing leaves half a file, and the next program takes it for a
whole one. The cure is old and short: write under another name in the same folder, push the bytes to
the disk, and only then rename. Within one folder a rename happens at once or not at all, so a
reader sees the old file or the new one, never something between, and two writers cannot mix their
bytes.

A program that is killed still leaves its unfinished file behind, and the next one to write there sweeps it
up. How does it know that nobody is writing it any more? A writer holds a lock on its file, and the system
releases the locks of whoever dies.
"""

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path


def check_name(path: str | os.PathLike[str]) -> Path:
    r"""Return the path, if a file could be called so; raise ValueError if not.

    >>> check_name("a\0b")
    Traceback (most recent call last):
    ValueError: 'a\x00b' cannot be the name of a file: it contains the character NUL
    """
    file = Path(path)
    try:
        if b"\0" in os.fsencode(file):
            raise ValueError("it contains the character NUL")
    except ValueError as error:  # also of characters that the file system cannot write
        raise ValueError(f"{str(file)!r} cannot be the name of a file: {error}") from None
    return file


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Return the path, if a file can be written there: to be asked before hours of work.

    Raises FileNotFoundError for a missing folder, NotADirectoryError, IsADirectoryError, PermissionError or
    OSError where no file can be, ValueError for what is no name.

    >>> check_writable("no/such/folder/model.safetensors")  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    FileNotFoundError: cannot write no/such/folder/model.safetensors: there is no folder no/such/folder;
    make it first: mkdir -p no/such/folder
    """
    file = _behind_links(check_name(path))
    folder = file.parent
    if not folder.exists():
        raise FileNotFoundError(
            f"cannot write {file}: there is no folder {folder}; make it first: mkdir -p {folder}"
        )
    if not folder.is_dir():
        raise NotADirectoryError(
            f"cannot write {file}: {folder} is not a folder; choose another place"
        )
    if file.is_dir():
        raise IsADirectoryError(f"cannot write {file}: that is a folder; add a file name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(
            f"cannot write {file}: the folder {folder} may not be written to; choose another"
        )
    if file.exists() and not os.access(file, os.W_OK):
        raise PermissionError(
            f"cannot write {file}: that file is protected; chmod u+w {file} lifts it"
        )
    if file.exists() and not file.is_file():
        raise OSError(
            errno.EINVAL, f"cannot write {file}: that is a device, not a file; choose another name"
        )
    return Path(path)


def _behind_links(file: Path) -> Path:
    """Return the file that a link leads to, and any other file as it is."""
    if not file.is_symlink():
        return file
    real = Path(os.path.realpath(file))
    if real.is_symlink():
        raise OSError(errno.ELOOP, f"cannot write {file}: the link leads to itself; remove it")
    return real


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BufferedWriter]:
    """Open a new binary file that takes the place of `path` when the block ends well.

    When the block raises, the unfinished file is removed and whatever was at `path` stays as it
    was. A link stays a link, to the new file, and a file keeps its owner and its permissions.

    Raises what `check_writable` does, and OSError if the disk is full.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "note.txt") as file:
    ...         _ = file.write(b"whole")
    ...     os.listdir(folder)
    ['note.txt']
    """
    target = _behind_links(check_writable(path))
    _sweep_up(target)
    file, unfinished = _begin(target)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            unfinished.replace(target)  # while it is locked
    finally:
        unfinished.unlink(missing_ok=True)  # still there only when something went wrong


def _begin(target: Path) -> tuple[BufferedWriter, Path]:
    """Create the unfinished file for a target, and lock it; return it open, and its path."""
    while True:
        unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            _create_like(target, unfinished)
            file = unfinished.open("r+b")  # not "wb", which would make a file of the usual mode
        except FileNotFoundError:
            if not target.parent.is_dir():
                raise
            continue  # somebody took it for a dead one's, see below
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if unfinished.exists():
            return file, unfinished
        file.close()  # somebody took it for a dead one's before it was locked


def _sweep_up(target: Path) -> None:
    """Remove the unfinished files of writers that are no longer alive, for their locks are gone."""
    pattern, names = re.compile(re.escape(f".{target.name}.") + "[0-9a-f]{8}[.]part"), []
    with suppress(OSError):  # a folder may be written to, and not be read
        names = os.listdir(target.parent)
    for part in (target.with_name(name) for name in names if pattern.fullmatch(name)):
        with suppress(OSError), part.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises if somebody else has it
            part.unlink()


def _create_like(target: Path, new: Path) -> None:
    """Create an empty file that nobody may read who may not read `target`."""
    try:
        old = target.stat()
    except FileNotFoundError:
        new.touch(exist_ok=False)
        return
    new.touch(0o600, exist_ok=False)
    with suppress(PermissionError):  # only root may give files away
        os.chown(new, old.st_uid, old.st_gid)
    new.chmod(stat.S_IMODE(old.st_mode))
