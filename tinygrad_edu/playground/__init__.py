"""The playground: watch a network learn, and touch it.

A page in the browser, served from this computer, shows points in a plane and a network that learns to tell
their colors apart; and a network that reads the digits you draw. What learns is this package: each number on
the page is a Value of yours. `Lesson` is the same without the page, and the same seed gives the same weights.

    python -m tinygrad_edu.playground
"""

from tinygrad_edu.playground.run import Lesson
from tinygrad_edu.playground.settings import Link, Settings, read_link

__all__ = ["Lesson", "Link", "Settings", "read_link"]
