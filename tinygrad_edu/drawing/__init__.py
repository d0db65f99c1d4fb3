"""Pictures of computation graphs and networks, for slides, notebooks and the terminal.

A picture is made in three steps, each of which knows nothing of the others:

1. *What to show*: `graph`, `network` and their helpers turn Values and layers into a `GraphPicture` of plain
   nodes and edges. Local derivatives, folding, highlighted paths and differences are decided here.
2. *How it looks*: `dot` and `network_dot` write a picture as DOT, the language of Graphviz.
3. *Where it goes*: `render` has Graphviz draw it as SVG, PNG or PDF; `play` makes it a page that plays,
   `animation` a picture that moves.

`tree` draws in plain text and needs nothing at all.
"""

from tinygrad_edu.drawing.draw import draw_graph, draw_network
from tinygrad_edu.drawing.drawing import Drawing
from tinygrad_edu.drawing.failure import draw_error
from tinygrad_edu.drawing.graph.tree import text_tree
from tinygrad_edu.drawing.notebook import add_methods, model_in_notebook, svg_of_model, svg_of_value
from tinygrad_edu.drawing.player.play import play_backward
from tinygrad_edu.drawing.plots import plot_feature_maps, plot_images, plot_mistakes
from tinygrad_edu.drawing.render import DrawingError
from tinygrad_edu.drawing.style import PALE, WRONG

__all__ = [
    "PALE",
    "WRONG",
    "Drawing",
    "DrawingError",
    "add_methods",
    "draw_error",
    "draw_graph",
    "draw_network",
    "model_in_notebook",
    "play_backward",
    "plot_feature_maps",
    "plot_images",
    "plot_mistakes",
    "svg_of_model",
    "svg_of_value",
    "text_tree",
]
