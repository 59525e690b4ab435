"""The tables that the tests are about: functions that fill them."""

from datetime import timedelta
from functools import partial

from postgres.tables import NEWEST, add_import, add_measurements, add_procedures, add_runs, sizes

runs = partial(add_runs, count=4_000)
"""Of which a fifth start four at a time."""
procedures = partial(add_procedures, count=2_020)
"""Of which twice 300 were created in one transaction."""
eights = partial(add_measurements, sizes=[8] * 500)
"""Measurements of which eight have one time."""
dozens = partial(add_measurements, sizes=sizes(20, 51, 4_000))
"""Measurements of which 20 to 51 have one time."""
hundreds = partial(add_measurements, sizes=sizes(1, 200, 4_000))
"""Measurements of which up to 200 have one time, so some of these groups are longer than a page."""
undated = partial(add_measurements, sizes=[8] * 300, null_every=60)
"""Measurements of which 40 have no time."""
many_undated = partial(add_measurements, sizes=[8] * 300, null_every=9)
"""Measurements of which more than a page have no time."""


def imported(connection):
    """Fill with 40 runs, and then an import of 500."""
    add_runs(connection, 40)
    add_import(connection, 500, at=NEWEST + timedelta(minutes=10))
