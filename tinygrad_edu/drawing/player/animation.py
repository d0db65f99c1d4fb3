"""A picture that moves: the player's steps in an SVG, for pages that run no program, such as a README.

CSS does it alone. All steps share one clock: what a step shows stays hidden until the clock comes to it, and
what is said about a step stands below the picture for as long as the step takes. Without the style, the
picture is complete; so it is for viewers that cannot move it, and for readers who want nothing to move.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tinygrad_edu.drawing.fitting import width_of
from tinygrad_edu.drawing.player.frames import Frame
from tinygrad_edu.drawing.style import DARK, FAINT_GRADIENT, FONT, GRADIENT, INK, LINE, in_page

#: How long a step takes, and the complete picture at the end, in seconds.
STEP, REST = 1.8, 5.0
#: The size of what is said about a step, and the height of a line of it, in points.
SIZE, HEIGHT = 13, 18


def animated(svg: str, frames: Sequence[Frame]) -> str:
    """Return an SVG element as a file that plays frames, over and over."""
    found = re.search(r'viewBox="0\.00 0\.00 ([\d.]+) ([\d.]+)"', svg)
    assert found
    top = float(found[2])
    said = (width_of(line, SIZE) for frame in frames for line in frame["lines"])
    width = max(float(found[1]), max(said) + 24)  # a line is not broken
    height = top + HEIGHT * max(len(frame["lines"]) for frame in frames) + 10
    opening, rest = svg[svg.index(">") + 1 :].split("</title>", maxsplit=1)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg width="{width:.0f}pt" height="{height:.0f}pt" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'class="tinygrad-edu" role="img">'
        f"{opening}</title>\n<style>\n{_style(frames)}</style>\n"
        f'<rect width="100%" height="100%" fill="white"/>'
        f"{rest.replace('</svg>', _captions(frames, top) + '</svg>')}"
    )


def _style(frames: Sequence[Frame]) -> str:
    """Return the CSS that shows each thing when its step comes."""
    seconds = len(frames) * STEP + REST
    rules = []
    for step, frame in enumerate(frames):
        begin, end = (f"{100 * STEP * time / seconds:.2f}%" for time in (step, step + 1))
        rules += [
            f"@keyframes from{step} {{ 0% {{ opacity: 0 }} {begin} {{ opacity: 1 }} }}",
            f"@keyframes during{step} {{ {begin} {{ opacity: 1 }} {end} {{ opacity: 0 }} }}",
            f"{', '.join(_shown(frame))} {{ animation-name: from{step} }}",
            f"#step{step} {{ animation-name: during{step} }}",
        ]
        if "edge" in frame:  # thick and red while the gradient flows along it
            now, then = (
                "stroke: var(--flow); stroke-width: 4",
                "stroke: var(--line); stroke-width: 1",
            )
            rules += [
                f"@keyframes flow{step} {{ {begin} {{ {now} }} {end} {{ {then} }} }}",
                f"#{frame['edge']} > path {{ animation-name: flow{step} }}",
            ]
    clock = f"* {{ animation: {seconds:.1f}s step-end infinite }}"
    moving = "\n".join([clock, *rules])
    bright, dark = (
        f".edge {{ --flow: {look(GRADIENT)}; --line: {look(LINE)} }}"
        for look in (str, DARK.__getitem__)
    )
    return (
        f"{bright}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n"
        f".step {{ opacity: 0 }}\n@media (prefers-reduced-motion: no-preference) {{\n{moving}\n}}\n"
    )


def _shown(frame: Frame) -> Iterator[str]:
    """Yield CSS selectors for what a step shows for good."""
    yield from (f"#{key}" for key in (*frame.get("show", ()), *frame.get("edges", ())))
    if "edge" in frame:
        yield _gradients(frame["edge"])
    if frame.get("done"):  # in a node, everything from the first text in this color on
        gradient = _gradients(frame["node"])
        yield from (gradient, f"{gradient} ~ *")


def _gradients(key: str) -> str:
    """Return a CSS selector for the gradients that a node or an edge tells, faded ones as well."""
    return f'#{key} :is([fill="{GRADIENT}"], [fill="{FAINT_GRADIENT}"])'


def _captions(frames: Sequence[Frame], top: float) -> str:
    """Return what is said about each step, one above the other: only one is seen at a time."""
    texts = []
    for step, frame in enumerate(frames):
        lines = (in_page(line) for line in frame["lines"])
        spans = "".join(f'<tspan x="12" dy="{HEIGHT}">{line}</tspan>' for line in lines)
        color = GRADIENT if frame["phase"] == "backward" else INK
        texts.append(
            f'<text class="step" id="step{step}" y="{top:.0f}" font-family="{FONT}" '
            f'font-size="{SIZE}" fill="{color}">{spans}</text>\n'
        )
    return "".join(texts)
