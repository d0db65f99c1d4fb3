"""Settings and links: what a link says, and what of it nobody can read."""

import numpy as np
import pytest

from tinygrad_edu.playground import Settings, read_link

#: As the TensorFlow Playground writes it.
THEIRS = (
    "#activation=relu&regularization=L2&batchSize=12&dataset=spiral&regDataset=reg-gauss&learningRate=0.003"
    "&regularizationRate=0.01&noise=15&networkShape=6,3,1&seed=0.48226&showTestData=true&discretize=true"
    "&percTrainData=70&x=false&y=true&xTimesY=true&xSquared=true&ySquared=false&cosX=false&sinX=true"
    "&cosY=false&sinY=false&collectStats=false&problem=regression&initZero=true&hideText=true&noise_hide=true"
)


def test_a_link_of_the_tensorflow_playground_opens_here():
    link = read_link(THEIRS)
    assert link.notes == ()
    assert link.hidden == ("noise",)
    expected = Settings(
        activation="relu", regularization="L2", batch_size=12, dataset="spiral",
        reg_dataset="reg-gauss", learning_rate=0.003, regularization_rate=0.01, noise=15,
        network_shape=(6, 3, 1), seed="0.48226", show_test_data=True, discretize=True,
        perc_train_data=70, x=False, y=True, x_times_y=True, x_squared=True, sin_x=True,
        problem="regression", init_zero=True, hide_text=True,
    )  # fmt: skip
    assert link.settings == expected


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(network_shape=(), x=False, sin_y=True, noise=12.5),
        Settings(dataset="own", own=((1.25, -3.0, 0), (0.0, 6.0, 2)), seed="a-b.c"),
        Settings(
            activations=("relu", "linear"), dropout=(0.0, 0.3), optimizer="adam", compare=True
        ),
        read_link(THEIRS).settings,
    ],
)
@pytest.mark.parametrize("everything", [True, False])
def test_a_link_says_all_that_is_not_as_usual(settings, everything):
    assert read_link(settings.link(everything)).settings == settings


def test_zero_hidden_layers_are_an_empty_shape():
    assert read_link("#networkShape=").settings.network_shape == ()


@pytest.mark.parametrize(
    "part",
    [
        "activation=step", "batchSize=0", "batchSize=1.5", "learningRate=nan", "learningRate=-1",
        "learningRate=abc", "networkShape=9", "networkShape=1,1,1,1,1,1,1", "noise=1e9", "seed=%3Cb%3E",
        "seed=" + "1" * 21, "own=1,2", "own=9,9,0", "own=1,1,3", "points=inf", "x=false&y=false",
        "nothing=1", "percTrainData=100",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_the_rest_still_opens(part):
    link = read_link(f"#dataset=xor&{part}")
    assert link.settings == Settings(dataset="xor")
    assert len(link.notes) == 1


@pytest.mark.parametrize("text", ["", "#", "#&&==&", "#%00%ff", "#a" * 50_000, "💥"])
def test_no_link_is_an_error(text):
    assert read_link(text).settings == Settings()


@pytest.mark.parametrize(
    "wrong", [{"noise": -1}, {"network_shape": (9,)}, {"x": False, "y": False}, {"seed": "ä"}]
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=r"cannot be|at least one input"):
        Settings(**wrong)


def test_points_stay_when_the_network_changes_and_another_seed_gives_others():
    from tinygrad_edu.playground import Lesson

    points = Lesson(Settings(seed="1")).points_train
    assert np.array_equal(points, Lesson(Settings(seed="1", network_shape=(8, 8))).points_train)
    assert not np.array_equal(points, Lesson(Settings(seed="2")).points_train)
