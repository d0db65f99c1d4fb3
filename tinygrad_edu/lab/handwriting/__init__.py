"""Handwriting of one's own: from a photo to the answer of a network.

`read_picture` and `read_pictures` read files of any kind, `to_mnist` finds the ink and brings it to the form
of MNIST's digits, `read_digit` asks a network several times, and `plot_readings` shows each step.
"""

from tinygrad_edu.lab.handwriting.mnist_form import Prepared, to_mnist
from tinygrad_edu.lab.handwriting.no_digits import add_no_digits
from tinygrad_edu.lab.handwriting.pictures import Picture, PictureError, read_picture, read_pictures
from tinygrad_edu.lab.handwriting.reading import Reading, plot_readings, read_digit

__all__ = [
    "Picture",
    "PictureError",
    "Prepared",
    "Reading",
    "add_no_digits",
    "plot_readings",
    "read_digit",
    "read_picture",
    "read_pictures",
    "to_mnist",
]
