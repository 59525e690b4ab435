"""A session without sockets is a session like any other, and its time passes without waiting."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from fakes import faults

from aiotofupilot import RetryPolicy, TofuPilotSession, errors
from aiotofupilot.models import Batch, Deployment, Part, Procedure, Unit
from aiotofupilot.sandbox import Delivery, Sandbox
from aiotofupilot.sandbox.storage import contents
from aiotofupilot.testing import FakeClock, make, make_run, session_in_process, session_on


@pytest.fixture
def sandbox():
    return Sandbox(procedures=30, runs=40)


@pytest.fixture
def clock():
    return FakeClock()


async def error_of(session):
    """Return the error of the first page."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever it is
        await session.with_options(retry=None).procedures.list()
    return caught.value


class TestSession:
    async def test_it_lists_what_the_sandbox_has(self, sandbox):
        async with session_in_process(sandbox) as session:
            assert isinstance(session, TofuPilotSession)
            assert await session.procedures.list(limit=7).collect() == sandbox.procedures
            assert await session.runs.list(limit=7, concurrency=4).collect() == sandbox.runs
            assert (await session.runs.get(sandbox.runs[3].id)).id == sandbox.runs[3].id
        assert {request.status for request in sandbox.requests} == {200}
        assert not asyncio.all_tasks() - {asyncio.current_task()}

    async def test_it_has_the_options_of_a_session(self, sandbox):
        sandbox.faults.always(faults.latency(1.0))
        async with session_in_process(sandbox, concurrency=4, retry=None) as session:
            assert await session.procedures.list(limit=3).collect() == sandbox.procedures
        assert sandbox.requests.peak_in_flight == 4
        async with session_in_process(sandbox, api_key="another") as session:
            assert isinstance(await error_of(session), errors.UnauthorizedError)
        with pytest.raises(ValueError, match="concurrency"):
            session_in_process(sandbox, concurrency=0)
        with pytest.raises(TypeError, match="proxy"):
            session_in_process(sandbox, proxy="http://proxy.invalid:1")

    async def test_it_is_closed_like_any_session(self, sandbox, clock):
        sandbox.faults.always(faults.stall(3600))
        session = session_in_process(sandbox, FakeClock(autojump=False))
        waiting = asyncio.ensure_future(session.procedures.list().first())
        await asyncio.sleep(0)
        await session.close()
        with pytest.raises(errors.SessionError):
            await waiting
        with pytest.raises(errors.SessionError):
            await session.procedures.list()
        assert sandbox.requests.in_flight == 0

    @pytest.mark.parametrize("concurrency", [1, 16])
    @pytest.mark.parametrize(
        "fault", [faults.status(503), faults.hang_up(), faults.status(429, retry_after=0)], ids=repr
    )
    async def test_an_outage_ends_although_a_policy_waits_for_nothing(self, sandbox, clock, fault, concurrency):
        """As over sockets, where each attempt takes some time."""
        async with (
            asyncio.timeout(30),
            session_in_process(sandbox, clock, retry=RetryPolicy(initial_wait=0), concurrency=concurrency) as session,
        ):
            await session.procedures.list()  # otherwise a lost connection may mean that the address is wrong
            sandbox.faults.always(fault)
            with pytest.raises(errors.TofuPilotError) as caught:
                await session.procedures.list(limit=2).collect()
        assert clock.monotonic() == pytest.approx(120, abs=1)
        assert caught.value.elapsed == pytest.approx(120, abs=1)
        assert len(sandbox.requests) < 3000

    @pytest.mark.parametrize(
        ("fault", "kind", "text"),
        [
            (faults.status(500), errors.ServerError, "500"),
            (faults.hang_up(), errors.ConnectionFailedError, "the server disconnected"),
            (faults.reset(), errors.ConnectionFailedError, "Connection reset by peer"),
            (faults.reset(after="half"), errors.ConnectionFailedError, "the body was cut short"),
            (faults.cut(), errors.ConnectionFailedError, "the body was cut short"),
            (faults.oversized(), errors.ResponseTooLargeError, "larger than"),
            (faults.redirect("/elsewhere"), errors.NotFoundError, "404"),
        ],
        ids=repr,
    )
    async def test_a_fault_is_what_it_is_over_a_socket(self, sandbox, fault, kind, text):
        sandbox.faults.next(fault)
        async with session_in_process(sandbox, max_body=100_000) as session:
            here = await error_of(session)
        sandbox.faults.next(fault)
        async with sandbox, session_on(sandbox) as session:
            there = await error_of(session.with_options(max_body=100_000))
        assert type(here) is type(there) is kind
        assert text in str(here)

    async def test_a_response_that_is_whole_may_end_the_connection(self, sandbox):
        last = faults.Fault("last", lambda delivery, _request, _random: Delivery((*delivery.steps, "close")))
        sandbox.faults.next(last, faults.chunked(), faults.latency(2.0) + last)
        async with session_in_process(sandbox) as session:
            assert await session.procedures.list(limit=10, on_drift="ignore").collect() == sandbox.procedures
        assert len(sandbox.requests) == 3

    async def test_attachments_are_downloaded(self, sandbox, clock, tmp_path):
        async with session_in_process(sandbox, clock) as session:
            details = session.runs.list(max_items=20).details()
            attachments = [one async for run in details for one in run.attachments if one.download_url]
            broken = [
                faults.stall(2.0, inside_body=True),
                faults.reset(after="half"),
                faults.status(403),
                faults.hang_up(),
            ]
            sandbox.faults.on(lambda request: request.path.startswith("/storage/")).next(
                *broken, faults.status(503), faults.reset(after="half")
            )
            paths = [await session.download(one, tmp_path) for one in attachments]
        assert len(attachments) > 3
        for path, attachment in zip(paths, attachments, strict=True):
            assert path.read_bytes() == contents(attachment.id)
        assert 206 in [request.status for request in sandbox.requests if request.range]  # one was gone on with

    async def test_addresses_of_attachments_expire_by_the_clock(self, sandbox, clock, tmp_path):
        async with session_in_process(sandbox, clock) as session:
            runs = session.runs.list().details()
            attachment = next(
                iter([attachment async for run in runs for attachment in run.attachments if attachment.download_url])
            )
            await clock.advance(3600)
            assert (await session.download(attachment, tmp_path)).read_bytes() == contents(attachment.id)
        assert [request.status for request in sandbox.requests][-3:] == [403, 200, 200]

    async def test_an_error_of_a_hook_is_raised(self, sandbox):
        def fail(_factory, _request):
            raise ZeroDivisionError

        sandbox.before_response.append(fail)
        async with session_in_process(sandbox) as session:
            with pytest.raises(ZeroDivisionError):
                await session.procedures.list().first()

    async def test_the_server_has_its_time(self, sandbox, clock):
        """So what is new is told from what is not by one clock."""
        async with session_in_process(sandbox, clock) as session:
            page = await session.procedures.list()
            assert page.headers["date"] == "Fri, 01 Jan 2027 00:00:00 GMT"
            sandbox.faults.next(faults.status(500, headers={"Date": "Sat, 02 Jan 2027 00:00:00 GMT"}))
            walk = session.runs.list().since()
            seen = await walk.take(1000)
            sandbox.produce(3)
            assert len(await session.runs.list().since(walk.watermark).take(1000)) == 3
        assert seen


class TestFollower:
    """A test of a follower inserts built items. They are newer than those that the sandbox makes up."""

    @pytest.mark.parametrize(
        "options", [{}, {"procedures": 3, "runs": 10_000}, {"procedures": [make(Procedure)]}, {"runs": [make_run()]}]
    )
    async def test_runs_that_are_inserted_are_yielded(self, options):
        sandbox, clock, seen = Sandbox(**options), FakeClock(autojump=False), []

        async def follow(session):
            async for run in session.runs.list(outcomes=["FAIL"]).follow(interval=60):
                seen.append(run)

        async with asyncio.timeout(30), session_in_process(sandbox, clock) as session:
            following = asyncio.create_task(follow(session))
            await clock.advance(1)
            inserted = []
            for number in range(3):
                inserted.append(make_run("FAIL", unit=make(Unit, serial_number=f"SN-{number}")))
                sandbox.runs.insert(0, inserted[-1])
                await clock.advance(70)
            assert seen == inserted
            following.cancel()

    @pytest.mark.parametrize(
        ("name", "build"),
        [
            ("procedures", partial(make, Procedure)),
            ("units", partial(make, Unit)),
            ("batches", partial(make, Batch)),
            ("deployments", partial(make, Deployment)),
            ("parts", partial(make, Part)),
        ],
    )
    async def test_other_items_that_are_inserted_are_yielded(self, name, build):
        sandbox = Sandbox()
        async with session_in_process(sandbox) as session:
            walk = getattr(session, name).list().since()
            assert [item async for item in walk]
            item = build()
            sandbox.rows(name).insert(0, item)
            assert [new async for new in getattr(session, name).list().since(walk.watermark)] == [item]


class TestClock:
    async def test_waits_end_in_their_order(self, clock):
        ended = []

        async def wait(seconds):
            await clock.sleep(seconds)
            ended.append((seconds, clock.monotonic()))

        await asyncio.gather(*map(wait, (5.0, 0.0, 3.0, 3.0)))
        assert ended == [(0.0, 0.0), (3.0, 3.0), (3.0, 3.0), (5.0, 5.0)]
        assert clock.now() == datetime(2027, 1, 1, 0, 0, 5, tzinfo=UTC)
        assert repr(clock) == "<FakeClock at 2027-01-01T00:00:05+00:00>"

    async def test_a_context_ends_when_its_time_is_up(self, clock):
        for seconds, passed in ((7.0, 7.0), (0.0, 7.0), (-1.0, 7.0)):
            with pytest.raises(TimeoutError):
                async with clock.timeout(seconds):
                    await asyncio.Event().wait()
            assert clock.monotonic() == passed
        async with clock.timeout(None), clock.timeout(100.0):
            await clock.sleep(99.0)
        assert clock.monotonic() == 106.0

    async def test_what_was_left_is_not_waited_for(self, clock):
        async with clock.timeout(50.0):
            pass
        cancelled = asyncio.ensure_future(clock.sleep(40.0))
        await asyncio.sleep(0)
        cancelled.cancel()
        await clock.sleep(1000.0)
        assert clock.monotonic() == 1000.0
        await clock.wait(asyncio.Event(), 3.0)
        assert clock.monotonic() == 1003.0

    async def test_it_stands_still_until_it_is_let_go(self):
        clock, ended = FakeClock(autojump=False), []

        async def wait():
            for seconds in (1.0, 2.0, 4.0):
                await clock.sleep(seconds)
                ended.append(clock.monotonic())

        waiting = asyncio.create_task(wait())
        for _ in range(100):
            await asyncio.sleep(0)
        assert clock.monotonic() == 0.0
        await clock.advance(0.5)
        assert (clock.monotonic(), ended) == (0.5, [])
        await clock.advance(5.5)
        assert (clock.monotonic(), ended) == (6.0, [1.0, 3.0])
        await clock.advance(100.0)
        assert (clock.monotonic(), ended) == (106.0, [1.0, 3.0, 7.0])
        await waiting

    async def test_what_a_wait_leads_to_has_happened_when_the_time_has_passed(self, sandbox):
        clock = FakeClock(autojump=False)
        sandbox.faults.always(faults.latency(1.0))
        async with session_in_process(sandbox, clock) as session:
            listing = asyncio.create_task(session.procedures.list(limit=10).collect())
            await clock.advance(1.9)
            assert len(sandbox.requests) == 2
            await clock.advance(10.0)
            assert listing.done()

    def test_its_chance_is_that_of_its_seed(self):
        def drawn(seed):
            clock = FakeClock(seed=seed)
            return [clock.uniform(1.0, 2.0) for _ in range(20)]

        assert drawn(1) == drawn(1) != drawn(2)
        assert all(1.0 <= number <= 2.0 for number in drawn(1))

    @pytest.mark.parametrize(
        ("options", "error"), [({"autojump": 1}, TypeError), ({"seed": "x"}, TypeError), ({"start": "now"}, TypeError)]
    )
    def test_its_options_are_checked(self, options, error):
        with pytest.raises(error):
            FakeClock(**options)

    async def test_its_beginning_is_an_option(self):
        clock = FakeClock(start=datetime(2030, 1, 1, tzinfo=UTC))
        await clock.advance(60)
        assert clock.now() == datetime(2030, 1, 1, tzinfo=UTC) + timedelta(minutes=1)
        with pytest.raises(ValueError, match="start"):
            FakeClock(start=datetime(2030, 1, 1))  # noqa: DTZ001 - that is the point
        with pytest.raises(ValueError, match="seconds"):
            await clock.advance(-1)
