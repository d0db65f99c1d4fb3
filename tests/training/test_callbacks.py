"""Callbacks: stopping early with the best weights, saving improvements, and functions of one's own."""

import math
import os

import numpy as np
import pytest

from tinygrad_edu import (
    SGD,
    Checkpoint,
    Dense,
    EarlyStopping,
    Epoch,
    History,
    Model,
    Sequential,
    mean_squared_error,
)

X = np.linspace(-1, 1, 20)[:, None]
Y = 3 * X + 1


def play(callback, model, values, name="val_loss"):
    """Let a callback see epochs with these numbers, the weight of each being its number; end as fit does."""
    history = History()
    for number, value in enumerate(values, 1):
        model[0].weight.data = [[float(number)]]
        logs = {"loss": 0.0, name: value}
        history.append(logs)
        callback(Epoch(model, number, logs, history))
        if history.stopped:
            break
    getattr(callback, "finish", lambda model: None)(model)
    return history


@pytest.fixture
def model():
    return Sequential(Dense(1, 1), rng=0)


def weight(model):
    return model[0].weight.data.item()


# ------------------------------------------------------------------------------------------------
# EarlyStopping
# ------------------------------------------------------------------------------------------------


def test_it_stops_after_its_patience_and_goes_back_to_the_best_weights(model):
    history = play(EarlyStopping(patience=2), model, [5.0, 3.0, 4.0, 3.5, 1.0])
    assert len(history) == 4
    assert history.stopped == "val_loss has not improved since epoch 2 (3.0000)"
    assert weight(model) == 2.0


def test_an_improvement_in_time_renews_the_patience(model):
    history = play(EarlyStopping(patience=2), model, [5.0, 6.0, 4.0, 6.0, 3.0])
    assert (len(history), history.stopped, weight(model)) == (5, None, 5.0)


def test_the_best_weights_return_also_when_training_ends_by_itself(model):
    history = play(EarlyStopping(patience=10), model, [5.0, 3.0, 4.0])
    assert (history.stopped, weight(model)) == (None, 2.0)


def test_the_last_weights_stay_if_that_is_wanted(model):
    play(EarlyStopping(patience=2, restore_best=False), model, [5.0, 3.0, 4.0, 3.5, 1.0])
    assert weight(model) == 4.0


def test_more_is_better_for_what_is_no_loss(model):
    callback = EarlyStopping("val_accuracy", patience=1)
    play(callback, model, [0.5, 0.9, 0.8], name="val_accuracy")
    assert weight(model) == 2.0


def test_a_change_that_is_too_small_is_none(model):
    history = play(EarlyStopping(patience=2, minimum_change=0.5), model, [5.0, 4.8, 4.6, 4.4])
    assert len(history) == 3
    assert weight(model) == 1.0


def test_nan_is_no_improvement(model):
    play(EarlyStopping(patience=3), model, [math.nan, 5.0, math.nan, 6.0])
    assert weight(model) == 2.0


def test_it_can_be_used_again(model):
    callback = EarlyStopping(patience=2)
    play(callback, model, [1.0, 2.0, 2.0])
    history = play(callback, model, [9.0, 8.0, 9.0, 9.0])
    assert history.stopped == "val_loss has not improved since epoch 2 (8.0000)"
    assert weight(model) == 2.0


@pytest.mark.parametrize("patience", [0, -1, 2.5, True, "3", None])
def test_a_patience_that_is_no_number_of_epochs_is_refused(patience):
    with pytest.raises(ValueError, match=f"patience of at least 1 epoch, got {patience!r}"):
        EarlyStopping(patience=patience)


@pytest.mark.parametrize("change", [-0.1, math.nan, "0.1", True, None])
def test_a_minimum_change_that_is_no_number_is_refused(change):
    with pytest.raises(ValueError, match="expected minimum_change ≥ 0, got"):
        EarlyStopping(minimum_change=change)


UNKNOWN = [
    "val_mae",
    "f1",
    "error",
    "val_perplexity",
    "inaccuracy",
    "neg_log_loss",
    "val_loss_ratio",
    "",
]


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_better_is_never_guessed(name, tmp_path):
    for make in (EarlyStopping, lambda *a: Checkpoint(tmp_path / "best.safetensors", *a)):
        with pytest.raises(
            ValueError, match=r"whether more or less .*say mode='min' if less is, mode='max'"
        ):
            make(name)


@pytest.mark.parametrize("callback", [EarlyStopping, Checkpoint])
@pytest.mark.parametrize(
    ("name", "mode", "best"),
    [
        *((name, "min", 2.0) for name in UNKNOWN if name),
        *((name, "max", 1.0) for name in UNKNOWN if name),
        *((name, None, 2.0) for name in ("loss", "val_loss", "val_log_loss")),
        *((name, None, 1.0) for name in ("accuracy", "val_accuracy", "top5_accuracy")),
        *(("val_loss", "max", 1.0), ("val_accuracy", "min", 2.0)),
    ],
)
def test_the_best_is_what_was_said_to_be_better(callback, name, mode, best, model, tmp_path):
    path = tmp_path / "best.safetensors"
    options = {"path": path} if callback is Checkpoint else {}
    play(callback(monitor=name, mode=mode, **options), model, [5.0, 3.0, 4.0], name=name)
    assert (weight(Sequential.load(path)) if options else weight(model)) == best


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: EarlyStopping("mae", mode="less"),
            ValueError,
            "mode 'min' or 'max', .* got 'less'",
        ),
        (lambda: EarlyStopping(None), TypeError, "name of a number to watch, .* got None"),
        (lambda: EarlyStopping(3), TypeError, "name of a number to watch, .* got 3"),
        (
            lambda: EarlyStopping(min_delta=1),
            TypeError,
            "no option min_delta; write minimum_change",
        ),
        (lambda: Checkpoint("a", keep="all"), ValueError, "keep='best' or keep='last', got 'all'"),
        (lambda: Checkpoint(filepath="a"), TypeError, "no option filepath; write path"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_interrupt_between_number_and_weights_leaves_both_of_the_best_epoch_before(model):
    class Slow(Sequential):
        def state_dict(self):
            if weight(self) == 2.0:
                raise KeyboardInterrupt
            return super().state_dict()

    model, callback = Slow(Dense(1, 1)), EarlyStopping(patience=9)
    with pytest.raises(KeyboardInterrupt):
        play(callback, model, [5.0, 3.0, 1.0])
    callback.finish(model)
    assert weight(model) == 1.0
    assert callback.state_dict()["epoch"] == 1


@pytest.mark.parametrize("callback", [EarlyStopping(), EarlyStopping("val_accuracy")])
def test_a_number_that_is_not_measured_is_answered_with_those_that_are(model, callback):
    with pytest.raises(
        KeyError, match=r"no 'val_.*' is measured; there are loss, other; pass valid"
    ):
        play(callback, model, [1.0], name="other")


def test_in_a_training_the_validation_loss_is_that_of_the_best_epoch(model):
    rates = [0.1] * 5 + [0.9] * 95  # too large a rate from the sixth epoch on
    callback = EarlyStopping(patience=2)
    history = model.fit(
        X, Y, loss=mean_squared_error, epochs=20, batch_size=20, validation_data=(X, Y),
        optimizer=SGD(model.parameters(), lr=lambda step: 3 * rates[step]),
        callbacks=[callback], verbose=False,
    )  # fmt: skip
    best = min(history["val_loss"])
    epoch = 1 + history["val_loss"].index(best)
    assert 5 <= epoch == len(history) - 2
    assert history.stopped == f"val_loss has not improved since epoch {epoch} ({best:.4f})"
    assert model.evaluate(X, Y)["loss"] == best < history["val_loss"][-1]


# ------------------------------------------------------------------------------------------------
# Checkpoint
# ------------------------------------------------------------------------------------------------


def test_only_improvements_are_saved(model, tmp_path):
    path = tmp_path / "best.safetensors"
    play(Checkpoint(path), model, [5.0, 3.0, 4.0, 3.0])
    assert weight(model) == 4.0
    assert weight(Sequential.load(path)) == 2.0
    assert os.listdir(tmp_path) == ["best.safetensors"]


def test_every_epoch_is_saved_if_nothing_is_monitored(model, tmp_path):
    play(Checkpoint(tmp_path / "last.safetensors", monitor=None), model, [5.0, 3.0, 4.0])
    assert weight(Sequential.load(tmp_path / "last.safetensors")) == 3.0


@pytest.mark.parametrize("path", ["none/model.safetensors", "."])
def test_a_path_that_cannot_be_written_is_known_before_training(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        OSError, match=r"make it first: mkdir -p none|that is a folder; add a file name"
    ):
        Checkpoint(path)


def test_a_folder_without_permission_is_known_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(PermissionError, match="may not be written to; choose another"):
        Checkpoint(tmp_path / "model.safetensors")


def test_a_model_that_cannot_be_saved_is_told_so(tmp_path):
    class Own(Model):
        def forward(self, x):
            return x

    callback = Checkpoint(tmp_path / "model.safetensors")
    with pytest.raises(TypeError, match=r"needs a model with a method save\(path\).* Own has none"):
        callback(Epoch(Own(), 1, {"val_loss": 1.0}, History()))


def fit(model, *callbacks, **options):
    return model.fit(
        X, Y, loss=mean_squared_error, optimizer=SGD(model.parameters(), lr=0.1), epochs=3,
        validation_data=(X, Y), callbacks=callbacks, verbose=False, **options,
    )  # fmt: skip


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_folder_that_has_gone_is_known_before_any_weight_changes(keep, model, tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    callback = Checkpoint(folder / "model.safetensors", keep=keep)
    folder.rmdir()
    before = weight(model)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*runs"):
        fit(model, callback)
    assert weight(model) == before


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_disk_that_is_full_is_known_before_any_weight_changes(keep, model, tmp_path, monkeypatch):
    def fsync(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    before = weight(model)
    with pytest.raises(OSError, match="No space left"):
        fit(model, Checkpoint(tmp_path / "model.safetensors", keep=keep))
    assert weight(model) == before
    assert os.listdir(tmp_path) == []


def test_a_model_that_cannot_be_saved_is_told_so_before_any_weight_changes(tmp_path):
    class Own(Model):
        def __init__(self):
            self.dense = Dense(1, 1, rng=0)

        def forward(self, x):
            return self.dense(x)

    model = Own()
    before = model.state_dict()["dense.weight"]
    with pytest.raises(TypeError, match="Own has none, and is saved with keep='last' only"):
        fit(model, Checkpoint(tmp_path / "model.safetensors"))
    assert model.state_dict()["dense.weight"] == before


def test_a_trial_leaves_no_file_and_an_old_one_as_it_was(model, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        fit(model, Checkpoint(path), lambda epoch: 1 / 0, shuffle=False)
    assert os.listdir(tmp_path) == [path.name]
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        fit(model, lambda epoch: 1 / 0, Checkpoint(path))
    assert path.read_text() == "old"


def test_the_last_is_saved_after_the_other_callbacks_have_seen_the_epoch(model, tmp_path):
    path = tmp_path / "run.safetensors"

    def spoil(epoch):
        model[0].weight.data = [[7.0]]

    fit(model, Checkpoint(path, keep="last"), spoil)
    assert weight(Sequential.load(path)) == 7.0


def test_a_callback_is_told_before_the_first_epoch(model):
    class Asking:
        def begin(self, run):
            self.seen = (run.model, run.measures, len(run.history))

        def __call__(self, epoch):
            assert epoch.run.optimizer.steps == epoch.number

    fit(model, callback := Asking())
    assert callback.seen == (model, ["loss", "val_loss", "seconds"], 0)


# ------------------------------------------------------------------------------------------------
# One's own
# ------------------------------------------------------------------------------------------------


def test_a_function_sees_every_epoch_and_may_stop(model):
    seen = []

    def watch(epoch):
        seen.append((epoch.number, epoch.model is model, epoch.logs["loss"], len(epoch.history)))
        if epoch.number == 3:
            epoch.stop("seen enough")

    history = model.fit(
        X, Y, loss=mean_squared_error, optimizer=SGD(model.parameters(), lr=0.1), epochs=10,
        batch_size=5, callbacks=[watch], verbose=False,
    )  # fmt: skip
    assert history.stopped == "seen enough"
    assert seen == [(n, True, loss, n) for n, loss in enumerate(history["loss"], 1)]
    assert len(seen) == 3


def test_all_callbacks_see_the_epoch_in_which_one_stops(model):
    numbers = []
    model.fit(
        X, Y, loss=mean_squared_error, optimizer=SGD(model.parameters(), lr=0.1), epochs=5,
        batch_size=20, verbose=False,
        callbacks=(lambda epoch: epoch.stop("now"), lambda epoch: numbers.append(epoch.number)),
    )  # fmt: skip
    assert numbers == [1]


def test_finish_is_called_at_the_end_whatever_happens(model):
    class Closing:
        finished = 0

        def __call__(self, epoch):
            raise RuntimeError("in the middle")

        def finish(self, model):
            self.finished += 1

    callback = Closing()
    with pytest.raises(RuntimeError, match="in the middle"):
        model.fit(
            X, Y, loss=mean_squared_error, optimizer=SGD(model.parameters(), lr=0.1),
            callbacks=[callback], verbose=False,
        )  # fmt: skip
    assert callback.finished == 1
