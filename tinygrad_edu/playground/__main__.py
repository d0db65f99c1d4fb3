"""Watch a network learn in the browser, and touch it.

    python -m tinygrad_edu.playground               opens the page; Ctrl-C ends it
    python -m tinygrad_edu.playground --no-browser  only says where it is

Nothing is sent anywhere: the page comes from this computer, and only this computer can open it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def _port(text: str) -> int:
    if not (text.isdigit() and 0 <= int(text) < 65536):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status, 0 after Ctrl-C, which is how a server ends."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_edu.playground",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=_port, default=8765, help="where to listen (8765; 0 takes any that is free)")
    add("--no-browser", action="store_true", help="do not open the browser")
    add(
        "--model",
        metavar="FILE",
        help="the network that reads digits: loaded if the file is there, else learned and written",
    )
    options = parser.parse_args(arguments)
    try:
        from tinygrad_edu.playground.server import serve

        serve(options.port, not options.no_browser, options.model)
    except (ImportError, OSError) as error:
        print(f"playground: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
