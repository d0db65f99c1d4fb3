"""Data to learn from: handwritten digits, a football diary, and how to bring your own.

`load_mnist` gives the 70,000 digits of MNIST from files or the network, `load_digits` the 1,797
small digits that scikit-learn brings along, and `load_handwriting` whichever of the two can be had.
`football_diary` makes up a year of decisions for a single neuron, and `read_diary` reads your own.
Underneath, `read_idx` and `write_idx` know MNIST's file format, and `Pixels` keeps images as bytes;
`read_csv`, `stream_csv` and `write_csv` do the same for CSV, line by line. `Rotate`, `Elastic`, `Compose` and
the like show a network each image a little changed.
Nothing here knows about networks: what comes out are arrays.
"""

from tinygrad_edu.datasets.augmentation import (
    Augmentation,
    Compose,
    Elastic,
    Rotate,
    Shear,
    Shift,
    Zoom,
    rotate,
)
from tinygrad_edu.datasets.csv_file import load_csv, read_csv, stream_csv, write_csv
from tinygrad_edu.datasets.dataset import Dataset
from tinygrad_edu.datasets.diary import Day, Diary, read_diary
from tinygrad_edu.datasets.digits import load_digits
from tinygrad_edu.datasets.download import DataUnavailable, Source
from tinygrad_edu.datasets.flagged_ones import add_flagged_ones
from tinygrad_edu.datasets.football import football_diary
from tinygrad_edu.datasets.handwriting import load_handwriting
from tinygrad_edu.datasets.idx import read_idx, write_idx
from tinygrad_edu.datasets.mnist import MNIST, load_mnist
from tinygrad_edu.datasets.pixels import Pixels

__all__ = [
    "MNIST",
    "Augmentation",
    "Compose",
    "DataUnavailable",
    "Dataset",
    "Day",
    "Diary",
    "Elastic",
    "Pixels",
    "Rotate",
    "Shear",
    "Shift",
    "Source",
    "Zoom",
    "add_flagged_ones",
    "football_diary",
    "load_csv",
    "load_digits",
    "load_handwriting",
    "load_mnist",
    "read_csv",
    "read_diary",
    "read_idx",
    "rotate",
    "stream_csv",
    "write_csv",
    "write_idx",
]
