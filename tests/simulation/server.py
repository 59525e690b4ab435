"""The other side: what is listed and how it changes, and what a server makes of a request on a bad day."""

import asyncio
import math
from collections import Counter
from datetime import timedelta
from functools import lru_cache, partial
from uuid import UUID

from attrs import define, evolve
from fakes import paging
from fakes.database import shown
from fakes.faults import malformed
from simulation.database import time_of, with_time
from simulation.world import PROGRAM

from aiotofupilot.sandbox import Delivery, Sandbox, faults
from aiotofupilot.sandbox.faults import Fault
from aiotofupilot.sandbox.rest import Refusal

UPLOAD = 40.0
"""Seconds in which all logs of a run can be seen. A pass over what is new lists the runs of a minute again."""

LATE = 55.0
"""An item may become visible so many seconds after it was created. The promise says 60."""

ODD = {
    "short": (paging.short_pages(), True),
    "capped": (paging.capped(7), True),
    "hidden": (paging.hidden_rows(every=10, hide=25), True),
    "numbers": (paging.page_numbers, True),
    "null": (paging.null_cursor, False),
    "repeating": (paging.repeating_cursor(at=20), False),
    "cycling": (paging.cycling_cursor(at=20), False),
    "backward": (paging.backward_cursor(at=20), False),
    "empty": (paging.endless_empty(at=20), False),
    "ignored": (paging.ignored_cursor(at=20), False),
    "clamped": (paging.clamped_cursor(at=20), False),
}
"""Ways to cut pages that are not TofuPilot's, and whether all items can be had by following the cursor."""

SINGLE = (
    faults.status(500),
    faults.status(504),
    faults.status(408),
    faults.status(502),
    faults.status(503),
    faults.html(),
    faults.html(502),
    faults.empty(500),
    faults.reset(),
    faults.reset(after="headers"),
    faults.reset(after="half"),
    faults.hang_up(),
    faults.cut(),
    faults.cut(announced=False),
    faults.stall(45.0),
    faults.stall(45.0, inside_body=True),
)
"""What may be wrong with a single response."""

ALWAYS = {
    "/api/v2/runs/broken": faults.status(500),
    "/api/v2/runs/busy": faults.status(503, retry_after=61),
}
"""What is wrong with each response for some paths. A pause of 61 s is longer than what a client obeys."""

GONE = Refusal(404, "NOT_FOUND", "there is no such item").body

DATABASE = {"orders", "filters", "caps", "nulls"}
"""What is in the way if the database answers by itself. Otherwise the sandbox does."""

NOTICED = tuple(fault for fault in SINGLE if fault not in {faults.html(), faults.cut(announced=False)})
"""What is noticed even if the response is a file, which can have any content."""

BAD_ITEM = (
    faults.status(500),
    None,  # its ID is null
    faults.status(502),
    faults.reset(),
    faults.status(504),
    faults.stall(45.0),
)
"""How an item shows that it cannot be served."""


@lru_cache(maxsize=32)
def made(kind, size, alike, runs):
    """Return the newest items of a made-up listing. Of so many in a row, all have the same time."""
    items = Sandbox(procedures=700, runs=runs).rows(kind)[:size]
    if alike < 2:
        return items
    return [with_time(item, time_of(items[at - at % alike])) for at, item in enumerate(items)]


def repeated(items, size, alike):
    """Return a listing that is longer than those of the sandbox. Its items come again and again, as other ones."""
    newest, minute = time_of(items[0]), timedelta(minutes=1)
    return [
        distinct(with_time(evolve(items[at % len(items)], id=str(UUID(int=at))), newest - at // alike * minute), at)
        for at in range(size)
    ]


@lru_cache(maxsize=8)
def many(kind, size, alike, runs):
    """Return a long listing of the newest items of one that is made up."""
    return repeated(made(kind, 500, 1, runs), size, alike)


def detail_key(kind, item):
    """Return what the details of an item are asked for by."""
    return getattr(item, {"units": "serial_number", "parts": "number"}.get(kind, "id"))


def distinct(item, number):
    """Return an item with a number of its own where such an item has one."""
    if hasattr(item, "serial_number"):
        return evolve(item, serial_number=f"N-{number}")
    if hasattr(item, "unit") and hasattr(item, "duration"):
        return evolve(item, unit=evolve(item.unit, serial_number=f"N-{number}"))
    return evolve(item, number=f"N-{number}") if hasattr(item, "number") else item


def as_shown(item):
    """Return an item as the API shows it."""
    time = time_of(item)
    return item if time is None or not time.microsecond % 1000 else with_time(item, shown(time))


def comes_after(time, other, is_first):
    """Return whether an item with a time comes after a new one. Items without a time come first or last."""
    return not is_first if time is None else time <= other


@define(eq=False)
class Window:
    """A time in which the server is down."""

    begins: float
    ends: float
    kind: str
    """503, 502, refused, reset, unresolved, drain or hang."""
    cuts: bool
    """Whether it cuts off what is in flight when it begins."""


class Line:
    """The items of one listing, as they come and go, with the time at which each could be seen."""

    def __init__(self, world, plots, database):
        self.world, self.chance, self.database = world, world.chance("line"), database
        chance, on = self.chance, world.on
        self.kind = chance.choice(("procedures", "procedures", "runs", "runs", "units", "parts", "logs"))
        tiny = "tiny" in on
        sizes = (0, 1, 2, 3, 7, 20, 40) if tiny else (0, 3, 40, 100, 150, 250, 400, 600)
        alike = chance.choice((3, 10, 1000)) if "ties" in on else 1
        self.limit = chance.choice((2, 2, 3, 5) if tiny else (20, 25, 50, 50, 100, 100))
        if "details" in plots and self.kind == "logs":
            self.kind = "units"
        if "nulls" in on:
            self.kind = database.chance.choice(("measurements", "phases"))
        elif self.kind == "parts" and on & {"filters", "deep", "caps"}:
            self.kind = "procedures"  # parts have no filter by time
        runs = 60 if self.kind == "logs" or {"details", "downloads"} & {*plots} else 600
        self.sandbox = known = Sandbox(procedures=700, runs=runs)
        known.api_key = f"secret-key-{world.seed}-of-a-universe"
        self.rows = known.rows(self.kind)
        self.query = {}
        """What a program has to ask for."""
        self.rows[:] = self._begun(chance.choice(sizes), alike, runs)
        self.stored = {item.id: at for at, item in enumerate(reversed(self.rows))}
        """The order in which the items were stored."""
        self.late = chance.random() < 0.5
        self.uploads, self.uploaded = world.chance("uploads"), (None, None)
        """What decides about the runs of logs, and the last run with the time of its creation."""
        self.lag = self.uploads.choice((0.0, 0.5, 2.5, 6.5)) if "moving" in on else 0.0
        """For so many seconds, a new item is listed, and the replica that gives details does not know it yet."""
        self.anywhere = False
        """Whether items turn up in the middle of the listing, as old as their neighbours."""
        self.seen = {item.id: (-1.0, float("inf")) for item in self.rows}
        """When each item could be seen, and when it was removed."""
        self.items = {item.id: as_shown(item) for item in self.rows}
        """Each item that there ever was, as the API shows it."""
        self.alike = Counter(map(self._group, self.rows))
        self.longest = max(self.alike.values(), default=0)
        """The most items that ever had one time, as the API shows it, and that no other order tells apart."""
        self.changes = 0
        self.lengths = {len(self.rows)}
        self.odd = chance.choice(sorted(ODD)) if "odd" in on else None
        known.pagings[self.kind], self.can_be_followed = ODD[self.odd] if self.odd else (paging.offsets, True)
        count = min(len(self.rows), chance.choice((1, 1, 2, 4))) if "unreadable" in on else 0
        self.unreadable = {item.id for item in chance.sample(self.rows, count)}
        times = [time_of(self.items[item.id]) for item in self.rows]
        bad = [at for at, item in enumerate(self.rows) if item.id in self.unreadable]
        self.is_torn = any(times.count(time) > 1 for at in bad for time in times[max(at - 1, 0) : at + 2])
        """Whether an item that cannot be read has the time of others, or stands beside such."""
        self.is_quiet = True
        """Whether nothing comes and goes any more."""

    def _begun(self, size, alike, runs):
        """Return the items with which the listing begins."""
        database, on = self.database, self.world.on
        if "orders" in on:
            alike = database.chance.choice((3, 8, 40, 1000))
        if "nulls" in on:
            procedure_id = self.sandbox.runs[0].procedure.id
            of_it = {run.id for run in self.sandbox.runs if run.procedure.id == procedure_id}
            self.query = {"procedure_id": procedure_id}
            items = [item for item in made(self.kind, 5000, 1, runs) if item.run_id in of_it and item.is_final_attempt]
            self.template = items[0]
            items = self._timed(items[: None if "deep" in on else size], alike)
            items = repeated(items, database.size, min(alike, 40)) if "deep" in on else items
        elif "deep" in on:
            items = many(self.kind, database.size, min(alike, 40), runs)
        else:
            items = made(self.kind, size, alike, runs)
        return database.kept(items) if items else items

    def _timed(self, items, alike):
        """Return items that have a time, so many in a row the same. The measurements of a phase have its time."""
        times = sorted((item.started_at for item in items if item.started_at is not None), reverse=True)
        items = [item for item in items if item.started_at is not None]
        return [with_time(item, times[at - at % alike]) for at, item in enumerate(items)]

    def _group(self, item):
        """Return what an item shares with those among which only its place in a page tells it apart."""
        time = time_of(item)
        if time is None:  # no filter finds it
            return None
        of_run = getattr(item, "run_id", None) or (item.run.id if self.kind == "logs" else None)
        serial_number = item.serial_number if self.kind == "units" else None
        if self.kind == "runs":
            serial_number = item.unit.serial_number
        return shown(time), of_run, serial_number

    @property
    def ids(self):
        """The items that are listed now, in the order of the listing."""
        return [item.id for item in self.rows]

    async def run(self):
        """Let items come and go until the task is cancelled."""
        chance = self.chance
        pace, most, ends = chance.choice((0.03, 0.1, 0.5, 5.0)), self.changes + 80, self.world.now + 100.0
        while self.changes < most and self.world.now < ends:  # then all is quiet
            await asyncio.sleep(chance.expovariate(1 / pace))
            for _ in range(chance.choice((1, 1, 2, 3))):
                self.change()
        self.is_quiet = True

    def change(self):
        chance = self.chance
        if self.rows and chance.random() < 0.6:
            self.remove(chance.randrange(len(self.rows)))
        elif self.anywhere and self.rows and chance.random() < 0.3:
            at = chance.randrange(len(self.rows))
            older, newer = time_of(self.rows[at]), time_of(self.rows[max(at - 1, 0)])
            self.insert(at, older + (newer - older) / 2)
        else:
            self.create()

    def create(self):
        """Create an item now, or some in a transaction. They may be seen later, but keep the time of its beginning."""
        ago = self.chance.uniform(0.0, LATE) if self.late and self.chance.random() < 0.5 else 0.0
        time = self.world.begins + timedelta(
            milliseconds=int(1000 * (self.world.now - ago))
        )  # the API has no more digits
        newest = next((time_of(item) for item in self.rows if time_of(item) is not None), None)
        if "ties" in self.world.on and newest is not None and newest > self.world.begins - timedelta(days=1):
            time = max(newest, time - timedelta(seconds=int(self.world.now) % 7))
        if self.database.filter == "by microseconds":
            time += self.chance.randrange(1000) * timedelta(microseconds=1)
        rows, is_first = self.rows, self.database.nulls == "first"
        at = next((at for at, item in enumerate(rows) if comes_after(time_of(item), time, is_first)), len(rows))
        for _ in range(self.database.chance.choice((1, 1, 1, 4)) if self.late else 1):
            self.insert(at, time)

    def insert(self, at, time):
        chance, world = self.chance, self.world
        template = made(self.kind, 20, 1, 60)[chance.randrange(6)]
        if "nulls" in world.on:
            template = self.template
        item = with_time(evolve(template, id=self._new_id()), time)
        if self.kind in {"units", "parts"}:
            name = "serial_number" if self.kind == "units" else "number"
            item = evolve(item, **{name: f"N-{next(world.number)}"})
        else:
            item = distinct(item, f"of-{next(world.number)}")
        if self.kind == "logs":
            item = evolve(item, run=evolve(item.run, id=self._run_at(time)))
        self.rows.insert(at, item)
        self.items[item.id] = as_shown(item)
        self.stored[item.id] = len(self.stored)
        self.seen[item.id] = (world.now, float("inf"))
        self.alike[self._group(item)] += 1
        self.longest = max(self.longest, self.alike[self._group(item)])
        self._changed()

    def _run_at(self, time):
        """Return the ID of the run that a log is of: a new one, or one that is still uploaded, whose logs come."""
        now, chance = self.world.begins + timedelta(seconds=self.world.now), self.uploads
        run, begun = self.uploaded
        if begun is None or now - begun > timedelta(seconds=UPLOAD) or chance.random() < 0.7:
            run = with_time(evolve(made("runs", 20, 1, 60)[0], id=self._new_id()), time)
            self.sandbox.runs.insert(0, run)
            self.uploaded = run, time
        return run.id

    def _new_id(self):
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def remove(self, at):
        item = self.rows.pop(at)
        self.seen[item.id] = (self.seen[item.id][0], self.world.now)
        self.alike[self._group(item)] -= 1
        self._changed()

    def _changed(self):
        self.changes += 1
        self.lengths.add(len(self.rows))

    def is_late_commit(self, id_):
        """Return whether an item could be seen only after its time."""
        time, seen = time_of(self.items[id_]), self.seen[id_][0]
        return time is not None and (time - self.world.begins).total_seconds() < seen - 1.0

    def steady(self, since):
        """Return the items that have been listed all the time since then, in order, as far as they can be served."""
        return [id_ for id_ in self.ids if self.seen[id_][0] <= since and id_ not in self.unreadable]


class Server:
    """Decides what becomes of each request: how long it takes, and what goes wrong."""

    def __init__(self, world, line):
        self.world, self.line = world, line
        self.chance = chance = world.chance("server")
        on = world.on
        self.latency = chance.choice((0.005, 0.02, 0.05, 0.2))
        self.rate = chance.choice((0.03, 0.1, 0.3)) if "faults" in on else 0.0
        self.pauses = chance.choice((1, 2, 4)) if "pauses" in on else 0
        self.bad_item = chance.choice(BAD_ITEM)
        bad = partial(faults.unreadable, by=self.bad_item) if self.bad_item else malformed
        self.unreadable = bad(*sorted(line.unreadable)) if line.unreadable else None
        self.failed = Counter()
        self.windows = []
        self.goes_down = math.inf
        """When it was or will be down first."""
        line.sandbox.faults.always(Fault("the day", self.alter, is_harmless=True))  # an attempt after it takes its time

    def plan(self):
        """Draw when the server is down from now on."""
        chance = self.chance
        if "outage" not in self.world.on:
            return
        at = self.world.now + chance.choice((0.0, 0.1, 1.0, 3.0)) * chance.random()
        kinds = ("503", "502", "refused", "reset", "unresolved", "drain", "drain", "hang")
        lasts = chance.choice((0.5, 2.0, 8.0, 30.0, 58.0))
        self.goes_down = min(self.goes_down, at)
        self.windows = [Window(at, at + lasts, chance.choice(kinds), chance.random() < 0.5)]

    @property
    def window(self):
        """The time without a server that it is now; None: the server is up."""
        return next((window for window in self.windows if window.begins <= self.world.now < window.ends), None)

    def takes(self):
        """Return how long one way of a request takes."""
        latency = self.latency / 2
        return self.chance.expovariate(1 / latency) if "jitter" in self.world.on else latency

    def alter(self, delivery, request, chance):
        """Return what becomes of a response: it may be another one, and it takes its time."""
        now, way = self.world.now, self.takes()
        is_of_line = request.page is not None and request.path.rstrip("/").endswith(f"/{self.line.kind}")
        if is_of_line and delivery.status == 200 and self.world.on & DATABASE:
            delivery = self.line.database.response(self.line, request)
        if request.page is not None:
            PROGRAM.get().served += len(request.page.data)
        if delivery.status == 200 and request.page is None and self._is_behind(request.path):
            delivery = Delivery.of(404, {"Content-Type": "application/json"}, GONE)
            self.world.marks.add("details that lag are asked for again")
        wrong = self._wrong(request)
        if self.unreadable is not None and wrong is None and delivery.status == 200:  # a cap is noticed first
            delivery = self.unreadable.alter(delivery, request, chance)
        if wrong is not None:
            delivery = wrong.alter(delivery, request, chance)
        coming = next((window for window in self.windows if now < window.begins < now + way), None)
        if coming is not None and coming.cuts and coming.kind != "drain":
            return Delivery((coming.begins - now, "reset")) if coming.kind != "hang" else Delivery((1e6, "reset"))
        echo = {"X-Request-Id": f"of {request.authorization}"} if "echo" in self.world.on else {}
        delivery = delivery.with_headers({"Date": self.world.date, **echo})
        return Delivery((way, *delivery.steps))

    def _is_behind(self, path):
        """Return whether the details of an item are not known yet."""
        line, name = self.line, path.rpartition("/")[2]
        new = (line.items[id_] for id_, (seen, _) in line.seen.items() if seen > self.world.now - line.lag)
        return f"/{line.kind}/" in path and any(detail_key(line.kind, item) == name for item in new)

    def _wrong(self, request):
        """Return the fault of a request; None: there is none. The same request fails twice in a row at most.

        Three in a row are what an unreadable item shows.
        """
        window, chance = self.window, self.chance
        if window is not None:
            key = f" {request.authorization}" if "echo" in self.world.on else ""
            return {
                "503": faults.status(503, message=f"down{key}"),
                "502": faults.html(502),
                "hang": faults.stall(1e6),
            }.get(window.kind, faults.reset())
        if (fault := ALWAYS.get(request.path)) is not None:
            return fault
        if self.pauses and chance.random() < 0.05:
            self.pauses -= 1
            return faults.status(chance.choice((429, 503)), retry_after=chance.choice((None, 0.5, 3, 20, 60)))
        target = request.target
        asked = PROGRAM.get(), target  # the good response may be another program's
        if self.rate and self.failed[asked] < 2 and chance.random() < self.rate:
            self.failed[asked] += 1
            return chance.choice(SINGLE if "/storage/" not in target else NOTICED)
        self.failed[asked] = 0
        return None
