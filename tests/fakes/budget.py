"""How much the tests do: little in every run, and all of it in `.ci/run nightly`."""

from hypothesis import settings

NIGHTLY = settings.get_current_profile_name() == "nightly"

KILLS = 12 if NIGHTLY else 2
"""How often a test kills what it kills again and again. Each time takes a second or more."""
