"""Damage: what a network still knows when parts of it are gone, or when it sees badly.

`remove_neurons`, `remove_links` and `silence` return a damaged copy of a network, and `knock_out` tells
which of its neurons matter. `add_noise`, `cut_gaps` and `occlude` damage what it is shown. `measure_damage`
counts the right answers that are left, and `plot_damage` draws them. Nothing is learned again in between:
what is left was there before.
"""

from tinygrad_edu.lab.damage.images import add_noise, cut_gaps, occlude
from tinygrad_edu.lab.damage.knocking import importance_table, knock_out
from tinygrad_edu.lab.damage.measuring import (
    LEVELS,
    TO_IMAGES,
    TO_THE_NETWORK,
    damage_table,
    measure_damage,
)
from tinygrad_edu.lab.damage.neurons import hidden_neurons
from tinygrad_edu.lab.damage.plotting import plot_damage
from tinygrad_edu.lab.damage.removing import remove_links, remove_neurons, silence

__all__ = [
    "LEVELS",
    "TO_IMAGES",
    "TO_THE_NETWORK",
    "add_noise",
    "cut_gaps",
    "damage_table",
    "hidden_neurons",
    "importance_table",
    "knock_out",
    "measure_damage",
    "occlude",
    "plot_damage",
    "remove_links",
    "remove_neurons",
    "silence",
]
