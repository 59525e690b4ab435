"""Every fault that the sandbox can script: a walk completes exactly, or raises a typed error that it resumes from.

- With faults in up to half of all requests, a walk loses and doubles nothing, or raises an error that can be resumed
  from.
"""

from collections import Counter
from datetime import datetime

import pytest
from fakes import faults
from fakes.budget import NIGHTLY

from aiotofupilot import (
    BadRequestError,
    Checkpoint,
    ConnectionFailedError,
    DecodeError,
    ForbiddenError,
    InvalidJSONError,
    NotFoundError,
    RateLimitedError,
    RedirectError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    TofuPilotError,
    TofuPilotSession,
    UnauthorizedError,
)
from aiotofupilot.sandbox import Sandbox

ATTEMPTS = 6

LIMIT = 1024 * 1024
"""Bytes of a response here, a fraction of what they are for users: an item that is too large is asked for often."""

STALLS = [faults.stall(1000), faults.stall(1000, inside_body=True)]

HEALING = {
    faults.status(500): ServerError,
    faults.status(502): ServerError,
    faults.status(503, retry_after=7): ServerError,
    faults.status(504): ServerError,
    faults.status(408): ServerError,
    faults.status(429): RateLimitedError,
    faults.status(429, retry_after=9): RateLimitedError,
    faults.html(502): ServerError,
    faults.empty(504): ServerError,
    faults.html(): InvalidJSONError,
    faults.empty(): InvalidJSONError,
    faults.cut(announced=False): InvalidJSONError,
    faults.cut(): ConnectionFailedError,
    faults.gzip() + faults.cut(): ConnectionFailedError,
    faults.chunked() + faults.cut(): ConnectionFailedError,
    faults.reset(): ConnectionFailedError,
    faults.reset(after="headers"): ConnectionFailedError,
    faults.reset(after="half"): ConnectionFailedError,
    faults.hang_up(): ConnectionFailedError,
    **dict.fromkeys(STALLS, RequestTimeoutError),
}
"""Faults that another attempt may not meet, and the error if each of them does."""


TOO_LARGE = [faults.gzip_bomb(2 * LIMIT), faults.oversized(2 * LIMIT)]

FINAL = {
    faults.status(400): BadRequestError,
    faults.status(401): UnauthorizedError,
    faults.status(403): ForbiddenError,
    faults.status(404): NotFoundError,
    faults.status(429, retry_after=3600): RateLimitedError,
    faults.json([]): DecodeError,
    faults.json({"data": [{"id": 7}], "meta": {"has_more": False}}): DecodeError,
    **dict.fromkeys(TOO_LARGE, ResponseTooLargeError),
    faults.redirect(): RedirectError,
    faults.redirect("https://tofu.example.com/"): RedirectError,
}
"""Faults that another attempt would meet, too."""

REFUSALS = [faults.status(503, retry_after=7), faults.status(429), faults.status(429, retry_after=9)]
"""Faults that are due to no item."""

ATTEMPTS_REFUSED = 5 + ATTEMPTS
"""The most requests for a page that alone meets a refusal. The first of them look like an outage."""

BAD_ITEMS = [faults.json({"data": [{"id": 7}], "meta": {"has_more": False}}), *TOO_LARGE]
"""Faults that another attempt would meet, and that may be due to one item."""

ALONE = 3
"""How often an item is requested alone that may be what the server cannot serve."""


PLACE = 41
"""The position before the item that meets a fault: the last one on its page, of those with 10 items."""


def each(faults):
    """Each fault with one page in flight, or with sixteen, in turn; with both in nightly."""
    ways = [(fault, concurrency) for fault in faults for concurrency in (1, 16)]
    return ways if NIGHTLY else [way for nth, way in enumerate(ways) if nth % 4 in (0, 3)]


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=100) as sandbox:
        yield sandbox


@pytest.fixture
async def session(sandbox, fault):
    timeout = 0.2 if fault in STALLS else 60
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, timeout=timeout, max_body=LIMIT) as session:
        yield session


async def take(walk):
    """The items of a walk up to its end or its error, and the error."""
    items = []
    try:
        async for item in walk:
            items.append(item)
    except TofuPilotError as error:
        return items, error
    return items, None


def is_of(request, items, position):
    """Whether a request is for the item at a position. A query may have only what was created before some time."""
    bound = request.query.get("created_before")
    begin = 0 if bound is None else sum(item.created_at > datetime.fromisoformat(bound) for item in items)
    return 0 <= position - begin - int(request.query.get("cursor", 0)) < int(request.query["limit"])


def assert_within_policy(requests, attempts=ATTEMPTS):
    """No page is asked for more often than the policy says, and an item alone at most twice more.

    An item that fails alone is met once in the search for it, and once after another page was answered.
    """
    asked = Counter((request.query["limit"], request.query.get("cursor")) for request in requests)
    of_items = [times for (limit, _), times in asked.items() if limit == "1"]
    assert max(times for (limit, _), times in asked.items() if limit != "1") <= attempts
    assert max(of_items, default=0) <= ATTEMPTS + 2


@pytest.mark.parametrize(("fault", "concurrency"), each([*HEALING, *FINAL]), ids=repr)
async def test_a_walk_resumes_from_what_does_not_heal(sandbox, session, fault, concurrency):
    """The error is typed, knows its attempts, and comes after every item before it; the checkpoint has the rest."""
    sandbox.faults.on(lambda request: is_of(request, sandbox.procedures, PLACE + 1)).always(fault)
    listing = session.procedures.list(limit=10, concurrency=concurrency)
    items, error = await take(listing.walk())
    assert type(error) is {**HEALING, **FINAL}[fault]
    is_searched_for = fault in BAD_ITEMS or (fault in HEALING and fault not in REFUSALS)
    if fault in REFUSALS:
        assert ATTEMPTS <= error.attempts <= ATTEMPTS_REFUSED
    else:
        assert error.attempts == (ALONE if is_searched_for else ATTEMPTS if fault in HEALING else 1)
    assert items == sandbox.procedures[: PLACE + 1]
    assert_within_policy(sandbox.requests, ATTEMPTS_REFUSED if fault in REFUSALS else ATTEMPTS)
    sandbox.faults.clear()
    resumed = session.procedures.list(limit=10, concurrency=concurrency, cursor=Checkpoint.parse(str(error.checkpoint)))
    assert items + await resumed.collect() == sandbox.procedures


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize(("rate", "seeds"), [(0.01, 5), (0.1, 3), (0.5, 2)] if NIGHTLY else [(0.1, 2), (0.5, 1)])
async def test_mixtures_end_well_or_in_an_error_that_is_resumed_from(sandbox, rate, seeds, concurrency):
    """No item is lost or doubled, and no page is asked for more often than the policy says."""
    for seed in range(seeds):
        sandbox.faults.clear()
        sandbox.faults.randomly(*HEALING, rate=rate, seed=seed)
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, timeout=0.2) as session:
            yielded, checkpoint, error = [], None, True
            for _ in range(50):
                sandbox.requests.clear()
                walk = session.procedures.list(
                    limit=5, concurrency=concurrency, cursor=checkpoint, on_drift="resync"
                ).walk()
                items, error = await take(walk)
                yielded += items
                if rate < 0.5:  # where half of all requests fail, the server is down now and then
                    assert_within_policy(sandbox.requests)
                if error is None:
                    break
                assert type(error) in HEALING.values()
                assert error.attempts >= 2
                checkpoint = error.checkpoint
            assert error is None
            assert yielded == sandbox.procedures
