"""The playground as a program of its own, for tests: started on any free port, ended by Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Playground:
    """A running playground; `url` is where."""

    def __init__(self, port=0, *more):
        environment = os.environ | {
            "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        program = str(ROOT / "examples" / "playground.py")
        self.process = subprocess.Popen(
            [sys.executable, program, "--no-browser", "--port", str(port), *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line + self.process.stderr.read()
        self.url, self.port = found[0], int(found[1])

    def end(self):
        """Press Ctrl-C; return the exit status, and what was printed since the beginning."""
        self.process.send_signal(signal.SIGINT)
        try:
            output, errors = self.process.communicate(timeout=30)
        finally:
            self.process.kill()
        return self.process.returncode, output, errors

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()
