"""What drawing returns: a picture that shows itself in a notebook and saves itself to a file."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tinygrad_edu.drawing.player.page import page
from tinygrad_edu.drawing.render import DrawingError, Engine, check_path, render, render_svg, write


@dataclass(frozen=True)
class Drawing:
    """A picture as DOT text in `source`; a notebook shows it, `save` writes it, `svg()` returns it.

    `player` makes what plays it, where there is something to play.

    >>> Drawing("digraph { a -> b }", "two nodes").source
    'digraph { a -> b }'
    """

    source: str
    title: str = "drawing"
    engine: Engine = "dot"
    player: Callable[[], Drawing] | None = field(default=None, compare=False)

    def svg(self) -> str:
        """Return the picture as an SVG element. Raises DrawingError where there is no Graphviz."""
        return render_svg(self.source, self.title, self.engine)

    def page(self) -> str:
        """Return the picture as a page (HTML): of a graph, the player. Raises DrawingError."""
        if self.player is not None:
            return self.player().page()
        return page(self.title, {"right": self.svg()}, [], kind="network")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture as .svg, .png, .pdf, .dot or .html, by the file's name; .html is the player.

        The file is written whole or not at all. Raises what `check_path` raises, and DrawingError.
        """
        file = check_path(path)
        write(file, self.written_as(file.suffix.lower()[1:]))

    def written_as(self, form: str) -> bytes:
        """Return the picture in the form "svg", "png", "pdf", "dot" or "html". Raises DrawingError."""
        if form == "dot":
            return self.source.encode()
        if form == "svg":
            return f'<?xml version="1.0" encoding="UTF-8"?>\n{self.svg()}'.encode()
        if form == "html":
            return self.page().encode()
        return render(self.source, form, self.engine)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Return what a notebook shows: an image as wide as it is, or as its cell if that is narrower.

        As an image, a picture knows nothing of its page: neither can change what the other looks like.
        """
        svg = self._repr_svg_()
        if svg is None:
            return {}
        data = base64.b64encode(svg.encode()).decode()
        image = (
            f'<img alt="{html.escape(self.title)}" style="max-width:100%;height:auto" '
            f'src="data:image/svg+xml;base64,{data}">'
        )
        return {"text/html": image, "image/svg+xml": svg}

    def _repr_svg_(self) -> str | None:
        try:
            svg = self.svg()
        except DrawingError:
            return None  # the notebook shows the text of __repr__ instead
        return svg.replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)

    def __repr__(self) -> str:
        return f"<{self.title}; .save('picture.svg') writes it, .source is its DOT text>"
