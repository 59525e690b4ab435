"""With resync, unreadable items cost no other item while the listing changes up to three times during a search."""

import asyncio
from random import Random

from attrs import frozen
from fakes.budget import MANY
from fakes.dated import walk_over
from hypothesis import given, settings, strategies as st

from aiotofupilot import Checkpoint, DriftError, ServerError
from aiotofupilot.models import Page, PageMeta

MOST, LATELY = 3, 100
"""At most so many changes come among so many requests. More of them could agree by chance where a gap is confirmed."""
START = Checkpoint(listing="items", query="anything")


@frozen
class Item:
    id: str


class MovingServer:
    """Serves a listing with unreadable items, which changes before some of its answers. A seed decides everything.

    A toggle takes the first item away, and brings it back with the next change. So positions are soon as they were.
    """

    def __init__(self, seed):
        self.random = random = Random(seed)  # noqa: S311 - test data
        total = random.choice([5, 12, 30, 60])
        self.items = [Item(f"item {position}") for position in range(total)]
        self.unreadable = {item.id for item in random.sample(self.items, random.choice([1, 1, 2, 4]))}
        if random.random() < 0.3:
            first = random.randrange(total)
            self.unreadable |= {item.id for item in self.items[first : first + random.choice([2, 3, 5])]}
        self.removed = set()
        self.requests = self.created = 0
        self.changes = random.choice([2, 5, 20, 60, 200])
        self.rate = random.choice([0.02, 0.1, 0.3, 0.6, 1.0])
        self.change = random.choice([self.toggle, self.toggle, self.change_the_top, self.change_anything])
        self.away = None
        self.changed_at = []

    async def fetch(self, cursor, limit, counts, *, once=False, **_):
        for _ in range(self.random.randint(1, 3)):
            await asyncio.sleep(0)
        attempts = 1 if once else 2
        for _ in range(attempts):
            counts.add(requests=1)
            self.requests += 1
            lately = sum(self.requests - at <= LATELY for at in self.changed_at[-MOST:])
            if self.changes and lately < MOST and self.random.random() < self.rate:
                self.changes -= 1
                self.changed_at.append(self.requests)
                self.change()
            data = self.items[cursor : cursor + limit]
            if self.unreadable.isdisjoint(item.id for item in data):
                following = cursor + len(data)
                has_more = following < len(self.items)
                return Page(data, PageMeta(has_more, following if has_more else None), cursor)
        error = ServerError("", status=500)
        error.attempts = attempts
        raise error

    def toggle(self):
        if self.away is not None:
            self.items.insert(0, self.away)
            self.away = None
        elif self.items:
            self.away = self.items.pop(0)
            self.removed.add(self.away)

    def change_the_top(self):
        self.insert_or_remove(0)

    def change_anything(self):
        self.insert_or_remove(self.random.randint(0, len(self.items)))

    def insert_or_remove(self, at):
        if self.random.random() < 0.5:
            self.created += 1
            self.items.insert(at, Item(f"new {self.created}"))
        elif at < len(self.items):
            self.removed.add(self.items.pop(at))


async def missed_or_doubled(server, concurrency, *, alike):
    """Return what a walk, resumed after each error, does not yield once and in order although it stays and is readable.

    None: the walk does not get through, and says so each time.
    """
    listed, seen, cursor = list(server.items), [], START
    limit = server.random.choice([2, 3, 7, 10, 25, 100])
    options = {"limit": limit, "max_items": None, "concurrency": concurrency}
    options["sort_key"] = (lambda _: "all alike") if alike else None
    for _ in range(20):
        walk = walk_over(server.fetch, start=cursor, on_drift="resync", on_unreadable="skip", **options)
        try:
            async for item in walk:
                seen.append(item)
            break
        except (ServerError, DriftError):
            cursor = Checkpoint.parse(str(walk.checkpoint))
    else:
        return None
    stay = [item for item in listed if item not in server.removed and item.id not in server.unreadable]
    return [item for item in seen if item in stay], stay, len(seen) - len(set(seen))


@settings(max_examples=10 * MANY)
@given(seed=st.integers(0, 2**32), concurrency=st.sampled_from([1, 16]), alike=st.booleans())
def test_what_stays_and_can_be_read_comes_once_and_in_order(seed, concurrency, alike):
    """Also where all items are sorted alike, and keep their order."""
    result = asyncio.run(missed_or_doubled(MovingServer(seed), concurrency, alike=alike))
    if result is not None:
        seen, stay, doubled = result
        assert seen == stay
        assert doubled == 0
