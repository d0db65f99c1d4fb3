"""What drawing returns: a picture that shows itself in a notebook and saves itself to a file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tinygrad_edu.drawing.render import DrawingError, Engine, check_path, render, render_svg, write
from tinygrad_edu.drawing.style import in_page


@dataclass(frozen=True)
class Drawing:
    """A picture as DOT text in `source`; a notebook shows it, `save` writes it, `svg()` returns it.

    >>> Drawing("digraph { a -> b }", "two nodes").source
    'digraph { a -> b }'
    """

    source: str
    title: str = "drawing"
    engine: Engine = "dot"

    def svg(self) -> str:
        """Return the picture as an SVG element. Raises DrawingError where there is no Graphviz."""
        return render_svg(self.source, self.title, self.engine)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture as .svg, .png, .pdf, .dot or .html, by the file's name.

        The file is written whole or not at all. Raises what `check_path` raises, and DrawingError.
        """
        file = check_path(path)
        form = file.suffix.lower()[1:]
        if form == "dot":
            content = self.source.encode()
        elif form == "svg":
            content = f'<?xml version="1.0" encoding="UTF-8"?>\n{self.svg()}'.encode()
        elif form == "html":
            content = _PAGE.format(title=in_page(self.title), svg=self.svg()).encode()
        else:
            content = render(self.source, form, self.engine)
        write(file, content)

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except DrawingError:
            return None  # the notebook shows the text of __repr__ instead

    def __repr__(self) -> str:
        return f"<{self.title}; .save('picture.svg') writes it, .source is its DOT text>"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>body{{margin:1rem;background:#fff}} svg{{max-width:100%;height:auto}}</style></head>
<body>{svg}</body></html>
"""
