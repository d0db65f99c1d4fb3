"""Results: one small file for each run, written as soon as it is done.

Hours of training should survive Ctrl-C, a power cut and a second thought. So the result of a run is kept
under its own settings: what is there already is not done again, one may stop and go on at any time, and a
claim that is added later costs only the runs that nobody has done yet.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from published.runs import Run
from tinygrad_edu.datasets import Dataset
from tinygrad_edu.support import replacing


class Store:
    """A folder of results, one JSON file a run: "data", "run", "settings", "seed", "result", "seconds"."""

    def __init__(self, folder: Path, data: Dataset) -> None:
        self.folder = folder
        self.data = f"{data.name}, {len(data.y_train)} images"
        self._told: set[Path] = set()

    def path(self, run: Run) -> Path:
        """Return the file of a run."""
        folder = re.sub(r"\W+", "-", self._head(run)["data"])
        name = re.sub(r"[^\w.=-]+", "_", str(run))
        return self.folder / folder / f"{name}.json"

    def load(self, run: Run) -> dict[str, Any] | None:
        """Return what is kept of a run, or None. A file that makes no sense is told of and passed over."""
        path = self.path(run)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if {name: kept[name] for name in self._head(run)} != self._head(run):
                raise ValueError("it holds another run than its name says")
            if not (isinstance(kept["result"], dict) and isinstance(kept["seconds"], float)):
                raise ValueError("it holds no result")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            if path not in self._told:
                print(f"{path} is damaged and counts for nothing: {error!r}", file=sys.stderr)
            self._told.add(path)
            return None
        return kept

    def save(self, run: Run, result: dict[str, Any], seconds: float) -> None:
        """Keep a result: whole, or not at all."""
        path = self.path(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            kept = self._head(run) | {"result": result, "seconds": seconds}
            file.write((json.dumps(kept) + "\n").encode())

    def _head(self, run: Run) -> dict[str, Any]:
        """Return what a result depends on."""
        data = self.data if run.by_chance else "no data"
        return {"data": data, "run": run.kind, "settings": dict(run.settings), "seed": run.seed}
