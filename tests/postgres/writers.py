"""What writes to the tables between two requests of a client, drawn by a seed."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from postgres.tables import NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from postgres.server import Server


class Writer:
    """Creates and removes rows of a table before each response.

    Of what is created, some is new, and some is committed late, so that rows that are newer could be read before. Some
    has the time of another row.

    Args:
        server: The server, which calls it.
        table: The table.
        field: The column that has the time of a row. Where rows have a time of creation too, it is the same.
        created: Rows created per request.
        removed: Rows removed per request.
        seed: Another seed draws others.
        now: Returns the time. By default, it is 20 seconds later for each request.
        ties: Whether some has the time of another row, which may be old.
        late: The most seconds from the beginning of a transaction, which dates its rows, to its end.
    """

    def __init__(
        self,
        server: Server,
        table: str,
        field: str,
        *,
        created: int = 1,
        removed: int = 1,
        seed: int = 0,
        now: Callable[[], datetime] | None = None,
        ties: bool = True,
        late: float = 90,
    ) -> None:
        self._server, self._table, self._field = server, table, field
        self._created, self._removed = created, removed
        self._kinds = range(0 if ties else 1, 3)
        self._late = late
        self._random = Random(seed)  # noqa: S311 - what a test writes
        self._now = now or (lambda: NEWEST + timedelta(seconds=20) * (1 + len(server.log)))
        self._there = sorted(stored(server, table))
        self.stayed = set(self._there)
        """The IDs that were there at first and were not removed."""
        self.created: set[str] = set()
        """The IDs that were created and not removed."""
        server.before_response.append(self._write)

    def stop(self) -> None:
        """Write nothing from now on."""
        self._server.before_response.remove(self._write)

    def _write(self, _: Server) -> None:
        left = len(self._there)  # one stays, to be the example of what is created
        count = min(self._removed, left - 1)
        removed = [self._there.pop(self._random.randrange(left - place)) for place in range(count)]
        self._run(f"DELETE FROM {self._table} WHERE id = ANY(%(ids)s)", ids=removed)  # noqa: S608 - a listing's name
        self.stayed.difference_update(removed)
        self.created.difference_update(removed)
        for _ in range(self._created):
            self._create()

    def _create(self) -> None:
        example, id_ = self._random.choice(self._there), f"{self._random.getrandbits(128):032x}"
        kind, late = self._random.choice(self._kinds), timedelta(seconds=self._random.uniform(1, self._late))
        values = {"id": id_}
        if kind:
            time = self._now() - late * (kind - 1)
            values |= {self._field: time.isoformat(), "created_at": time.isoformat()}
            values |= {"ended_at": (time + timedelta(seconds=80)).isoformat()}
        self._run(
            f"INSERT INTO {self._table} "  # noqa: S608 - a listing's name
            f"SELECT (jsonb_populate_record(t, %(values)s::jsonb)).* FROM {self._table} t WHERE id = %(id)s",
            id=example,
            values=json.dumps(values),
        )
        self._there.append(id_)
        self.created.add(id_)

    def _run(self, statement: str, **parameters: object) -> None:
        self._server.connection.execute(statement, parameters)


def stored(server: Server, table: str) -> set[str]:
    """Return the IDs of the rows of a table."""
    rows = server.connection.execute(f"SELECT id FROM {table}")  # noqa: S608 - a listing's name
    return {id_ for (id_,) in rows}
