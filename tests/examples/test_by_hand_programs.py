"""The programs that lay hand-derived networks beside autograd: each runs in seconds, and says what is so."""

import re

import pytest

from .test_programs import ROOT, main_of, run_here

pytest.importorskip("sklearn")

PROGRAMS = ("compare_by_hand", "worked_example", "lernmi", "spot_the_bug")


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_short_and_help(name, tmp_path):
    file = ROOT / "examples" / f"{name}.py"
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 82
    status, output, errors = run_here(tmp_path, file.name, "--help")
    assert (status, errors) == (0, "")
    assert "--quick" in output


def test_compare_by_hand(tmp_path):
    status, output, errors = run_here(tmp_path, "compare_by_hand.py", "--quick")
    assert (status, errors) == (0, "")
    summary = output.split("Who steps along the gradient?\n")[1]
    says = dict(re.findall(r"^(\S.{19})(.*)$", summary, re.MULTILINE))
    says = {name.strip(): verdict for name, verdict in says.items()}
    right = [name for name, verdict in says.items() if verdict == "computes the gradient"]
    assert right == [
        "football", "Lernmi", "Mazur, all at once", "Nielsen, squares", "Nielsen, entropy", "Keras",
    ]  # fmt: skip
    assert says["Rashid"] == "not in wih"
    assert says["Mazur, in place"] == "not in w1, w2, w3, w4"
    assert says["JavaScript net"] == "not in b_h1, b_h2, b_o1, b_o2"
    assert re.search(r"weights updated too early, .*learning rate 0\.5", summary)
    assert re.search(r"sign turned, at the gradient of all 4 biases", summary)
    assert re.search(r"factor left out, at sigmoid \(σ\) .*layer of who", summary)
    assert (tmp_path / "out" / "rashid.svg").exists()


def test_worked_example(tmp_path, capsys):
    assert main_of("worked_example")(["--out", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    for number in (
        "0.298371109", "1.105905967", "0.741365070", "0.186815602", "0.593269992",
        "0.082167041", "0.000438568",
        "0.291027774", "0.291027924", "3.510188e-05", "3.510855e-05", "0.015913620 0.984064274",
        "0.015912196 0.984065734", "2.4476e-06", "0.9797", "0.055",
    ):  # fmt: skip
        assert number in output
    if "no pictures" not in output:
        assert (tmp_path / "worked_example.svg").exists()
        assert (tmp_path / "worked_example.html").exists()


def test_worked_example_explains_any_weight(tmp_path, capsys):
    main = main_of("worked_example")
    assert main(["--quick", "--weight", "out_h1", "--out", str(tmp_path)]) == 0
    assert "∂E/∂out_h1 = 0.036350306" in capsys.readouterr().out
    assert main(["--weight", "w9", "--out", str(tmp_path)]) == 2
    assert "one Value named 'w9', found 0" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["worked_example", "spot_the_bug"])
def test_without_graphviz_there_are_no_pictures_but_all_the_rest(
    name, tmp_path, capsys, monkeypatch
):
    from tinygrad_edu.drawing import DrawingError

    main = main_of(name)

    def nothing(*_, **__):
        raise DrawingError("Graphviz is missing; install it with: pip install pygraphviz")

    for function in ("draw_graph", "play_backward"):
        if function in main.__wrapped__.__globals__:
            monkeypatch.setitem(main.__wrapped__.__globals__, function, nothing)
    assert main(["--quick", "--out", str(tmp_path)]) == 0
    assert "Graphviz is missing" in capsys.readouterr().out


def test_lernmi(tmp_path):
    status, output, errors = run_here(tmp_path, "lernmi.py", "--quick")
    assert (status, errors) == (0, "")
    gates = {line.split()[0]: line for line in output.splitlines()[:3]}
    answers = {name: re.findall(r"→ (\d\.\d\d)", line) for name, line in gates.items()}
    rounded = {name: [round(float(x)) for x in found] for name, found in answers.items()}
    assert rounded == {"NOT": [1, 0], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}
    assert len(re.findall(r"my guess is \d, confidence \d+%", output)) == 3
    times = [float(ms) for ms in re.findall(r"with \w+ +(\d+\.\d\d) ms a sample", output)]
    said = re.findall(r"(\S+) times as (?:long as with Links|fast as with Values)", output)
    for ratio, part in zip(map(float, said), (times[0], times[2]), strict=True):
        least, most = (times[1] - 0.005) / (part + 0.005), (times[1] + 0.005) / (part - 0.005)
        assert 0.99 * least < ratio < 1.01 * most  # what is printed is rounded
    assert "because\n    each product and each sum is noted" in output
    assert "@@" in output


def test_lernmis_three_networks_learn_the_same():
    """The race is fair: a step of each leads to the same weights."""
    import numpy as np

    from tinygrad_edu import SGD, Value, sigmoid
    from tinygrad_edu.by_hand import Network

    rng = np.random.default_rng(0)
    x, t = rng.random(6), rng.random(2)
    links = Network([6, 3, 2], rate=0.1)
    w1, b1, w2, b2 = links.parameters().values()
    layers = [[[Value(w) for w in row] for row in np.vstack(t).T] for t in ((w1, b1), (w2, b2))]
    y = sigmoid(x).tolist()
    for rows in layers:
        y = [sum(w * i for w, i in zip(row, [*y, 1.0], strict=True)).sigmoid() for row in rows]
    sum(0.5 * (o - e) ** 2 for o, e in zip(y, t.tolist(), strict=True)).backward()
    SGD([w for rows in layers for row in rows for w in row], lr=0.1).step()
    links.train_step(x, t)
    learned = np.vstack([links.parameters()["weights[0]"], links.parameters()["biases[0]"]]).T
    mine = [[w.data for w in row] for row in layers[0]]
    np.testing.assert_allclose(mine, learned, rtol=1e-13)


def test_spot_the_bug(tmp_path, capsys):
    assert main_of("spot_the_bug")(["--out", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    rooms = output.strip().split("\n\n")
    named = {room.split(":")[0]: room.splitlines()[1].split(",")[0] for room in rooms}
    assert named == {
        "assignment instead of +=": "= instead of +=",
        "no topological order": "no topological order",
        "missing activation derivative": "factor left out",
        "forgotten zero_grad": "forgotten zero_grad",
        "stale weights": "stale weights",
    }
    assert "no picture" in output or len(list(tmp_path.glob("*.svg"))) == 5
