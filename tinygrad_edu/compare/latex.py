"""Names, numbers and derivatives as LaTeX writes them."""

from __future__ import annotations

import re

from tinygrad_edu.support import number


def fraction(upper: str, lower: str) -> str:
    r"""Return a derivative as a fraction.

    >>> print(fraction("E", "w5"))
    \frac{\partial E}{\partial w_{5}}
    """
    return rf"\frac{{\partial {symbol(upper)}}}{{\partial {symbol(lower)}}}"


def symbol(label: str) -> str:
    r"""Return a label for LaTeX.

    >>> symbol("w5"), symbol("out_o1"), symbol("h[0, 2]")
    ('w_{5}', '\\mathrm{out}_{o1}', 'h_{0, 2}')
    >>> print(symbol("dense1.weight[0, 2]"), symbol("a_b%"))
    \mathrm{dense1.weight}_{0, 2} \mathrm{a\_b\%}
    """
    name, _, index = label[:-1].rpartition("[") if label.endswith("]") else (label, "", "")
    found = re.fullmatch(r"([A-Za-z])(\d+)|([A-Za-z]+)_([A-Za-z0-9]+)|([A-Za-z]+)", name)
    if found:
        word, below = found[1] or found[3] or found[5], found[2] or found[4] or ""
    else:
        word, below = re.sub(r"[{}_^#%&$]", r"\\\g<0>", re.sub(r"[\\~]", " ", name)), ""
    word = word if len(word) == 1 else rf"\mathrm{{{word}}}"
    subscript = ", ".join(part for part in (below, index) if part)
    return f"{word}_{{{subscript}}}" if subscript else word


def decimal(x: float) -> str:
    """Return a number for LaTeX, with a power of ten where it needs one."""
    mantissa, _, exponent = number(x).partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def in_brackets(x: float) -> str:
    """Return a number as a factor: a negative one stands in brackets."""
    return f"({decimal(x)})" if x < 0 else decimal(x)
