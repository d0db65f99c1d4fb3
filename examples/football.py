"""Shall I play football in the park? One neuron decides, then one learns to decide from a diary.

python examples/football.py --sunny --players 4
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from tinygrad_edu import Adam, Value, binary_cross_entropy, no_grad, sigmoid
from tinygrad_edu.by_hand import ThresholdNeuron
from tinygrad_edu.datasets import Diary, football_diary, read_diary

SHOWN = (0, 1, 3, 10, 30, 100, 300, 1000, 3000)


def show_threshold_neuron() -> None:
    """Print the decisions of a neuron whose weights somebody has chosen."""
    neuron = ThresholdNeuron(weights=(1, 3), threshold=2)
    print(
        "A neuron with weights 1 for sun and 3 for friends plays if their sum is greater than 2:\n"
    )
    print("  sunny  friends  plays")
    days = np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
    for (sunny, friends), plays in zip(days, neuron.fires(days), strict=True):
        print(f"  {sunny:5}  {friends:7}  {plays:5}")
    print("\nIt plays if, and only if, friends do: for this neuron the sun never matters.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sunny", action="store_true", help="will tomorrow be sunny?")
    parser.add_argument(
        "--players", type=int, default=4, help="how many others will come (default 4)"
    )
    parser.add_argument("--diary", help="your own diary, a CSV file: date,weather,players,played")
    parser.add_argument("--steps", type=int, default=1000, help="steps of learning (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="for the made-up diary and the split")
    parser.add_argument("--quick", action="store_true", help="take 100 steps")
    options = parser.parse_args(arguments)
    if options.players < 0 or options.steps < 1:
        parser.error("--players must be 0 or more, --steps 1 or more")

    try:
        diary = read_diary(options.diary) if options.diary else football_diary(rng=options.seed)
        learned, held_out = diary.split(rng=options.seed)
    except (OSError, ValueError) as error:
        print(f"football.py: {error}", file=sys.stderr)
        return 1

    show_threshold_neuron()
    print(
        f"Now the other way round: learn from {len(learned)} days of a diary, keep {len(held_out)}."
    )
    print("The neuron gives the chance to play, σ(w₁·sunny + w₂·players/10 + b).\n")

    scale = np.array([1.0, 0.1])  # inputs of one size make for weights of one size
    weights, bias = Value([0.0, 0.0], name="weights"), Value(0.0, name="bias")
    optimizer = Adam([weights, bias], lr=0.1)

    def accuracy(days: Diary) -> float:
        with no_grad():
            return float(np.mean((((days.x * scale) @ weights + bias) > 0) == days.y))

    steps = 100 if options.quick else options.steps
    print("   step    loss   sunny  players/10    bias   right on held-out days")
    for step in range(steps + 1):
        loss = binary_cross_entropy((learned.x * scale) @ weights + bias, learned.y)
        if step in SHOWN or step == steps:
            sun, players = weights.data
            numbers = f"{loss.data:6.4f}  {sun:6.2f}  {players:10.2f}  {bias.data:6.2f}"
            print(f"  {step:5}  {numbers}   {accuracy(held_out):.1%}")
        if step == steps:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    sun, players = weights.data / abs(bias.data) * 2
    print(f"\nBrought to a threshold of 2, it found sun : players/10 = {sun:.2f} : {players:.2f}.")
    tomorrow = np.array([float(options.sunny), float(options.players)])
    chance = sigmoid((tomorrow * scale) @ weights + bias).data
    weather = "sunny" if options.sunny else "not sunny"
    print(f"Tomorrow: {weather}, {options.players} other players: chance to play {chance:.1%}.")
    print("Decision: play!" if chance > 0.5 else "Decision: stay at home.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
