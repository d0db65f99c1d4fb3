"""Settings for all tests: Hypothesis gives the same examples in every run, however slow the machine is."""

from hypothesis import settings

collect_ignore = ["benchmarks"]  # programs to be timed one by one, never by the way

settings.register_profile("same_everywhere", derandomize=True, deadline=None, database=None)
settings.load_profile("same_everywhere")
