"""Training: how a network learns.

`fit` is the loop. `trial` is what is checked before it, `guards` what is watched on the way, `ending` how it
ends, `resuming` how it goes on, and `evaluation` how good the answers are. `samples` hands out the data,
`history`, `progress` and `callbacks` are for whoever waits, and `model` and `saving` make one thing of it
all: a network that can be taught, asked, described and kept.
"""

from tinygrad_edu.training.callbacks import Checkpoint, EarlyStopping, Epoch
from tinygrad_edu.training.evaluation import evaluate, predict
from tinygrad_edu.training.fit import fit
from tinygrad_edu.training.guards import TrainingDivergedError
from tinygrad_edu.training.history import History
from tinygrad_edu.training.metrics import accuracy, confusion_matrix, confusion_table
from tinygrad_edu.training.model import Model, Sequential
from tinygrad_edu.training.progress import Progress, peak_memory, with_bar
from tinygrad_edu.training.samples import Samples

__all__ = [
    "Checkpoint",
    "EarlyStopping",
    "Epoch",
    "History",
    "Model",
    "Progress",
    "Samples",
    "Sequential",
    "TrainingDivergedError",
    "accuracy",
    "confusion_matrix",
    "confusion_table",
    "evaluate",
    "fit",
    "peak_memory",
    "predict",
    "with_bar",
]
