"""Whatever comes and goes during a count, the number is the length that the listing had at one moment of it.

A listing of which more than a hundred items come and go within the few requests of a count may be refused.
"""

import asyncio

from fakes.in_process import InProcess
from hypothesis import given, strategies as st

from aiotofupilot import DriftError
from aiotofupilot.sandbox import BusyLine, Sandbox, make_procedures

SUPPLY = make_procedures(3000, seed=1)


class Watching(InProcess):
    """Remembers how long the listing was at each answer."""

    def __init__(self, service, **options):
        super().__init__(service, **options)
        self.lengths = set()

    async def _respond(self, target):
        self.lengths.add(len(self.service.procedures))
        answer = await super()._respond(target)
        self.lengths.add(len(self.service.procedures))
        return answer


@given(
    total=st.integers(0, 2000),
    limit=st.integers(1, 100),
    concurrency=st.integers(1, 5),
    rates=st.tuples(st.floats(0, 3), st.floats(0, 3)),
    seed=st.integers(0, 1000),
)
def test_a_count_is_a_length_that_the_listing_had_meanwhile(total, limit, concurrency, rates, seed):
    service = Sandbox(SUPPLY[:total])
    service.before_response.append(BusyLine(inserts=rates[0], removals=rates[1], anywhere=True, seed=seed))
    connection = Watching(service)
    try:
        counted = asyncio.run(connection.procedures.list(limit=limit, concurrency=concurrency).count())
    except DriftError:
        ids = {procedure.id for procedure in service.procedures}
        assert len(ids ^ {procedure.id for procedure in SUPPLY[:total]}) > 100
    else:
        assert counted in connection.lengths


@given(total=st.integers(0, 3000), limit=st.integers(1, 100), concurrency=st.integers(1, 5))
def test_a_count_is_the_number_of_the_items_that_a_walk_yields(total, limit, concurrency):
    make = InProcess(Sandbox(SUPPLY[:total])).procedures.list
    assert asyncio.run(make(limit=limit, concurrency=concurrency).count()) == total
