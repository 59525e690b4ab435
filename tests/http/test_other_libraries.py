"""Libraries that replace aiohttp under a session, or work with it, do not get the key."""

import warnings

import vcr
from aiohttp_client_cache import CacheBackend, CachedSession

from aiotofupilot import TofuPilotSession


async def collect(sandbox, **options):
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, **options) as session:
        return await session.procedures.list().collect()


async def test_vcrpy_records_and_plays_without_the_key(tofupilot_sandbox, tmp_path):
    """A recording is played without a request, and holds no key."""
    cassette = tmp_path / "procedures.yaml"
    with vcr.use_cassette(cassette, record_mode="once"):
        recorded = await collect(tofupilot_sandbox)
    asked = len(tofupilot_sandbox.requests)
    with vcr.use_cassette(cassette, record_mode="none") as played:
        assert await collect(tofupilot_sandbox) == recorded == tofupilot_sandbox.procedures
    assert played.play_count == asked == len(tofupilot_sandbox.requests) == 3
    assert tofupilot_sandbox.api_key not in cassette.read_text(encoding="utf-8")


async def test_aiohttp_client_cache_keeps_responses_without_the_key(tofupilot_sandbox):
    """The second walk sends nothing, and no cached answer holds the key."""
    with warnings.catch_warnings():
        # CachedSession sets attributes of its own, which aiohttp discourages.
        warnings.filterwarnings("ignore", "Setting custom ClientSession", DeprecationWarning)
        cache = CacheBackend(expire_after=60)
        async with CachedSession(cache=cache) as http_session:
            first = await collect(tofupilot_sandbox, http_session=http_session)
            second = await collect(tofupilot_sandbox, http_session=http_session)
    assert first == second == tofupilot_sandbox.procedures
    assert len(tofupilot_sandbox.requests) == 3
    kept = [answer async for answer in cache.responses.values()]
    assert len(kept) == 3
    for answer in kept:
        assert tofupilot_sandbox.api_key not in repr(dict(answer.request_info.headers))
