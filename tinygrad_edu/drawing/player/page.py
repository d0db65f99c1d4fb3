"""The page: a picture, what is said about each step, and the program that plays them, in one file.

The page needs nothing but a browser, and nothing outside of it. A picture that there is nothing to play of
stands in the same page, where it can be looked at from near and far.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Literal

from tinygrad_edu.drawing.picture import Direction
from tinygrad_edu.drawing.player.frames import Frame
from tinygrad_edu.drawing.style import FONT, in_page
from tinygrad_edu.support import SIGNS


def page(
    title: str,
    svgs: Mapping[Direction, str],
    frames: Sequence[Frame],
    kind: Literal["computation", "network"] = "computation",
) -> str:
    """Return the whole page, with one picture for each direction that it may run.

    A single frame is shown as it is, with nothing to play; without any, the page is the picture alone.
    """
    template = (
        resources.files("tinygrad_edu.drawing.player").joinpath("player.html").read_text("utf-8")
    )
    data = json.dumps(frames, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    fill = {
        "TITLE": in_page(title),
        "KIND": kind,
        # No name can end the script, and any name can be written as UTF-8.
        "FRAMES": data.replace("<", "\\u003c").translate(SIGNS),
        "SVGS": "\n".join(
            f'<template id="{way}">{_slim(svg)}</template>' for way, svg in svgs.items()
        ),
    }
    return re.sub(r"\[\[([A-Z]+)\]\]", lambda gap: fill[gap.group(1)], template)


def in_cell(page: str, title: str) -> str:
    """Return a page as an element for a notebook's cell; two in one notebook know nothing of each other.

    >>> in_cell("<p>Hello</p>", "a page")[-43:]
    'srcdoc="&lt;p&gt;Hello&lt;/p&gt;"></iframe>'
    """
    look = "box-sizing:border-box;width:100%;height:36rem;border:1px solid #8888;border-radius:6px"
    inside = html.escape(page)
    return f'<iframe title="{html.escape(title)}" style="{look}" srcdoc="{inside}"></iframe>'


def _slim(svg: str) -> str:
    """Return an SVG without what goes without saying in a page, which is half of it."""
    told = (
        rf' (xmlns(:xlink)?="[^"]*"|font-family="{FONT}"|text-anchor="start"|xml:space="preserve")'
    )
    return re.sub(r"(<[^<>]*)", lambda tag: re.sub(told, "", tag.group()), svg)
