"""The chain rule in words: the very line a teacher would write on the board for one step.

An operation states its formula, x·y, and those of its derivatives, y and x, in the letters of its inputs.
Putting the names of the actual Values in gives the line with symbols, putting their numbers in that with
numbers:

    ∂loss/∂w += ∂loss/∂z · x
             = 0.138 × 0.593 = 0.0818
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from tinygrad_edu.drawing.graph.derivatives import local_derivative, number_of
from tinygrad_edu.drawing.shorten import edge_number, short
from tinygrad_edu.number import Array
from tinygrad_edu.value import Value

_RAISED = str.maketrans("ˣʸ⁻¹²³ⁱʲ", "xy−123ᵢⱼ")
#: How x with a small exponent, and with one less, is written.
_POWERS = {"2": ("x²", "x"), "3": ("x³", "x²")}


def put_in(formula: str, words: Mapping[str, str]) -> str:
    """Return a formula with letters replaced: x, y and the like stand alone or raised, as in eˣ.

    >>> put_in("x·y", {"x": "w", "y": "a"}), put_in("y·xʸ⁻¹", {"x": "w", "y": "4"})
    ('w·a', '4·w^(4−1)')
    >>> put_in("xʸ", {"x": "w", "y": "2"}), put_in("y·xʸ⁻¹", {"x": "w", "y": "2"})
    ('w²', '2·w')
    """
    if powers := _POWERS.get(words.get("y", "")):
        formula = formula.replace("xʸ⁻¹", powers[1]).replace("xʸ", powers[0])

    def lower(match: re.Match[str]) -> str:
        text = match.group().translate(_RAISED)
        if not re.search("[xy]", text):
            return match.group()
        return f"^{text}" if len(text) == 1 else f"^({text})"

    formula = re.sub("[ˣʸ⁻¹²³ⁱʲ]+", lower, formula)
    letters = "|".join(map(re.escape, words))
    return re.sub(
        rf"(?<![A-Za-z])({letters})(?![A-Za-z])", lambda match: words[match.group(1)], formula
    )


def name_all(nodes: Sequence[Value]) -> dict[Value, str]:
    """Return a name for every Value: its own, or v₁, v₂, … from the oldest; the result is L.

    >>> x = Value(1.0, name="x")
    >>> list(name_all([x * 2.0, x]).values())
    ['x', 'L']
    """
    taken = {str(node.name) for node in nodes if node.name}
    names: dict[Value, str] = {}
    count = 0
    for node in reversed(nodes):
        if node.name:
            names[node] = str(node.name)
            continue
        name = "L" if node is nodes[0] and "L" not in taken else ""
        while not name or name in taken:
            count += 1
            name = "v" + "".join(chr(0x2080 + int(digit)) for digit in str(count))
        names[node] = name
    return names


def forward_line(value: Value, names: Mapping[Value, str], digits: int) -> str:
    """Return how a Value is computed: "c = a·b = 2 × (−3) = −6".

    >>> a, b = Value(2.0), Value(-3.0)
    >>> c = a * b
    >>> forward_line(c, {a: "a", b: "b", c: "c"}, 4)
    'c = a·b = 2 × (−3) = −6'
    """
    assert value.op is not None
    letters, formula = value.op.letters, value.op.formula
    symbols = _symbols(value, names, digits)
    result = number_of(value)
    parts = [names[value]]
    if value.op.is_variadic:
        parts.append(f"{value.op.name}({', '.join(symbols)})")
    else:
        parts.append(put_in(formula, dict(zip(letters, symbols, strict=True))))
        numbers = [number_of(x) for x in value.inputs]
        if all(type(x) is float for x in (*numbers, result)):
            factors = [_factor(x, digits) for x in numbers]
            line = put_in(formula, dict(zip(letters, factors, strict=True)))
            parts.append(line.replace("·", " × "))
    parts.append(edge_number(result, digits))
    return " = ".join(dict.fromkeys(parts))


def backward_lines(
    value: Value,
    position: int,
    upstream: Array,
    share: Array,
    names: Mapping[Value, str],
    output: Value,
    digits: int,
) -> list[str]:
    """Return the chain rule for one edge, with symbols and then with numbers.

    >>> w, x = Value(3.0), Value(0.5)
    >>> L = w * x
    >>> backward_lines(L, 0, 2.0, 1.0, {w: "w", x: "x", L: "L"}, L, 4)
    ['∂L/∂w += ∂L/∂L · x', '= 2 × 0.5 = 1']
    """
    assert value.op is not None
    upstream_name = f"∂{names[output]}/∂{names[value]}"
    symbols = _symbols(value, names, digits)
    words = dict(zip(value.op.letters, symbols, strict=False)) | {
        "z": names[value],
        "g": upstream_name,
    }
    rule = value.op.rule(position)
    said = put_in(rule.formula, words)
    if rule.kind == "words":
        said = f"{upstream_name}: {rule.formula}"
    elif rule.kind == "factor":
        top_level = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", said))
        sum_of = re.search(r" [+−] ", top_level) or said.startswith("−")
        said = f"{upstream_name} · {f'({said})' if sum_of else said}"
    lines = [f"∂{names[output]}/∂{names[value.inputs[position]]} += {said}"]
    local = local_derivative(value, position)
    if type(local) is float and type(upstream) is float:
        factors = f"{short(upstream, digits)} × {_factor(local, digits)}"
        lines.append(f"= {factors} = {edge_number(share, digits)}")
    else:
        lines.append(f"= {edge_number(share, digits)}")
    return lines


def sum_line(name: str, before: Array, share: Array, after: Array, digits: int) -> str:
    """Return how a gradient adds up where several edges arrive."""
    if any(isinstance(x, np.ndarray) for x in (before, share, after)):
        return f"added to what had arrived at {name} before: now {edge_number(after, digits)}"
    total = f"{short(before, digits)} + {_factor(share, digits)} = {short(after, digits)}"
    return f"added to what had arrived at {name} before: {total}"


def _symbols(value: Value, names: Mapping[Value, str], digits: int) -> list[str]:
    """Return how each input is called: by its name, a constant by its number, an array by its letter."""
    assert value.op is not None
    symbols = []
    for position, x in enumerate(value.inputs):
        if type(x) is Value:
            symbols.append(names[x])
        elif type(x) is float:
            symbols.append(_factor(x, digits))
        else:
            symbols.append("array" if value.op.is_variadic else value.op.letters[position])
    return symbols


def _factor(number: float, digits: int) -> str:
    """Return a number as it stands behind a sign: a negative one in parentheses."""
    text = short(number, digits)
    return f"({text})" if text.startswith("−") else text
