"""The database of a universe: how it lists, what of that a seed draws, and what a walk has really seen of it."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from attrs import evolve
from fakes import paging
from fakes.database import FILTERS, MILLISECOND, ORDERS, Listed
from simulation.world import PROGRAM

from aiotofupilot.models import Page, PageMeta
from aiotofupilot.sandbox import Delivery
from aiotofupilot.sandbox.resources import RESOURCES
from aiotofupilot.sandbox.rest import Refusal, dumps, read

TIMES = {
    "procedures": "created",
    "runs": "started",
    "units": "created",
    "logs": "timestamp",
    "measurements": "started",
    "phases": "started",
}
"""What the names of the filters begin with that are about the time by which a listing is sorted. Parts have none."""

ANOTHER_TIME = timedelta(seconds=90)
"""How much later the other time of a row is, by which a filter may select."""

MICROSECOND = timedelta(microseconds=1)


def time_of(item):
    """Return the time by which an item is sorted. None: it has none."""
    return item.started_at if hasattr(item, "started_at") else item.created_at


def with_time(item, time):
    """Return an item with another time, in what it is sorted by and in what says when it was created."""
    if hasattr(item, "duration"):
        return evolve(item, started_at=time, ended_at=time + item.duration, created_at=time)
    if hasattr(item, "started_at"):
        return evolve(item, started_at=time)
    return evolve(item, created_at=time)


def _refused(depth):
    """Return a paging that refuses a cursor beyond a depth."""

    def cut(total, cursor, limit):
        if cursor > depth:
            raise Refusal(400, "BAD_REQUEST", f"cursor must be at most {depth}")
        return paging.offsets(total, cursor, limit)

    return cut


CAPS = {"silent": paging.ending_cursor, "refused": _refused, "clamped": paging.clamped_cursor}
"""What a server does beyond a depth."""

DEPTHS = (1000, 1000, 1200)
"""How deep. A client that asks for the rest of a listing by value, where it ends at 900 or beyond, misses nothing."""

SIZES = (1300, 2900, 4500)
"""How many items are listed then, and in some universes without a cap."""


ODD_FILTERS = {"to the second", "to the day", "ignored", "of another time"}
"""Those that leave out what they are asked for, or do not leave out anything."""


class Database:
    """How the database of a universe lists.

    Attributes:
        on: What of it is in the way: ``orders``, ``filters``, ``caps``, ``deep`` and ``nulls``.
        order: How it orders equal times.
        filter: What its filters by time select.
        cap: What it does beyond a depth. None: nothing.
        leads_nowhere: Whether its filter does not surely lead beyond its cap, because it is not what it should be, or
            because items have no time.
        nulls: Where it lists items without a time, ``first`` or ``last``. None: all have one.
    """

    def __init__(self, world):
        self.world, self.chance = world, world.chance("database")
        self.order, self.filter, self.cap, self.nulls, is_deep = self._drawn()
        self.is_unsorted = self.order == "unsorted"
        self.leads_nowhere = self.cap is not None and (self.filter in ODD_FILTERS or self.nulls is not None)
        drawn = {
            "orders": self.order != "index",
            "filters": self.filter != "inclusive",
            "caps": self.cap is not None,
            "deep": is_deep,
            "nulls": self.nulls is not None,
        }
        self.on = {name for name, is_on in drawn.items() if is_on}
        self.depth, self.size = self.chance.choice(DEPTHS), self.chance.choice(SIZES)
        if self.on & {"orders", "caps"}:  # where each request takes as long as the listing is
            self.size, self.depth = SIZES[0], DEPTHS[0]
        self.unsorted = Counter()
        """How many pages each program got that were not in the order of their times."""
        self._lists = {}
        """What queries select, and after how many changes of the listing."""
        self._seen = {}
        """The items of one time, in the order in which a walk saw them last."""

    def _drawn(self):
        chance = self.chance
        order = chance.choices([*ORDERS], [54, 14, 7, 7, 6, 6, 6])[0]
        if order == "unsorted" or self.world.is_plain:
            return "index" if self.world.is_plain else order, "inclusive", None, None, False
        name = chance.choices([*FILTERS], [48, 8, 8, 12, 8, 8, 8])[0]
        nulls = chance.choices((None, "first", "last"), (84, 8, 8))[0]
        cap = chance.choices((None, *CAPS), (64, 12, 12, 12) if nulls else (76, 8, 8, 8))[0]
        if (order, cap) == ("shuffled", "clamped"):
            cap = "silent"  # its last page shows other items each time, so nothing shows that it is the last
        return order, name, cap, nulls, cap is not None or chance.random() < 0.06

    def change(self, on):
        """Return what is on in the universe with this database."""
        if not self.on:
            return on
        on = on - {"odd"} | self.on  # one of the two says which pages there are
        if "orders" in on:
            on |= {"ties"}
        if "deep" in on:
            on -= {"tiny"}
        # Then a walk asks for what is before a time.
        if "filters" in on and "deep" not in on and not on & {"moving", "interrupts"}:
            on |= {self.chance.choice(("moving", "interrupts"))}
        return on

    def plot(self, plot):
        """Return what a program does instead of what it would cost too much to do here, or promises nothing."""
        plots = {"walk", "pages", "count", "details", "since", "follow", "shards", "downloads", "ask"}
        if self.is_unsorted or self.nulls:
            plots = {"walk", "pages", "count", "ask"}
        elif "deep" in self.on:
            plots -= {"details", "downloads", "follow"}
        if self.filter not in {"inclusive", "by microseconds"}:
            plots -= {"shards"}
        return plot if plot in plots else "walk"

    def kept(self, rows):
        """Return rows as the database keeps them: with microseconds, or some of them without a time."""
        chance = self.chance
        if self.filter == "by microseconds":
            more = {time: chance.randrange(1000) * MICROSECOND for time in dict.fromkeys(map(time_of, rows))}
            rows = [with_time(row, time_of(row) + more[time_of(row)]) for row in rows]
        if self.nulls:
            number = min(len(rows), chance.choice((1, 1, 3, 30, 1000)))
            without = [with_time(row, None) for row in rows[:number]]
            rows = [*without, *rows[number:]] if self.nulls == "first" else [*rows[number:], *without]
        return rows

    def response(self, line, request):
        """Return the response to a request for a page of the listing of a line."""
        resource, snapshot = RESOURCES[line.kind], line.sandbox.snapshot()
        asked = read(resource.readers, [*request.query.items()])
        query = tuple(sorted((name, value) for name, value in request.query.items() if name not in {"cursor", "limit"}))
        changes, listed = self._lists.get(query, (None, ()))
        if changes != line.changes:
            listed = self._listed(resource, asked, line, snapshot)
            self._lists[query] = line.changes, listed
        cut = CAPS[self.cap](self.depth) if self.cap else paging.offsets
        try:
            window = cut(len(listed), asked["cursor"], asked["limit"])
        except Refusal as refusal:
            self._note("cap refused")
            return Delivery.of(refusal.status, _JSON, refusal.body)
        if self.cap and asked["cursor"] + asked["limit"] > self.depth:
            self._note(f"cap {self.cap}")
        page = [row for row, *_ in ORDERS[self.order](listed, window.start, window.stop, self.chance.randrange)]
        self._look(page, line)
        shown_rows = [resource.shown(row, asked, snapshot) for row in page]
        meta = PageMeta(has_more=window.has_more, next_cursor=window.next_cursor)
        request.page = Page(data=shown_rows, meta=meta, cursor=asked["cursor"])
        body = b'{"data":[%b],"meta":%b}' % (b",".join(map(resource.json, shown_rows)), dumps(meta))
        return Delivery.of(200, _JSON, body)

    def _listed(self, resource, asked, line, snapshot):
        """Return the rows that a query selects, in its order."""
        of_time = TIMES.get(line.kind)
        bounds = [(asked[name], is_before) for name, is_before in _bounds(of_time) if name in asked]
        names = asked.keys() & resource.tests.keys() - {name for name, _ in _bounds(of_time)}
        predicates = [resource.tests[name](asked[name], snapshot) for name in names]
        if resource.joined:
            predicates.append(resource.joined(asked, snapshot))
        rows = [row for row in line.rows if all(predicate(row) for predicate in predicates)]
        if bounds:
            usual = [row for row in rows if _selects(FILTERS["inclusive"], time_of(row), bounds)]
            rows = [row for row in rows if _selects(FILTERS[self.filter], time_of(row), bounds)]
            # What is before a time is often asked for with a margin that hides how the time itself is compared.
            is_close = self.filter in {"by microseconds", "exclusive"} and any(
                abs(time_of(row) - bound) <= MILLISECOND for row in rows for bound, _ in bounds
            )
            if "filters" in self.on and (rows != usual or is_close):
                self._note(f"filter {self.filter}")
        key = time_of
        if resource.sorts and asked["sort_by"] not in _SORTED_BY_TIME:
            key = resource.sorts[asked["sort_by"]]
            rows.sort(key=lambda row: ((value := key(row)) is None, value), reverse=True)
        if asked.get("sort_order") == "asc":
            rows.reverse()
        ranks = {value: rank for rank, value in enumerate(dict.fromkeys(map(key, rows)))}
        return [Listed(row, ranks[key(row)], line.stored[row.id]) for row in rows]

    def _look(self, page, line):
        """Note what a page shows of this database."""
        times = [time_of(row) for row in page]
        if self.is_unsorted and any(one < other for one, other in pairwise(times)):
            self.unsorted[PROGRAM.get()] += 1
            self._note("order unsorted")
        if None in times:
            self._note(f"nulls {self.nulls}")
        if "orders" not in self.on or self.is_unsorted:
            return
        groups = {}
        for row, time in zip(page, times, strict=True):
            groups.setdefault(time, []).append(row.id)
        for time, group in groups.items():
            before = self._seen.get((PROGRAM.get(), time), ())
            both = {*before} & {*group}
            if [id_ for id_ in before if id_ in both] != [id_ for id_ in group if id_ in both]:
                self._note(f"order {self.order}")
            self._seen[PROGRAM.get(), time] = group

    def _note(self, manner):
        self.world.marks.add(f"a walk met: {manner}")


MET = [
    *(f"a walk met: order {name}" for name in ORDERS if name != "index"),
    *(f"a walk met: filter {name}" for name in FILTERS if name != "inclusive"),
    *(f"a walk met: cap {name}" for name in CAPS),
    *(f"a walk met: nulls {name}" for name in ("first", "last")),
    "a walk met: late commit",
]
"""What 20 of 1,000 universes have to reach each."""

_JSON = {"Content-Type": "application/json"}
_SORTED_BY_TIME = {"started_at", "created_at"}


def _bounds(of_time):
    """Return the names of the filters by a time, and whether each is a latest time."""
    return ((f"{of_time}_after", False), (f"{of_time}_before", True))


def _selects(manner, time, bounds):
    if manner.is_of_another_time and time is not None:
        time += ANOTHER_TIME
    return all(manner.selects(time, bound, is_before=is_before) for bound, is_before in bounds)
