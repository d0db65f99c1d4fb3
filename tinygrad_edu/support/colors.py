"""Colors: the palette of Okabe and Ito, which the color-blind can tell apart, for every picture and chart.

Blue stands for what is right, positive, or ours; vermilion for what is wrong or negative. Nothing is told by
color alone.
"""

BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
PURPLE = "#cc79a7"
SKY = "#56b4e9"

#: Darker ones, for lines on white; all but the yellow are dark enough for text as well.
DARK_YELLOW = "#a68a00"
DARK_ORANGE = "#a86400"
DARK_VERMILION = "#a84600"
DARK_GREEN = "#00795a"
#: What flows back, in all pictures and in the player: vermilion as well, the darkest.
GRADIENT = "#b03a00"

#: Grounds that dark text is readable on.
PALE_BLUE = "#e3f0fa"
PALE_ORANGE = "#fdf0d5"

#: Text, and text of less weight.
INK = "#1a1a1a"
GRAY = "#5f6670"

#: For the lines of a chart, in this order.
LINES = (BLUE, VERMILION, GREEN, PURPLE, DARK_YELLOW, SKY)
