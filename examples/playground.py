"""Watch a network learn in the browser: points, neurons, weights, and whose fault each mistake is.

    python examples/playground.py                opens the page; Ctrl-C ends it
    python examples/playground.py --no-browser   only says where it is

The page comes from this computer and works offline. See docs/playground.md.
"""

from tinygrad_edu.playground.__main__ import main

if __name__ == "__main__":
    raise SystemExit(main())
