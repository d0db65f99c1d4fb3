"""The palette stands in one place, and what is text can be read on white."""

from pathlib import Path

import pytest

from tinygrad_edu.support import colors

ROOT = Path(__file__).parents[2]
#: As published by Okabe and Ito, Color Universal Design, 2008.
OKABE_AND_ITO = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"}
FOR_TEXT = ("BLUE", "DARK_ORANGE", "DARK_VERMILION", "DARK_GREEN", "GRADIENT", "INK", "GRAY")
GROUNDS = ("PALE_BLUE", "PALE_ORANGE")


def luminance(color: str) -> float:
    """How bright a color is, from 0 to 1, as the Web Content Accessibility Guidelines compute it."""
    parts = (part / 255 for part in bytes.fromhex(color[1:]))
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(dark: str, light: str) -> float:
    return (luminance(light) + 0.05) / (luminance(dark) + 0.05)


def test_the_palette_is_the_published_one():
    named = {colors.BLUE, colors.VERMILION, colors.GREEN, colors.PURPLE, colors.SKY}
    assert named == OKABE_AND_ITO


@pytest.mark.parametrize("name", FOR_TEXT)
def test_text_can_be_read_on_white(name):
    assert contrast(getattr(colors, name), "#ffffff") >= 4.5


@pytest.mark.parametrize("name", GROUNDS)
def test_dark_text_can_be_read_on_the_grounds(name):
    assert contrast(colors.INK, getattr(colors, name)) >= 7


def test_the_lines_of_a_chart_are_seen_on_white_and_told_apart():
    assert len(set(colors.LINES)) == len(colors.LINES)
    assert all(contrast(color, "#ffffff") >= 2.3 for color in colors.LINES)


def test_no_program_has_a_palette_of_its_own():
    palette = {value for name, value in vars(colors).items() if name.isupper() and name != "LINES"}
    own = [
        f"{file.relative_to(ROOT)}: {color}"
        for folder in ("tinygrad_edu", "examples", "docs")
        for file in (ROOT / folder).rglob("*.py")
        for color in sorted(palette)
        if f'"{color}"' in file.read_text("utf-8") and file.name != "colors.py"
    ]
    assert not own, "take them from tinygrad_edu.support.colors"
