"""Recipes: the networks of the introductions, each with what made it learn.

An architecture alone reads no digit. What it takes besides is a loss, an optimizer, a learning rate and its
course over time, a batch size, a number of epochs, perhaps distorted copies of the images: a recipe. Four of
them stand here, from the oldest to the best, as they would be written with the public names of this library.
Read them one after the other, and you see what thirty years have added.

Each is a function (data, epochs, rng, **options) → (model, history), where `data` is a `datasets.Dataset`,
MNIST or the small digits; models take its flat rows of pixels. `options` go to `fit`, such as
`validation_data` or `verbose`. On a computer with few cores these small matrices are multiplied fastest
by one or two threads.

>>> from tinygrad_edu.datasets import load_digits
>>> digits = load_digits()
>>> model, history = keras_mlp(digits, epochs=5, verbose=False)
>>> bool(model.evaluate(digits.x_test, digits.y_test)["accuracy"] > 0.9)
True
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.datasets import (
    Augmentation,
    Compose,
    Dataset,
    Elastic,
    Rotate,
    Shear,
    Shift,
    Zoom,
)
from tinygrad_edu.nn import (
    SGD,
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Rate,
    ReLU,
    Reshape,
    RMSprop,
    Sigmoid,
    binary_cross_entropy,
    softmax_cross_entropy,
)
from tinygrad_edu.number import Array
from tinygrad_edu.ops import as_labels, one_hot
from tinygrad_edu.training import History, Sequential, accuracy

Seed: TypeAlias = int | np.random.Generator
Recipe: TypeAlias = Callable[..., tuple[Sequential, History]]


def nielsen(
    data: Dataset, epochs: int = 30, rng: Seed = 0, lr: Rate = 3.0, **options: Any
) -> tuple[Sequential, History]:
    """784-30-10, sigmoid, quadratic cost, batches of 10, rate 3: where most people begin.

    Weights and biases start as N(0, 1). Source: Nielsen, Neural Networks and Deep Learning, 2015, chapter 1.
    """
    rng = np.random.default_rng(rng)
    options.setdefault("metrics", {"accuracy": accuracy})
    pixels, classes = data.x_train.shape[1], len(data.class_names)
    start: dict[str, Any] = {"init": "standard_normal", "bias_init": "standard_normal"}
    model = Sequential(
        Dense(pixels, 30, **start), Sigmoid(), Dense(30, classes, **start), Sigmoid(), rng=rng
    )
    history = model.fit(
        data.x_train,
        data.y_train,
        loss=quadratic_cost,
        optimizer=SGD(model.parameters(), lr=lr),
        epochs=epochs,
        batch_size=10,
        rng=rng,
        **options,
    )
    return model, history


def keras_mlp(
    data: Dataset,
    epochs: int = 20,
    rng: Seed = 0,
    dropout: float = 0.2,
    lr: Rate = 1e-3,
    **options: Any,
) -> tuple[Sequential, History]:
    """784-512-512-10, ReLU, dropout, softmax and cross-entropy, batches of 128, RMSprop.

    Source: mnist_mlp.py of the Keras examples, 2015.
    """
    rng = np.random.default_rng(rng)
    pixels, classes = data.x_train.shape[1], len(data.class_names)
    model = Sequential(
        *(Dense(pixels, 512), ReLU(), Dropout(dropout)),
        *(Dense(512, 512), ReLU(), Dropout(dropout)),
        Dense(512, classes),
        rng=rng,
    )
    history = model.fit(
        data.x_train,
        data.y_train,
        loss=softmax_cross_entropy,
        optimizer=RMSprop(model.parameters(), lr=lr, rho=0.9),
        epochs=epochs,
        batch_size=128,
        rng=rng,
        **options,
    )
    return model, history


def rashid(
    data: Dataset, epochs: int | None = None, rng: Seed = 0, **options: Any
) -> tuple[Sequential, History]:
    """784-200-10, sigmoid, no biases, as in *Make Your Own Neural Network*, with all that came later.

    The architecture is the book's. What differs is how it learns: along the gradient of the cross-entropy,
    in shuffled batches, by Adam, with a rate that rises and falls, and from images that are distorted anew in
    each epoch. (The book's own rule is `by_hand.RashidNetwork`.)

    Source of the architecture: Rashid, Make Your Own Neural Network, 2016.
    """
    rng = np.random.default_rng(rng)
    options.setdefault("metrics", {"accuracy": accuracy})
    pixels, classes = data.x_train.shape[1], len(data.class_names)
    model = Sequential(
        Dense(pixels, 200, bias=False, init="fan_in_normal"),
        Sigmoid(),
        Dense(200, classes, bias=False, init="fan_in_normal"),
        Sigmoid(),
        rng=rng,
    )
    # The scores share the weights, and give the cross-entropy what no sigmoid has rounded.
    scores = model[:-1]
    epochs = (100 if data.is_small else 60) if epochs is None else epochs
    history = scores.fit(
        data.x_train,
        data.y_train,
        loss=one_against_all,
        optimizer=Adam(scores.parameters(), lr=rise_and_fall(5e-3, data, epochs, 100)),
        epochs=epochs,
        batch_size=100,
        augment=distortions(data),
        rng=rng,
        **options,
    )
    model.eval()
    return model, history


def convolution(
    data: Dataset, epochs: int | None = None, rng: Seed = 0, **options: Any
) -> tuple[Sequential, History]:
    """Two convolutions, each with ReLU and pooling, then two Dense layers: the best network here.

    For images of 28×28: 16 filters of 5×5, 32 filters of 5×5, 128 neurons with dropout, 10 scores; Adam with
    a rate that rises and falls, batches of 64, and images that are distorted anew in each epoch.

    Sources: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998,
    for the architecture; Simard, Steinkraus and Platt, Best practices for convolutional neural networks
    applied to visual document analysis, 2003, for the distortions.
    """
    rng = np.random.default_rng(rng)
    (height, width), classes = data.image_shape, len(data.class_names)
    model = Sequential(
        Reshape(1, height, width),
        *(Conv2D(1, 16, size=5, padding=2, init="he_normal"), ReLU(), MaxPool2D(2)),
        *(Conv2D(16, 32, size=5, padding=2, init="he_normal"), ReLU(), MaxPool2D(2)),
        Flatten(),
        *(Dense((height // 4) * (width // 4) * 32, 128, init="he_normal"), ReLU(), Dropout(0.3)),
        Dense(128, classes),
        rng=rng,
    )
    epochs = (30 if data.is_small else 12) if epochs is None else epochs
    history = model.fit(
        data.x_train,
        data.y_train,
        loss=softmax_cross_entropy,
        optimizer=Adam(model.parameters(), lr=rise_and_fall(3e-3, data, epochs, 64)),
        epochs=epochs,
        batch_size=64,
        augment=distortions(data),
        rng=rng,
        **options,
    )
    return model, history


#: The recipes by name.
RECIPES: dict[str, Recipe] = {
    recipe.__name__: recipe for recipe in (nielsen, keras_mlp, rashid, convolution)
}


# ------------------------------------------------------------------------------------------------
# Ingredients
# ------------------------------------------------------------------------------------------------


def quadratic_cost(output: Array, labels: Any) -> Array:
    """(1/N) Σ ½|one_hot(label) − o|² over a batch of N        outputs (N, classes), labels (N,)

    >>> float(quadratic_cost(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1])))
    0.5
    """
    error = output - _one_hot(labels, output)
    return (error * error).sum() / (2 * len(labels))


def one_against_all(scores: Array, labels: Any) -> Array:
    """Binary cross-entropy of "is it a 0?", "is it a 1?", …        scores (N, classes), labels (N,)

    >>> round(one_against_all(np.array([[100.0, -100.0]]), np.array([0])), 4)
    0.0
    """
    return binary_cross_entropy(scores, _one_hot(labels, scores))


def _one_hot(labels: Any, output: Array) -> Array:
    known = as_labels(labels, output.shape)  # NumPy would take −1 for the last class
    return one_hot(known, output.shape, output.dtype)


def distortions(data: Dataset) -> Augmentation:
    """Return what a hand might do to a digit without making another one of it.

    Pixels are counted for images of 28×28, and become fewer in smaller ones.

    >>> from tinygrad_edu.datasets import load_digits
    >>> [round(step.pixels, 1) for step in distortions(load_digits()).steps if hasattr(step, "pixels")]
    [0.4]
    """
    scale = data.image_shape[0] / 28
    return Compose(
        Rotate(10),
        Shift(1.4 * scale),
        Zoom(0.1),
        Shear(8),
        Elastic(0.6 * scale, smoothness=4 * scale),
        image_shape=data.image_shape,
    )


def rise_and_fall(largest: float, data: Dataset, epochs: int, batch_size: int) -> Rate:
    """Return a learning rate that rises for a tenth of all steps, and then falls to nearly 0.

    The fall follows a cosine. A large rate finds a good region fast, a small one its lowest point. Sources:
    Smith and Topin, Super-convergence, 2018; Loshchilov and Hutter, SGDR, 2017, equation 5.

    >>> from tinygrad_edu.datasets import load_digits
    >>> rate = rise_and_fall(0.01, load_digits(), epochs=1, batch_size=1)
    >>> [round(rate(step), 4) for step in (0, 143, 790, 1436)]
    [0.0001, 0.01, 0.005, 0.0]
    """
    steps = epochs * math.ceil(len(data.y_train) / batch_size)
    rise = max(steps // 10, 1)

    def rate(step: int) -> float:
        if step < rise:
            return largest * (step + 1) / rise
        left = 1 - (step - rise) / max(steps - rise, 1)
        return largest * 0.5 * (1 - math.cos(math.pi * max(left, 0.0)))

    return rate
