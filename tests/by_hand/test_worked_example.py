"""Mazur's 2-2-2 net: every number of the article, and which update order each belongs to."""

import math

import numpy as np
import pytest

from tinygrad_edu.by_hand import WorkedExample, total_error
from tinygrad_edu.by_hand.worked_example import BIASES


def rounded(value: float, digits: int = 9) -> float:
    return round(float(value), digits)


def test_slides_example_error_is_055_not_045():
    assert total_error([0, 0, 1, 0], [0, 0.3, 0.9, 0.1]) == pytest.approx(0.055, abs=1e-15)


def test_forward_golden_numbers():
    node = WorkedExample().forward()
    assert rounded(node["net_h1"]) == 0.3775
    assert [rounded(node[k]) for k in ("out_h1", "out_h2")] == [0.593269992, 0.596884378]
    assert rounded(node["net_o1"]) == 1.105905967
    assert [rounded(node[k]) for k in ("out_o1", "out_o2")] == [0.751365070, 0.772928465]
    assert rounded(0.5 * (0.01 - node["out_o1"]) ** 2) == 0.274811083
    assert rounded(0.5 * (0.99 - node["out_o2"]) ** 2) == 0.023560026
    assert rounded(WorkedExample().error()) == 0.298371109


def test_backward_golden_numbers():
    net = WorkedExample()
    node, slope = net.forward(), net.backward()
    assert rounded(slope["dE/dout_o1"]) == 0.741365070
    assert rounded(node["out_o1"] * (1 - node["out_o1"])) == 0.186815602
    assert rounded(slope["dE/dnet_o1"]) == 0.138498562
    assert rounded(slope["dE/dnet_o2"]) == -0.038098237
    assert rounded(slope["dE/dw5"]) == 0.082167041
    assert rounded(slope["dE/dout_h1"]) == 0.036350306
    assert rounded(slope["dE/dw1"]) == 0.000438568


def test_weights_after_one_joint_update():
    net = WorkedExample()
    net.train_step()
    assert [rounded(net.parameters()[f"w{i}"]) for i in range(1, 9)] == [
        0.149780716, 0.199561432, 0.249751144, 0.299502287,
        0.358916480, 0.408666186, 0.511301270, 0.561370121,
    ]  # fmt: skip


@pytest.mark.parametrize(("order", "error"), [("joint", 0.291027774), ("in_place", 0.291027924)])
def test_error_after_one_step_tells_the_order(order, error):
    net = WorkedExample(order=order)
    net.train_step()
    assert rounded(net.error()) == error


def test_ten_thousand_joint_steps():
    net = WorkedExample()
    for _ in range(9_999):
        net.train_step()
    assert rounded(net.error(), 10) == 0.0000351085  # what is printed as the value after 10,000
    net.train_step()
    assert f"{net.error():.6e}" == "3.510188e-05"
    node = net.forward()
    assert [rounded(node[k]) for k in ("out_o1", "out_o2")] == [0.015913620, 0.984064274]


def test_ten_thousand_steps_in_place_give_the_printed_outputs():
    net = WorkedExample(order="in_place")
    for _ in range(10_000):
        net.train_step()
    node = net.forward()
    assert [rounded(node[k]) for k in ("out_o1", "out_o2")] == [0.015912196, 0.984065734]


@pytest.mark.parametrize(("biases", "error"), [("trained", "2.4476e-06"), ("wrong_sign", "0.9797")])
def test_ten_thousand_steps_with_biases(biases, error):
    net = WorkedExample(biases=biases)
    for _ in range(10_000):
        net.train_step()
    assert (f"{net.error():.4e}" if biases == "trained" else f"{net.error():.4f}") == error


def test_frozen_biases_stay_and_are_no_parameters():
    net = WorkedExample()
    net.train_step()
    assert {name: net.values[name] for name in BIASES} == BIASES
    assert list(net.parameters()) == list(net.gradients()) == [f"w{i}" for i in range(1, 9)]


@pytest.mark.parametrize("order", ["joint", "in_place"])
@pytest.mark.parametrize("biases", ["frozen", "trained", "wrong_sign"])
def test_gradients_are_exact_whatever_the_options(assert_gradients, order, biases):
    rng = np.random.default_rng(1)
    net = WorkedExample(order=order, biases=biases)
    net.set_parameters({name: rng.normal() for name in net.parameters()})
    assert_gradients(net, rng.normal(size=2), rng.normal(size=2))


def test_update_rule_differs_from_the_gradient_only_where_the_source_does():
    def differing(net):
        gradient, rule = net.gradients(), net.update_rule()
        return [name for name in gradient if gradient[name] != rule[name]]

    assert differing(WorkedExample(biases="trained")) == []
    assert differing(WorkedExample(order="in_place")) == ["w1", "w2", "w3", "w4"]
    assert differing(WorkedExample(biases="wrong_sign")) == list(BIASES)
    wrong = WorkedExample(biases="wrong_sign")
    assert wrong.update_rule()["b_o1"] == -wrong.gradients()["b_o1"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WorkedExample(order="in place"), "order is 'in place', expected one of 'joint'"),
        (lambda: WorkedExample(biases="none"), "biases is 'none'"),
        (lambda: WorkedExample(rate=0), "rate is 0, expected a finite number greater than 0"),
        (lambda: WorkedExample(rate=math.nan), "rate is nan"),
        (lambda: WorkedExample().forward([1, 2, 3]), r"inputs has shape \(3,\), expected \(2,\)"),
        (lambda: WorkedExample().set_parameters({"w1": 1.0}), "w2 is missing"),
        (lambda: total_error([1, 2], [1]), r"expected has shape \(2,\), expected \(1,\)"),
    ],
)
def test_errors_say_what_was_given_and_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()
