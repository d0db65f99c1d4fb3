"""Libraries that not everybody has: what is said where one is missing.

The core needs NumPy and graphviz. What other libraries do is an extra, each is imported where it is used, and
whoever lacks one reads the same words everywhere: what needs it, and how to install it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def not_installed(library: str, what: str, package: str) -> str:
    """Return the sentence for a missing library: what needs it, and which package brings it.

    >>> print(not_installed("Graphviz", "a picture", "pygraphviz"))
    a picture needs Graphviz, which is not installed; install it with: pip install pygraphviz
    """
    return f"{what} needs {library}, which is not installed; install it with: pip install {package}"


@contextmanager
def needed(library: str, what: str, *, extra: str, instead: str = "") -> Iterator[None]:
    """Wrap the import of a library, so that its absence is told in the words of `not_installed`.

    `extra` is the extra of tinygrad_edu that brings the library, `instead` what one can do without it.

    Raises ImportError for whatever ImportError the block raises.

    >>> with needed("Wonder", "magic", extra="plot"):
    ...     import wonder
    Traceback (most recent call last):
    ImportError: magic needs Wonder, which is not installed; install it with: pip install "tinygrad_edu[plot]"
    """
    try:
        yield
    except ImportError as error:
        message = not_installed(library, what, f'"tinygrad_edu[{extra}]"')
        raise ImportError(f"{message}, or {instead}" if instead else message) from error
