"""The tables that the tests are about: functions that fill them."""

from datetime import timedelta
from functools import partial

from postgres.tables import NEWEST, add_import, add_measurements, add_procedures, add_runs, sizes

runs = partial(add_runs, count=2_500)
"""Of which a fifth start four at a time."""
few_runs = partial(add_runs, count=200)
more_runs = partial(add_runs, count=5_000)
"""Fewer and more of them."""
apart = partial(add_runs, count=5_000, tied=False)
many_apart = partial(add_runs, count=10_000, tied=False)
"""Runs of which each has its own time."""
procedures = partial(add_procedures, count=1_400)
"""Of which twice 300 were created in one transaction."""
more_procedures = partial(add_procedures, count=5_000, tied=False)
"""Of which each has its own time."""
eights = partial(add_measurements, sizes=[8] * 320)
"""Measurements of which eight have one time."""
dozens = partial(add_measurements, sizes=sizes(20, 51, 2_500))
"""Measurements of which 20 to 51 have one time."""
hundreds = partial(add_measurements, sizes=sizes(1, 200, 2_500))
"""Measurements of which up to 200 have one time, so some of these groups are longer than a page."""
many_eights = partial(add_measurements, sizes=[8] * 625)
many_dozens = partial(add_measurements, sizes=sizes(20, 51, 5_000))
"""More of them."""
few_eights = partial(add_measurements, sizes=[8] * 120)
few_dozens = partial(add_measurements, sizes=sizes(20, 51, 1_000))
few_hundreds = partial(add_measurements, sizes=sizes(1, 200, 1_500))
"""The same, for a mirror."""
undated = partial(add_measurements, sizes=[8] * 200, null_every=40)
"""Measurements of which 40 have no time."""
many_undated = partial(add_measurements, sizes=[8] * 150, null_every=9)
"""Measurements of which more than a page have no time."""
few_undated = partial(add_measurements, sizes=[8] * 60, null_every=1)
long_undated = partial(add_measurements, sizes=[300] * 2, null_every=1)
"""Measurements without a time, of which 8 belong to a run, or 300."""


def imported(connection):
    """Fill with 40 runs, and then an import of 500."""
    add_runs(connection, 40)
    add_import(connection, 500, at=NEWEST + timedelta(minutes=10))


def started_at_once(connection):
    """Fill with 20 runs, an import of 500 that started at one time, and 20 runs before them."""
    add_runs(connection, 20)
    add_import(connection, 500, at=NEWEST - timedelta(hours=1), starts_at_once=True)
    add_runs(connection, 20, newest=NEWEST - timedelta(hours=5))
