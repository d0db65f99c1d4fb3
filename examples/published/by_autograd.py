"""Runs of networks on our own engine: the recipes, and a dense network with one choice after another.

What is kept of a training is what one would look at: accuracy and loss on the test images after each epoch,
and how long each epoch took.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import tinygrad_edu as tg
from tinygrad_edu.datasets import Dataset, Pixels
from tinygrad_edu.lab import recipes


def by_recipe(name: str) -> Callable[[Dataset, int], dict[str, Any]]:
    """Return a run that follows a recipe to the letter."""

    def run(data: Dataset, seed: int) -> dict[str, Any]:
        return measured(recipes.RECIPES[name](data, rng=seed, **watched(data))[1])

    return run


def nielsen(data: Dataset, seed: int, falling: bool) -> dict[str, Any]:
    """Follow Nielsen's recipe with five sixths of the images: his other 10,000 were for validation."""
    part = slice(len(data.y_train) * 5 // 6)
    fewer = replace(data, x_train=Pixels(data.x_train.raw[part]), y_train=data.y_train[part])
    more = {"lr": recipes.rise_and_fall(3.0, fewer, epochs=30, batch_size=10)} if falling else {}
    return measured(recipes.nielsen(fewer, rng=seed, **more, **watched(data))[1])


def keras_mlp(data: Dataset, seed: int, falling: bool) -> dict[str, Any]:
    """Follow the recipe of Keras's mnist_mlp, with its fixed rate or one that rises and falls."""
    more = {"lr": recipes.rise_and_fall(1e-3, data, epochs=20, batch_size=128)} if falling else {}
    return measured(recipes.keras_mlp(data, rng=seed, **more, **watched(data))[1])


def dense(
    data: Dataset, seed: int, hidden: int, dropout: float, rate: float, epochs: int
) -> dict[str, Any]:
    """One hidden layer with ReLU and dropout, Adam at a fixed rate, batches of 128."""
    model = tg.Sequential(
        tg.Dense(data.x_train.shape[1], hidden), tg.ReLU(), tg.Dropout(dropout),
        tg.Dense(hidden, len(data.class_names)), rng=seed,
    )  # fmt: skip
    history = model.fit(
        data.x_train, data.y_train, loss=tg.softmax_cross_entropy,
        optimizer=tg.Adam(model.parameters(), lr=rate), epochs=epochs,
        batch_size=min(128, len(data.y_train)), rng=seed, **watched(data),
    )  # fmt: skip
    return measured(history)


def watched(data: Dataset) -> dict[str, Any]:
    """Return the options of `fit` that measure in silence."""
    return {"validation_data": (data.x_test, data.y_test), "verbose": False}


def measured(history: tg.History) -> dict[str, Any]:
    """Return the curves of a training as plain lists; a training that was cut short has no result."""
    if history.stopped == "Ctrl-C":
        raise KeyboardInterrupt
    return {
        "accuracy": list(map(float, history["val_accuracy"])),
        "loss": list(map(float, history["val_loss"])),
        "epoch_seconds": list(map(float, history["seconds"])),
    }
