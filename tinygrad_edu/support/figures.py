"""Figures: charts and pictures made with matplotlib, where it is installed.

Drawing graphs and networks is what this project does itself (see `drawing`); for curves and images there is
matplotlib. It is an extra, and so is only asked for when somebody wants a figure.
"""

from __future__ import annotations

import functools
import io
import os
from pathlib import Path
from typing import Any

from tinygrad_edu.support.colors import BLUE, DARK_VERMILION
from tinygrad_edu.support.files import replacing
from tinygrad_edu.support.libraries import needed

#: Turns light into dark where a reader wants dark pages, and leaves blue blue. Photographs and digits are
#: turned twice, and so stay what they are.
_DARK = """
@media (prefers-color-scheme: dark) {
  #figure_1 { filter: invert(.94) hue-rotate(180deg) }
  #figure_1 image { filter: invert(1) hue-rotate(180deg) }
}
"""


def new_figure(width: float, height: float) -> Any:
    """Return an empty matplotlib figure of that size in inches, which arranges its panels by itself.

    A notebook shows it as the last word of a cell, with or without `%matplotlib inline`.

    Raises ImportError, which says what to install, without matplotlib.

    >>> new_figure(4, 3).get_size_inches().tolist()
    [4.0, 3.0]
    """
    with needed("matplotlib", "a plot", extra="plot"):
        from matplotlib.figure import Figure
    figure: Any = Figure(figsize=(width, height), layout="constrained")
    # Only figures of pyplot show themselves; what a notebook asks for may be given to one figure alone.
    figure._repr_png_ = functools.partial(_png, figure)
    return figure


def _png(figure: Any) -> bytes:
    """Return a figure, as it is at the moment, as a PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=figure.dpi)
    return file.getvalue()


def save_figure(figure: Any, path: str | os.PathLike[str] | None, dpi: float = 150) -> Any:
    """Write a figure to a file, in the format that the name's ending asks for, and return it.

    Without a path nothing is written. The same figure gives the same bytes, whenever it is written, so that
    pictures under version control change only if what they show has changed. An SVG is dark on dark pages.

    Raises ValueError for an ending that matplotlib does not know, OSError if the file cannot be written.
    """
    if path is None:
        return figure
    import matplotlib

    kind = Path(path).suffix.removeprefix(".").lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        raise ValueError(
            f"expected a name that ends in one of {', '.join(sorted(known))}, got {path}"
        )
    dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with matplotlib.rc_context({"svg.hashsalt": "tinygrad_edu"}), replacing(path) as file:
        if kind == "svg":
            text = io.StringIO()
            figure.savefig(text, dpi=dpi, format=kind, metadata=dated)
            file.write(text.getvalue().replace("</style>", f"{_DARK}</style>", 1).encode())
        else:
            figure.savefig(file, dpi=dpi, format=kind, metadata=dated)
    return figure


def signed_colors() -> Any:
    """Return the colors for numbers on both sides of 0: blue above, white at 0, orange below.

    They are those of all pictures here, which the color-blind can tell apart. For `imshow(cmap=…)`, with
    vmin and vmax equally far from 0.
    """
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [DARK_VERMILION, "#ffffff", BLUE])
