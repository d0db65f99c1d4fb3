"""Messages and sessions: what a page may ask for, and what it gets."""

import json
import queue
import struct

import numpy as np
import pytest

from tinygrad_edu.playground import Settings
from tinygrad_edu.playground.digits import Digits
from tinygrad_edu.playground.messages import (
    LONGEST,
    SCHEMA,
    MessageError,
    read_drawing,
    read_message,
)  # fmt: skip
from tinygrad_edu.playground.session import Session
from tinygrad_edu.playground.worker import MOST_WAITING, Worker


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "1", '"play"', "{", '{"do": 1}', '{"do": "__init__"}', '{"do": "take"}', '{"do": "frame"}',
        '{"do": "play", "more": 1}', '{"do": "open"}', '{"do": "open", "link": 1}', '{"do": "fast", "on": 1}',
        '{"do": "weight", "layer": 0, "source": 0, "target": 0, "value": NaN}',
        '{"do": "weight", "layer": 0, "source": 0, "target": 0, "value": 1e300}',
        '{"do": "weight", "layer": true, "source": 0, "target": 0, "value": 1}',
        '{"do": "blame", "layer": -1, "source": 0, "target": 0}',
        '{"do": "blame", "layer": 0, "source": -2, "target": 0}',
        '{"do": "graph", "fold": "everything", "page": false}', '{"do": "look"}',
        '{"do": "open", "link": "' + "a" * 20_001 + '"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_message_that_no_page_sends_is_refused(text):
    with pytest.raises(MessageError):
        read_message(text)


def drawn(width, height, label=-1, removed=0, photo=0, dots=b""):
    return struct.pack("<HHhHH", width, height, label, removed, photo) + dots


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x01",
        drawn(2, 2, dots=b"123"),
        drawn(0, 5),
        drawn(1, 1, label=10, dots=b"1"),
        drawn(900, 1, dots=b"1" * 900),
        drawn(1, 1, photo=2, dots=b"1"),
    ],
)
def test_a_drawing_that_no_page_sends_is_refused(bad):
    with pytest.raises(MessageError):
        read_drawing(bad)


def test_no_drawing_is_longer_than_a_message_may_be():
    assert LONGEST > 800 * 800 + 10


@pytest.fixture
def session():
    return Session(Digits())


def ask(session, do, **fields):
    return session.take({"do": do, **fields})


def test_every_message_has_its_action(session):
    assert all(callable(getattr(session, f"_{do}")) for do in SCHEMA if do != "ready")


def header(frame):
    (length,) = struct.unpack("<I", frame[:4])
    return json.loads(frame[4 : 4 + length]), frame[4 + length :]


def test_a_frame_has_the_very_weights_of_the_run(session):
    ask(session, "epoch")
    told, rest = header(session.frame())
    assert (told["epoch"], told["sizes"]) == (1, [2, 4, 2, 1])
    layer = session.runs[0].dense_layers()[0]
    shown = np.frombuffer(rest, "<f4", 12)
    assert np.array_equal(shown[:8].reshape(2, 4), layer.weight.numpy().astype("f4"))
    assert np.array_equal(shown[8:], layer.bias.numpy().astype("f4"))
    numbers = 4 * (8 + 4 + 8 + 2 + 2 + 1 + 3 * 2)
    assert len(rest) == numbers + 6 * 625 + 2500


def test_a_weight_edited_by_hand_arrives(session):
    ask(session, "weight", layer=1, source=3, target=1, value=1.5)
    assert session.runs[0].dense_layers()[1].weight.numpy()[3, 1] == 1.5
    ask(session, "weight", layer=1, source=-1, target=0, value=-2.0)
    assert session.runs[0].dense_layers()[1].bias.numpy()[0] == -2.0


def test_a_weight_that_there_is_not_changes_nothing(session):
    before = [p.numpy() for p in session.runs[0].network.parameters()]
    for place in ({"layer": 5, "source": 0, "target": 0}, {"layer": 0, "source": 7, "target": 0}):
        assert ask(session, "weight", **place, value=1.0)[0]["is"] == "sorry"
        assert ask(session, "blame", **place)[0]["is"] == "sorry"
    after = [p.numpy() for p in session.runs[0].network.parameters()]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_rate_goes_on_and_another_network_begins_anew(session):
    ask(session, "epoch")
    ask(session, "change", key="learningRate", value="0.3")
    assert session.runs[0].epoch == 1
    assert session.runs[0].optimizer.learning_rate() == 0.3
    ask(session, "change", key="networkShape", value="3")
    assert session.runs[0].epoch == 0


def test_a_change_that_cannot_be_is_answered_and_changes_nothing(session):
    before = session.settings
    for key, value in (("batchSize", "0"), ("x", "maybe"), ("nothing", "1"), ("seed", "<b>")):
        answers = ask(session, "change", key=key, value=value)
        if key != "x":
            assert answers[0]["is"] == "sorry"
    ask(session, "change", key="y", value="false")
    assert ask(session, "change", key="x", value="false")[0]["is"] == "sorry"
    assert session.settings == Settings(y=False)
    assert before == Settings()


def test_discretizing_changes_no_number_but_what_is_shown(session):
    ask(session, "epoch")
    before = session.frame()
    ask(session, "change", key="discretize", value="true")
    told, rest = header(session.frame())
    assert rest == header(before)[1]
    assert told["training"] == header(before)[0]["training"]


def test_comparing_runs_all_optimizers_from_the_same_weights(session):
    ask(session, "change", key="compare", value="true")
    assert [run.settings.optimizer for run in session.runs] == ["sgd", "momentum", "adam"]
    first = [run.network[0].weight.numpy() for run in session.runs]
    assert all(np.array_equal(first[0], other) for other in first)
    ask(session, "epoch")
    assert len({run.losses()[0] for run in session.runs}) == 3


def test_a_link_of_a_page_opens_the_same_run_again(session):
    ask(session, "open", link="#dataset=spiral&seed=7&noise_hide=true")
    (state,) = ask(session, "change", key="batchSize", value="5")
    assert "noise_hide=true" in state["link"]
    ask(session, "epoch")
    other = Session(Digits())
    ask(other, "open", link=state["link"])
    ask(other, "epoch")
    assert header(other.frame())[1] == header(session.frame())[1]


def test_play_without_points_says_what_to_do(session):
    ask(session, "change", key="dataset", value="own")
    assert "no points" in ask(session, "play")[0]["text"]
    (state,) = ask(session, "csv", text="1,2,a\n3,4,b\n-1,-1,a\n")
    assert state["settings"]["own"] == "1,2,0;3,4,1;-1,-1,0"
    assert ask(session, "play") == []
    assert session.playing


def test_trouble_stops_and_the_frame_is_still_json(session):
    ask(session, "open", link="#activation=relu&learningRate=1000&xSquared=true&problem=regression")
    ask(session, "play")
    for _ in range(50):
        session.learn()
    assert not session.playing
    told, _ = header(session.frame())
    assert "NaN" in told["trouble"]
    asked = [ask(session, "slow"), ask(session, "blame", layer=0, source=0, target=0)]
    assert all(json.dumps(answer, allow_nan=False) for answer in asked)


def test_digits_that_cannot_be_had_are_told(monkeypatch):
    def nothing():
        raise OSError("no digits anywhere")

    monkeypatch.setattr("tinygrad_edu.playground.digits.load_handwriting", nothing)
    digits = Digits()
    digits.learn()
    told = digits.progress()
    assert (told["ready"], told["error"]) == (False, "no digits anywhere")
    drawing = {"drawing": np.zeros((9, 9), np.uint8), "label": -1, "removed": 0, "photo": False}
    assert "still learning" in ask(Session(digits), "look", **drawing)[0]["text"]


def test_drawn_digits_are_read_and_the_network_is_kept(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("safetensors")
    draw = pytest.importorskip("PIL.ImageDraw")
    from PIL import Image

    from tinygrad_edu.datasets import load_digits

    monkeypatch.setattr("tinygrad_edu.playground.digits.load_handwriting", load_digits)
    file = tmp_path / "reader.safetensors"
    digits = Digits(file)
    digits.learn()
    assert digits.progress()["error"] == ""
    zero, one = (Image.new("L", (280, 280), 255) for _ in range(2))
    draw.Draw(zero).ellipse((80, 40, 200, 240), outline=0, width=18)
    draw.Draw(one).line((140, 40, 140, 240), fill=0, width=18)
    again = Digits(file)
    again.learn()
    assert again.progress()["note"] == "loaded from reader.safetensors"
    for image, digit in ((zero, 0), (one, 1)):
        message = {"drawing": np.asarray(image), "label": -1, "removed": 0, "photo": False}
        (told,) = ask(Session(again), "look", **message)
        assert np.argmax(told["chances"]) == digit == told["label"]
        assert told["damaged"] == told["chances"]
        assert len(told["activity"]) == 100
        gone = ask(Session(again), "look", **(message | {"removed": 100, "label": 3}))[0]
        assert gone["label"] == 3
        assert gone["damaged"] != told["chances"]
    blank = np.full((280, 280), 255, np.uint8)
    message = {"drawing": blank, "label": -1, "removed": 0, "photo": False}
    assert ask(Session(again), "look", **message)[0]["blank"]


def test_the_thread_of_a_page_ends_with_it_while_it_learns():
    said = queue.Queue()
    worker = Worker(said.put, Digits())
    worker.start()
    for message in ({"do": "fast", "on": True}, {"do": "play"}, {"do": "ready"}):
        assert worker.ask(message)
    assert isinstance(said.get(timeout=60), bytes)
    worker.close()
    worker.join(60)
    assert not worker.is_alive()


def test_a_thread_takes_no_more_messages_than_can_wait():
    worker = Worker(print, Digits())  # not started: nobody does them
    assert sum(worker.ask({"do": "pause"}) for _ in range(1000)) == MOST_WAITING
