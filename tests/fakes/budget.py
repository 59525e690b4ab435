"""How much the tests do: little in every run, and all of it in `.ci/run nightly`."""

from itertools import product

from hypothesis import settings

NIGHTLY = settings.get_current_profile_name() == "nightly"

KILLS = 12 if NIGHTLY else 2
"""How often a test kills what it kills again and again. Each time takes a second or more."""

MANY = 100 if NIGHTLY else 4
"""Of a property that few examples break, some times this number of examples are drawn."""

STEP = 1 if NIGHTLY else 7
"""From one item or one step of the event loop to the next, where all are meant."""


def combined(*parameters):
    """Return the combinations of parameters: all of them nightly, else every third, along the diagonals."""
    places = product(*(range(len(values)) for values in parameters))
    every = zip(product(*parameters), places, strict=True)
    return [combination for combination, place in every if NIGHTLY or sum(place) % 3 == 0]
