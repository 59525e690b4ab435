"""How much the tests do: little in every run, and all of it in `.ci/run nightly`."""

from hypothesis import settings

NIGHTLY = settings.get_current_profile_name() == "nightly"

KILLS = 12 if NIGHTLY else 3
"""How often a process is killed by a test that kills it again and again, at most."""
