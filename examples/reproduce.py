"""Every published number of the sources, measured again: reproduced, exceeded, or not, and why.

    python examples/reproduce.py              all of it, in hours; stop it and go on as you like
    python examples/reproduce.py --quick      150 small digits, one seed: in seconds, to see how it goes
    python examples/reproduce.py --list       what there is to run, and what is done

Each run is kept in a file of its own as soon as it is done. The full run on MNIST writes docs/results.md
and its figures; any other writes results.md into the folder where it keeps them.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from published import ladders
from published.page import Page
from published.results import Store
from published.runs import KINDS, Run, load, perform
from published.sources import CLAIMS

from tinygrad_edu.lab.sweep import side_by_side
from tinygrad_edu.support import program

DOCS = Path(__file__).parents[1] / "docs"


def plan(seeds: int) -> list[Run]:
    """Return all runs: first those of the claims, then the ladders; each with one seed, then the next."""
    claimed = list(dict.fromkeys(run for claim in CLAIMS for run in claim.runs))
    ladder = [run for run in dict.fromkeys(ladders.ALL) if run not in claimed]
    order = [run.with_seed(s) for part in (claimed, ladder) for s in range(seeds) for run in part]
    return list(dict.fromkeys(order))


def work(runs: Sequence[Run], store: Store, options: argparse.Namespace) -> int:
    """Do all runs, keep their results, tell of each and of the time that is left; return how many failed."""
    failed = 0
    begin, expected, done = time.monotonic(), sum(run.seconds() for run in runs), 0.0
    calls = [(run, options.data, options.images) for run in runs]
    with closing(side_by_side(perform, calls, options.jobs)) as ended:
        for left, (run, result, seconds) in zip(reversed(range(len(runs))), ended, strict=True):
            if isinstance(result, str):
                failed += 1
                print(f"reproduce.py: {run} failed: {result}", file=sys.stderr)
            else:
                store.save(run, result, seconds)  # here, for a worker may be stopped at any moment
            done += run.seconds()
            ahead = f"{left} left"
            if left and done > 0.02 * expected:  # before that, it would be a wild guess
                minutes = (time.monotonic() - begin) * (expected / done - 1) / 60
                ahead += f", about {minutes:.1f} min"
            print(f"{time.strftime('%H:%M')}  {run}: {seconds:.1f} s; {ahead}", flush=True)
    return failed


def show(runs: Sequence[Run], store: Store) -> None:
    """Print all runs: what is done in which time, and what is not."""
    for run in runs:
        kept = store.load(run)
        time_taken = "to do" if kept is None else f"{kept['seconds']:.1f} s"
        print(f"{time_taken:>9}  {run}")


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    kinds = {"nargs": "+", "choices": KINDS, "metavar": "KIND"}
    add("--data", choices=("mnist", "digits"), default="mnist")
    add("--images", type=int, help="learn from the first IMAGES only")
    add("--seeds", type=int, default=3, help="how often each run is done (3)")
    add("--jobs", type=int, default=os.cpu_count(), help="runs side by side (as many as cores)")
    add("--only", **kinds, help=f"these runs only, of {', '.join(KINDS)}")
    add("--again", **kinds, default=[], help="do these again, as after a change of their code")
    add("--out", type=Path, default=Path("out/reproduce"), help="where results are kept")
    add("--list", action="store_true", help="show what is done and what is not, and do nothing")
    add("--quick", action="store_true", help="150 small digits, one seed: not what was published")
    options = parser.parse_args(arguments)
    if options.quick:
        options.data, options.seeds, options.images = "digits", 1, options.images or 150
    if min(options.seeds, options.jobs, 1 if options.images is None else options.images) < 1:
        parser.error("--seeds, --jobs and --images must be 1 or more")
    try:
        data = load(options.data, options.images)
        store, runs = Store(options.out / "runs", data), plan(options.seeds)
        if options.list:
            show(runs, store)
            return 0
        print(f"data: {data.note}\n")
        wanted = [run for run in runs if run.kind in (options.only or KINDS)]
        to_do = [run for run in wanted if run.kind in options.again or store.load(run) is None]
        failed = work(to_do, store, options)
        page = Page(data, store, runs)
        path = page.write(DOCS if page.is_complete else options.out)
    except KeyboardInterrupt:
        print("\nstopped; what is done is kept, and the same command goes on from here")
        return 130
    print(f"\n{page.summary}\nall of them: {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
