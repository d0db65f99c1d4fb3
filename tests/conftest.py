"""Settings for all tests: Hypothesis gives the same examples in every run, however slow the machine is."""

import signal

from hypothesis import settings

collect_ignore = ["benchmarks"]  # programs to be timed one by one, never by the way

settings.register_profile("same_everywhere", derandomize=True, deadline=None, database=None)
settings.load_profile("same_everywhere")

# Who starts the tests in the background of a shell has them ignore Ctrl-C, and all programs that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
