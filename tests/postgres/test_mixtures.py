"""Walks that a seed draws: the listing, the plan, the pages, what is written meanwhile, and where they are resumed."""

from random import Random

import pytest
from fakes.budget import NIGHTLY
from postgres import data
from postgres.plans import PLANS
from postgres.walking import check, walk_and_resume
from postgres.writers import Writer

LISTINGS = [
    (data.runs, "runs"),
    (data.eights, "measurements"),
    (data.dozens, "measurements"),
    (data.hundreds, "measurements"),
]


def check_requests(server):
    assert len(server.log) < 1_000, "the walk stands still"


@pytest.mark.parametrize("seed", range(30 if NIGHTLY else 3))
async def test_a_mixture(seed, moving):
    random = Random(seed)  # noqa: S311 - what a test does
    fill, listing = random.choice(LISTINGS)
    server = moving(fill, random.choice([*PLANS.values()]), seed)
    options = {"limit": random.randint(20, 100), "concurrency": random.choice([1, 2, 4, 16, 64])}
    server.before_response.append(check_requests)
    writes = {"created": random.randint(0, 10), "removed": random.randint(0, 20)}
    writer = Writer(server, listing, "started_at", seed=seed, **writes)
    pieces = [random.randint(1, 200) for _ in range(random.randint(0, 5))]
    check(await walk_and_resume(server, listing, pieces, **options), writer.stayed)
