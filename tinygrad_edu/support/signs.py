"""Signs: what is shown for characters that cannot be shown.

A name may be any string. Some characters would command a terminal, or may stand in no XML file and no UTF-8
text, such as half of a pair of surrogates. In their place stand the signs that Unicode has for that.
"""

#: For `str.translate`: ␀, ␁, … for control characters, the ends of lines among them, and � for the others.
SIGNS: dict[int, str] = {code: chr(0x2400 + code) for code in range(32)}
SIGNS |= dict.fromkeys([0x7F, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\N{REPLACEMENT CHARACTER}")
