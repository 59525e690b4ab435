"""The state machine of an outage, whatever fails, comes and goes in whatever order."""

import asyncio
import math

from fakes.restart import REFUSALS
from fakes.transport import wanted
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aiotofupilot import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    DecodeError,
    InvalidJSONError,
    ProxyError,
    RateLimitedError,
    RedirectError,
    RequestTimeoutError,
    ServerError,
    SessionError,
)
from aiotofupilot._http.outage import Health, evidence

ABOUT_SERVER = [
    ServerError("m", status=502),
    ServerError("m", status=503),
    RateLimitedError("m", status=429),
    ConnectionFailedError("m"),
]
ABOUT_PAGE = [ServerError("m", status=500), RequestTimeoutError("m", timeout=1.0)]


class Page:
    """A page that someone wants."""

    def __init__(self, until):
        self.until = until
        self.made = 0

    @property
    def is_exhausted(self):
        return self.made >= 5


class Session(RuleBasedStateMachine):
    """Sends what the state machine allows, and checks each permission."""

    def __init__(self):
        super().__init__()
        self.health = Health()
        self.now = 0.0
        self.waiting = []
        self.in_flight = {}
        self.probe = None
        self.in_a_row = self.failures = self.began_with = 0

    def send(self, page):
        page.made += 1
        self.in_flight[page] = self.health.sent()

    def ask(self, page, *, is_new=False):
        outage, paused_until = self.health.outage, self.health.paused_until
        is_old_news = outage is not None and self.now > outage.failed_at + 1.0
        if self.health.wait(page, self.now, is_new=is_new) != 0.0:
            return False
        if outage is not None:
            self.health.probing = page
            assert self.probe is None, "there are two probes"
            assert self.now < page.until
            assert self.now >= paused_until
            assert self.now >= outage.next_probe_at or (is_new and is_old_news)
            self.probe = page
        return True

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(patience=st.sampled_from([0.5, 3.0, 120.0, 1e9]))
    def a_page_comes(self, patience):
        page = Page(self.now + patience)
        self.health.waiting[page] = asyncio.Event()
        if self.ask(page, is_new=True):
            del self.health.waiting[page]
            self.send(page)
        else:
            self.waiting.append(page)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def a_page_wakes(self, data):
        page = data.draw(st.sampled_from(self.waiting))
        wait = self.health.wait(page, self.now)
        if self.ask(page):
            self.waiting.remove(page)
            del self.health.waiting[page]
            self.send(page)
        elif wait is None:  # it gives up
            assert self.now >= page.until or self.health.outage.next_probe_at >= page.until
            self.waiting.remove(page)
            del self.health.waiting[page]
        else:
            assert wait > 0

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def a_page_is_not_wanted_any_more(self, data):
        page = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(page)
        del self.health.waiting[page]

    def release(self, page):
        if self.probe is page:
            self.probe = self.health.probing = None

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def a_request_succeeds(self, data):
        page = data.draw(st.sampled_from(list(self.in_flight)))
        sent = self.in_flight.pop(page)
        before, since = self.health.outage, self.health.failing_since
        if before is not None and sent.failures < self.began_with:
            assert not self.health.succeeded(sent), "a response to a request from before the outage ended it"
            assert (self.health.outage, self.health.failing_since) == (before, since)
            self.release(page)
            return
        self.in_a_row = 0
        assert self.health.succeeded(sent)
        self.release(page)
        assert self.health.outage is self.health.failing_since is None
        assert all(self.health.wait(waiting, self.now) == 0.0 for waiting in self.waiting)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), chance=st.floats(0, 1), error=st.sampled_from([*ABOUT_SERVER, *ABOUT_PAGE]))
    def a_request_fails(self, data, chance, error):
        page = data.draw(st.sampled_from(list(self.in_flight)))
        sent, before = self.in_flight.pop(page), self.health.outage
        goods = self.health.good
        assert sent.failures <= self.failures
        self.failures += 1
        if evidence(error) == "server":
            self.began_with = self.began_with if self.in_a_row else self.failures
            self.in_a_row += 1

        def wait(elapsed):
            assert elapsed >= 0
            return chance * min(30.0, max(0.5, elapsed))

        self.health.failed(error, sent, self.now, in_flight=len(self.in_flight), attempts=6, wait=wait)
        self.release(page)
        outage = self.health.outage
        if before is None and evidence(error) == "server" and self.health.is_reached:
            is_single = sent.good < goods and self.in_a_row == 1
            is_more = self.in_a_row > len(self.in_flight) or self.in_a_row >= 5
            begins = isinstance(error, RateLimitedError) or (is_more and not is_single)
            assert (outage is not None) == begins
        if before is None and outage is not None:
            assert evidence(error) == "server"
            assert self.now <= outage.next_probe_at <= max(self.now + 30.0, self.health.paused_until)
        if self.health.is_unreachable:
            assert not self.health.is_reached
            self.in_a_row = 0
        elif before is not None:
            assert outage is before
        if outage is not None and evidence(error) == "server":
            assert outage.failure is not error
            assert type(outage.failure) is type(error)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def a_request_is_cancelled(self, data):
        """Which says nothing."""
        page = data.draw(st.sampled_from(list(self.in_flight)))
        del self.in_flight[page]
        self.release(page)

    @rule(seconds=st.floats(0, 60))
    def the_server_asks_for_a_pause(self, seconds):
        self.health.pause(self.now + seconds)

    @invariant()
    def somebody_probes_in_the_end(self):
        """If anyone waits who has time, a probe is under way, or the next page may probe when it is due."""
        outage, first = self.health.outage, self.health.next
        assert (first is None) == (not self.waiting)
        if outage is None or first is None or self.probe is not None:
            return
        due = max(self.now, outage.next_probe_at)
        if due < first.until:
            assert self.health.wait(first, self.now) == max(0.0, outage.next_probe_at - self.now)
            assert due < math.inf
        for page in self.waiting:
            assert (due < page.until) == (self.health.wait(page, self.now) is not None)

    @invariant()
    def a_page_that_was_asked_for_too_often_lets_others_probe(self):
        if any(not page.is_exhausted for page in self.waiting):
            assert not self.health.next.is_exhausted


def test_the_latest_request_with_a_good_response_is_known_in_whatever_order_responses_come():
    health = Health()
    early = health.sent()
    health.failed(RequestTimeoutError("slow", timeout=1.0), early, 0.0, in_flight=2, attempts=6, wait=lambda _: 1.0)
    health.succeeded(health.sent())
    health.succeeded(early)
    assert health.good_after == 1


def test_a_page_whose_time_is_up_while_another_probes_gives_up():
    health = Health()
    page, probing = (wanted(until=until) for until in (5.0, 90.0))
    health.failed(REFUSALS["502"](), health.sent(), 0.0, in_flight=0, attempts=6, wait=lambda _: 1.0)
    health.waiting[page], health.probing = asyncio.Event(), probing
    assert [health.wait(page, now) for now in (4.0, 5.0, 6.0)] == [1.0, None, None]


def test_what_the_end_of_a_request_says_about_the_server():
    for error, about in [
        (None, "good"),
        (APIError("m", status=404), "good"),
        (DecodeError("m"), "good"),
        (ServerError("m", status=530), "server"),
        (ServerError("m", status=507), "page"),
        (RedirectError("m", location="/"), "page"),
        (InvalidJSONError("m"), "page"),
        (CertificateError("m"), None),
        (ProxyError("m", status=407), None),
        (SessionError("m"), None),
        (asyncio.CancelledError(), None),
    ]:
        assert evidence(error) == about


TestSession = Session.TestCase
TestSession.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=40)
