"""The API's listings in front of Postgres, as a TypeScript REST layer would write them.

    SELECT ... WHERE organization = $1 [AND started_at >= ..] [AND started_at <= ..]
    ORDER BY started_at DESC LIMIT limit+1 OFFSET cursor

The bounds of filters are inclusive. Postgres compares microseconds. JSON has milliseconds, cut as JavaScript cuts them.
Nothing but the key of the order says where a row stands, so the plan decides the order of equal keys.

The server works in process, as a sandbox does, and over sockets of the loopback interface. It holds one connection to
Postgres, so a test is the same each time, and may change rows between two requests.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from attrs import Factory, define, field, frozen
from fakes.wire_listings import EXAMPLES
from postgres.tables import ORGANIZATION

from aiotofupilot.sandbox.request import Delivery, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from datetime import datetime

    import psycopg
    from multidict import MultiDictProxy
    from postgres.plans import Plan

Row = tuple[Any, ...]


@frozen
class Table:
    """How the items of a listing are stored, and how they are asked for."""

    columns: str
    """What is selected. The first column is the ID."""
    item: Callable[..., dict[str, Any]]
    """Makes the JSON of an item from the columns."""
    orders: Mapping[str, str]
    """The columns to sort by, by the values of ``sort_by``. The first one is the default."""
    texts: Mapping[str, str]
    """The columns that filters with one or several texts look at."""
    times: Mapping[str, str]
    """The columns that filters by time look at, by the beginnings of the filters' names."""


def _wire(time: datetime | None) -> str | None:
    """Return a time as JavaScript writes it: in milliseconds, cut."""
    return time and time.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _procedure(id_: str, name: str, created_at: datetime) -> dict[str, Any]:
    return {**EXAMPLES["procedures"], "id": id_, "name": name, "created_at": _wire(created_at)}


def _run(
    id_: str, procedure: str, serial_number: str, outcome: str, created: datetime, started: datetime, ended: datetime
) -> dict[str, Any]:
    example = EXAMPLES["runs"]
    return {
        **{name: value for name, value in example.items() if name not in ("metadata", "sequences")},
        "id": id_,
        "procedure": {**example["procedure"], "id": procedure},
        "unit": {**example["unit"], "serial_number": serial_number},
        "outcome": outcome,
        "created_at": _wire(created),
        "started_at": _wire(started),
        "ended_at": _wire(ended),
        "duration": f"PT{(ended - started).total_seconds()}S",
    }


def _unit(id_: str, serial_number: str, created: datetime) -> dict[str, Any]:
    return {**EXAMPLES["units"], "id": id_, "serial_number": serial_number, "created_at": _wire(created)}


def _measurement(
    id_: str, run: str, serial_number: str, phase: str, name: str, value: float, outcome: str, started: datetime | None
) -> dict[str, Any]:
    return {
        **EXAMPLES["measurements"],
        "id": id_,
        "run_id": run,
        "serial_number": serial_number,
        "phase_name": phase,
        "measurement_name": name,
        "value": value,
        "measurement_outcome": outcome,
        "started_at": _wire(started),
    }


def _phase(
    id_: str,
    run: str,
    serial_number: str,
    name: str,
    outcome: str,
    run_outcome: str,
    started: datetime | None,
    ended: datetime | None,
) -> dict[str, Any]:
    return {
        **EXAMPLES["phases"],
        "id": id_,
        "run_id": run,
        "serial_number": serial_number,
        "name": name,
        "outcome": outcome,
        "run_outcome": run_outcome,
        "started_at": _wire(started),
        "ended_at": _wire(ended),
    }


def _log(
    id_: str,
    procedure: str,
    run: str,
    serial_number: str,
    level: str,
    message: str,
    run_outcome: str,
    created: datetime,
    run_started: datetime,
) -> dict[str, Any]:
    example = EXAMPLES["logs"]
    return {
        **example,
        "id": id_,
        "procedure": {**example["procedure"], "id": procedure},
        "run": {"id": run, "outcome": run_outcome, "started_at": _wire(run_started)},
        "unit": {**example["unit"], "serial_number": serial_number},
        "level": level,
        "message": message,
        "created_at": _wire(created),
    }


TABLES = {
    "procedures": Table("id, name, created_at", _procedure, {"": "created_at"}, {}, {"created": "created_at"}),
    "runs": Table(
        "id, procedure_id, serial_number, outcome, created_at, started_at, ended_at",
        _run,
        {
            "started_at": "started_at",
            "created_at": "created_at",
            "duration": "ended_at - started_at",
            "outcome": "outcome",
            "serial_number": "serial_number",
            "part_number": "part_number",
            "revision_number": "revision_number",
        },
        {
            "ids": "id",
            "outcomes": "outcome",
            "procedure_ids": "procedure_id",
            "serial_numbers": "serial_number",
            "part_numbers": "part_number",
            "revision_numbers": "revision_number",
        },
        {"started": "started_at", "ended": "ended_at", "created": "created_at"},
    ),
    "units": Table(
        "id, serial_number, created_at",
        _unit,
        {"created_at": "created_at", "serial_number": "serial_number"},
        {"ids": "id", "serial_numbers": "serial_number"},
        {"created": "created_at"},
    ),
    "measurements": Table(
        "id, run_id, serial_number, phase_name, measurement_name, value, outcome, started_at",
        _measurement,
        {
            "started_at": "started_at",
            "value": "value",
            "outcome": "outcome",
            "serial_number": "serial_number",
            "phase_name": "phase_name",
            "measurement_name": "measurement_name",
        },
        {
            "procedure_id": "procedure_id",
            "ids": "run_id",
            "serial_numbers": "serial_number",
            "phase_name": "phase_name",
            "phase_names": "phase_name",
            "measurement_name": "measurement_name",
            "measurement_outcomes": "outcome",
        },
        {"started": "started_at"},
    ),
    "phases": Table(
        "id, run_id, serial_number, name, outcome, run_outcome, started_at, ended_at",
        _phase,
        {
            "started_at": "started_at",
            "duration": "ended_at - started_at",
            "outcome": "outcome",
            "serial_number": "serial_number",
            "phase_name": "name",
        },
        {
            "procedure_id": "procedure_id",
            "ids": "run_id",
            "serial_numbers": "serial_number",
            "names": "name",
            "outcomes": "outcome",
            "run_outcomes": "run_outcome",
        },
        {"started": "started_at"},
    ),
    "logs": Table(
        "id, procedure_id, run_id, serial_number, level, message, run_outcome, created_at, run_started_at",
        _log,
        {"created_at": "created_at", "level": "level", "run_id": "run_id", "outcome": "run_outcome"},
        {
            "run_ids": "run_id",
            "procedure_ids": "procedure_id",
            "serial_numbers": "serial_number",
            "levels": "level",
            "run_outcomes": "run_outcome",
        },
        {"timestamp": "created_at"},
    ),
}

_WHO = {
    "type": "station",
    "station": {"id": "station-1", "name": "FVT bench 2"},
    "user": None,
    "organization": {"id": ORGANIZATION, "name": "Volta", "slug": "volta"},
}
_NO_FILTERS = {"metadata", "include_metadata", "include_sequences", "exclude_retries"}
"""Parameters that change nothing here: no run has metadata or sequences, and none was tried again."""


@frozen
class Asked:
    """A request that was made."""

    path: str
    query: MultiDictProxy[str]
    items: int
    """How many items the response has."""

    @property
    def cursor(self) -> int:
        """How many rows the server had to skip."""
        return int(float(self.query.get("cursor", 0)))


class RequestLog(list[Asked]):
    """The requests, in the order in which they came."""

    @property
    def deepest(self) -> int:
        """The largest offset."""
        return max((asked.cursor for asked in self), default=0)

    @property
    def rows(self) -> int:
        """How many rows the server had to go through, given an index that has the order."""
        return sum(asked.cursor + asked.items for asked in self)


class WrongPlanError(Exception):
    """Postgres uses another plan than the one that a test is about."""


class BadRequestError(Exception):
    """The query is not valid."""


@define
class Server:
    """The listings of one schema."""

    connection: psycopg.Connection[Any]
    plan: Plan
    seed: int = 0
    """Draws how long the responses take, and so the order in which they arrive."""
    log: RequestLog = Factory(RequestLog)
    before_response: list[Callable[[Server], None]] = Factory(list)
    """Called in order before each page is read. They may change rows."""
    api_key: str = "key"
    _random: Random = field(init=False)
    _forced: Plan | None = field(init=False, default=None)
    """The plan that the connection was set to last."""
    _checked: set[tuple[str, str]] = field(init=False, factory=set)
    """The listings, and the names of their plans, that EXPLAIN was asked for."""

    def __attrs_post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - delays of a test

    @contextmanager
    def handle(self, request: Request) -> Generator[Delivery]:
        """Decide a response when the request arrives. It takes half a second to one and a half."""
        status, document = self.respond(request)
        response = Delivery.of(status, {"Content-Type": "application/json"}, json.dumps(document).encode())
        yield Delivery((self._random.uniform(0.5, 1.5), *response.steps))

    def respond(self, request: Request) -> tuple[int, dict[str, Any]]:
        """Return the status and the document of a response."""
        name = request.path.removeprefix("/api").removeprefix("/v2/")
        if request.authorization != f"Bearer {self.api_key}":
            return 401, {"message": "Unauthorized", "code": "UNAUTHORIZED"}
        if name == "whoami":
            return 200, _WHO
        if name not in TABLES:
            return 404, {"message": "Not found", "code": "NOT_FOUND"}
        for hook in self.before_response:
            hook(self)
        try:
            statement, parameters = self.statement(name, request.query)
        except BadRequestError as error:
            return 400, {"message": str(error), "code": "BAD_REQUEST"}
        if _is_by_time(name, request.query):
            self._check_plan(name, statement, parameters)
        rows = self._execute(statement, parameters)
        limit, cursor = parameters["limit"] - 1, parameters["cursor"]
        page, has_more = rows[:limit], len(rows) > limit
        self.log.append(Asked(request.path, request.query, len(page)))
        meta = {"has_more": has_more, "next_cursor": cursor + limit if has_more else None}
        return 200, {"data": [TABLES[name].item(*row) for row in page], "meta": meta}

    def explain(self, name: str, **query: str) -> str:
        """Return what EXPLAIN ANALYZE says of a page."""
        return self._explain("(ANALYZE, BUFFERS OFF)", *self.statement(name, Request(query=query).query))

    def statement(self, name: str, query: MultiDictProxy[str]) -> tuple[str, dict[str, Any]]:
        """Return the SELECT of a page, which has a row more than the page, and its parameters.

        Raises:
            BadRequestError: The query is not valid.
            NotImplementedError: This server does not have a filter that the API has.
        """
        table, asked = TABLES[name], dict(query)
        limit, cursor = (
            _integer("limit", asked.pop("limit", "50"), 1, 100),
            _integer("cursor", asked.pop("cursor", "0")),
        )
        default, *_ = table.orders
        order, direction = asked.pop("sort_by", default), asked.pop("sort_order", "desc")
        if order not in table.orders or direction not in ("asc", "desc"):
            raise BadRequestError(f"cannot sort by {order}, {direction}")
        of = f"{name}." if self.plan.is_joined and name == "measurements" else ""
        parameters: dict[str, Any] = {"organization": ORGANIZATION, "limit": limit + 1, "cursor": cursor}
        conditions = [f"{of}organization = %(organization)s"]
        for parameter, value in asked.items():
            beginning, _, end = parameter.rpartition("_")
            if parameter in table.texts:
                values = query.getall(parameter, [])
                is_one = f"%({parameter})s" if len(values) == 1 else f"ANY(%({parameter})s)"  # an index has its order
                conditions.append(f"{of}{table.texts[parameter]} = {is_one}")
                parameters[parameter] = values[0] if len(values) == 1 else values
            elif beginning in table.times and end in ("after", "before"):
                conditions.append(f"{of}{table.times[beginning]} {'>=' if end == 'after' else '<='} %({parameter})s")
                parameters[parameter] = value
            elif parameter not in _NO_FILTERS:
                raise NotImplementedError(f"{parameter} of {name}")
        source = f"{name} JOIN runs ON runs.id = run_id" if of else name
        columns = ", ".join(of + column for column in table.columns.split(", "))
        return (
            f"SELECT {columns} FROM {source} WHERE {' AND '.join(conditions)} "  # noqa: S608 - all of it is written here
            f"ORDER BY {of}{table.orders[order]} {direction} LIMIT %(limit)s OFFSET %(cursor)s"
        ), parameters

    def _check_plan(self, name: str, statement: str, parameters: Mapping[str, Any]) -> None:
        """Check once for each listing and plan that Postgres does what is meant.

        Raises:
            WrongPlanError: It does something else.
        """
        plan = self.plan.at(len(self.log))
        if (name, plan.name) not in self._checked:
            self._checked.add((name, plan.name))
            explained = self._explain("", statement, parameters)
            if any(word not in explained for word in plan.shows) or any(word in explained for word in plan.hides):
                raise WrongPlanError(explained)

    def _explain(self, how: str, statement: str, parameters: Mapping[str, Any]) -> str:
        return "\n".join(line for (line,) in self._execute(f"EXPLAIN {how} {statement}", parameters))

    def _execute(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        plan = self.plan.at(len(self.log))
        if self._forced is not plan:
            self.connection.execute("RESET ALL")
            for setting, value in plan.settings.items():
                self.connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
            self._forced = plan
        return self.connection.execute(statement, parameters).fetchall()


def _is_by_time(name: str, query: MultiDictProxy[str]) -> bool:
    """Return whether a plan holds for a query: it selects no single items, and an index may have its order."""
    default, *_ = TABLES[name].orders
    is_selective = any(parameter in TABLES[name].texts for parameter in query if parameter != "procedure_id")
    return not is_selective and query.get("sort_by", default) in (default, "created_at")


def _integer(name: str, value: str, low: int = 0, high: int = 2**53) -> int:
    """Return a parameter that is an integer, also if it is written as ``50.0``."""
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not low <= number <= high or not number.is_integer():
        raise BadRequestError(f"{name} must be an integer from {low} to {high}")
    return int(number)


@contextmanager
def serve(server: Server) -> Generator[str]:
    """Serve on the loopback interface for the time of a block, in threads. It yields the base URL."""
    lock = Lock()  # there is one connection to Postgres

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            pairs = parse_qsl(query, keep_blank_values=True)
            with lock:
                request = Request(path=path, query=pairs, authorization=self.headers["Authorization"])
                status, document = server.respond(request)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            with suppress(ConnectionError):  # the client needs it no more
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write nothing: `Server.log` has the requests."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}/api"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
