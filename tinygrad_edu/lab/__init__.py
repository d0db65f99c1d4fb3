"""The lab: what does a trained network know?

`back_query` runs it backwards with pencil algebra, `dreaming` by gradient ascent, and `portraits` shows what
came out. `recipes` are the networks of the introductions. Three rooms open from here: `damage` takes parts
away, `sweep` trains with many settings, and `handwriting` brings digits of one's own.
"""

from tinygrad_edu.lab.back_query import logit_walk, wanted_outputs
from tinygrad_edu.lab.dreaming import gradient_ascent, saliency
from tinygrad_edu.lab.portraits import confidence, plot_round_trip, plot_saliency, round_trip

__all__ = [
    "confidence",
    "gradient_ascent",
    "logit_walk",
    "plot_round_trip",
    "plot_saliency",
    "round_trip",
    "saliency",
    "wanted_outputs",
]
