"""Warnings, told where the reader can do something about them, in a line of their own program.

A warning names a file and a line. One that names ours, deep in a training, helps nobody: the mistake is where
this package was called.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1]) + "/"


def warn_caller(message: str) -> None:
    """Warn, and point at the line outside of this package from which all this was called.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_caller("too large")
    >>> str(caught[0].message)
    'too large'
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)
