"""Shall I play football in the park? One neuron decides, then one learns to decide from a diary.

python examples/football.py --sunny --players 4
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinygrad_edu import (
    Adam,
    Dense,
    DrawingError,
    Sequential,
    Sigmoid,
    Value,
    binary_cross_entropy,
    no_grad,
)
from tinygrad_edu.by_hand import ThresholdNeuron
from tinygrad_edu.datasets import Diary, football_diary, read_diary
from tinygrad_edu.support import aligned, program

SHOWN = (0, 1, 3, 10, 30, 100, 300, 1000, 3000)
SCALE = np.array([1.0, 0.1])  # inputs of one size make for weights of one size


def show_threshold_neuron() -> None:
    """Print the decisions of a neuron whose weights somebody has chosen."""
    neuron = ThresholdNeuron(weights=(1, 3), threshold=2)
    print("A neuron with weights 1 for sun and 3 for friends plays if their sum exceeds 2:\n")
    days = np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
    rows = np.column_stack([days, neuron.fires(days)]).astype(str).tolist()
    for line in aligned([["sunny", "friends", "plays"], *rows]):
        print(f"  {line}")
    print("\nIt plays if, and only if, friends do: for this neuron the sun never matters.\n")


def learn(days: Diary, held_out: Diary, weights: Value, bias: Value, steps: int) -> None:
    """Find the weights under which the diary is least surprising; print them on the way."""
    optimizer = Adam([weights, bias], lr=0.1)
    print("   step    loss   sunny  players/10    bias   right on held-out days")
    for step in range(steps + 1):
        loss = binary_cross_entropy((days.x * SCALE) @ weights + bias, days.y)
        if step in SHOWN or step == steps:
            with no_grad():
                right = np.mean((((held_out.x * SCALE) @ weights + bias) > 0) == held_out.y)
            sun, players = weights.data
            numbers = f"{loss.data:6.4f}  {sun:6.2f}  {players:10.2f}  {bias.data:6.2f}"
            print(f"  {step:5}  {numbers}   {right:.1%}")
        if step < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def decide(inputs: np.ndarray, weights: Value, bias: Value, out: Path, when: str) -> float:
    """Return the chance to play on one day; draw the neuron, and the graph of its computation."""
    names = ["sunny", "players/10"]
    model = Sequential(Dense(2, 1), Sigmoid())
    model[0].load_state_dict({"weight": weights.data[:, None], "bias": [bias.data]})
    x = [Value(number, name=name) for number, name in zip(inputs.tolist(), names, strict=True)]
    w = [Value(weight, name=f"neuron.w{i}") for i, weight in enumerate(weights.data.tolist(), 1)]
    z = w[0] * x[0] + w[1] * x[1] + Value(bias.data, name="neuron.b")
    chance = z.sigmoid()
    z.name, chance.name = "z", "chance to play"
    chance.backward()
    try:
        neuron, graph = out / f"football_neuron_{when}.svg", out / f"football_graph_{when}.svg"
        model.draw(neuron, input=inputs, input_names=names, labels=["play"])
        chance.draw(graph)
        print(f"\ntomorrow's decision {when} learning, drawn: {neuron} and {graph}\n")
    except DrawingError as error:
        print(f"\nno pictures: {error}\n")
    return chance.item()


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--sunny", action="store_true", help="will tomorrow be sunny?")
    add("--players", type=int, default=4, help="how many others will come (4)")
    add("--diary", help="your own diary, a CSV file: date,weather,players,played")
    add("--steps", type=int, default=1000, help="steps of learning (1000)")
    add("--seed", type=int, default=0, help="for the made-up diary and the split")
    add("--out", type=Path, default=Path("out"), help="folder for pictures (out)")
    add("--quick", action="store_true", help="take 100 steps")
    options = parser.parse_args(arguments)
    if options.players < 0 or options.steps < 1:
        parser.error("--players must be 0 or more, --steps 1 or more")
    options.out.mkdir(parents=True, exist_ok=True)
    diary = read_diary(options.diary) if options.diary else football_diary(rng=options.seed)
    days, held_out = diary.split(rng=options.seed)

    show_threshold_neuron()
    print(f"Now the other way round: learn from {len(days)} days of a diary, keep {len(held_out)}.")
    print("The neuron gives the chance to play, σ(w₁·sunny + w₂·players/10 + b).")
    weights, bias = Value([0.0, 0.0], name="weights"), Value(0.0, name="bias")
    tomorrow = np.array([options.sunny, options.players]) * SCALE
    decide(tomorrow, weights, bias, options.out, "before")
    learn(days, held_out, weights, bias, 100 if options.quick else options.steps)
    chance = decide(tomorrow, weights, bias, options.out, "after")

    sun, players = weights.data / abs(bias.data) * 2
    print(f"Brought to a threshold of 2, it found sun : players/10 = {sun:.2f} : {players:.2f}.")
    weather = "sunny" if options.sunny else "not sunny"
    print(f"Tomorrow: {weather}, {options.players} other players: chance to play {chance:.1%}.")
    print("Decision: play!" if chance > 0.5 else "Decision: stay at home.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
