"""Programs: how each of them ends, and what it prints on.

A program is called from a terminal, by a script, or with its output piped into another. All of them want the
same: an answer in one line where somebody made a mistake, letters that every console has, silence when nobody
reads on, and a status that tells how it went.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TypeAlias

Main: TypeAlias = Callable[..., int]

#: The status of a program that could not do what it was asked for, as of one with a wrong option.
MISTAKE = 2
#: The status after Ctrl-C, and of a program whose reader has gone: 128 and the number of the signal.
INTERRUPTED, UNREAD = 130, 141

# What comes of files, options and data that do not fit, or of a computer that lacks something.
_MISTAKES = (
    *(OSError, ValueError, TypeError, ImportError),
    *(ArithmeticError, RuntimeError, MemoryError),
)


def program(main: Main) -> Main:
    """Make of `main(arguments)`, which returns a status, a program that ends well however it ends.

    Errors in what the user gave are told in one line, with status 2; Ctrl-C ends it with status 130, and a
    reader that has gone, as in `program | head`, with 141 and no word. Letters that the console lacks are
    written as escapes.

    >>> @program
    ... def main(arguments: Sequence[str] | None = None) -> int:
    ...     print("∂loss/∂w")
    ...     raise KeyboardInterrupt
    >>> main([])
    ∂loss/∂w
    130
    """

    @functools.wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            try:
                return main(arguments)
            finally:
                _flush()
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:
            return UNREAD
        except _MISTAKES as error:
            told = [str(error) or type(error).__name__, *getattr(error, "__notes__", [])]
            print(f"{Path(main.__code__.co_filename).name}: {'; '.join(told)}", file=sys.stderr)
            return MISTAKE

    return run


def _flush() -> None:
    """Write out what was printed. What cannot be written goes nowhere, lest Python complain at its end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
