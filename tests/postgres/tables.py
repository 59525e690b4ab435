"""The tables of a TofuPilot that stands on Postgres, and what fills them.

Nothing of the real schema is known. These have what the listings show, sort by and filter by, and the indexes that such
listings need. Times have microseconds. Rows of one transaction share its time to the microsecond, because ``now()`` is
the time when it began.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

ORGANIZATION = "volta"
PROCEDURE = "procedure-1"
NEWEST = datetime(2026, 12, 31, 23, 0, 0, 123456, UTC)
"""When the newest run started: an hour before the clock of a session in the process of a test begins."""
GAP = timedelta(seconds=20, microseconds=1377)
"""From the start of one run to that of the next one."""

_SCHEMA = """
CREATE TABLE procedures (
    id text PRIMARY KEY, organization text NOT NULL, name text NOT NULL, created_at timestamptz NOT NULL
);
CREATE INDEX ON procedures (organization, created_at);
CREATE TABLE runs (
    id text PRIMARY KEY, organization text NOT NULL, procedure_id text NOT NULL, serial_number text NOT NULL,
    part_number text NOT NULL, revision_number text NOT NULL, outcome text NOT NULL,
    created_at timestamptz NOT NULL, started_at timestamptz NOT NULL, ended_at timestamptz NOT NULL
);
CREATE INDEX ON runs (organization, started_at);
CREATE INDEX ON runs (organization, created_at);
CREATE INDEX ON runs (organization, procedure_id, started_at);
CREATE TABLE units (
    id text PRIMARY KEY, organization text NOT NULL, serial_number text NOT NULL, created_at timestamptz NOT NULL
);
CREATE INDEX ON units (organization, created_at);
CREATE TABLE measurements (
    id text PRIMARY KEY, organization text NOT NULL, procedure_id text NOT NULL, run_id text NOT NULL,
    serial_number text NOT NULL, phase_name text NOT NULL, measurement_name text NOT NULL, value float8 NOT NULL,
    outcome text NOT NULL, started_at timestamptz
);
CREATE INDEX ON measurements (organization, procedure_id, started_at);
CREATE INDEX ON measurements (run_id);
CREATE TABLE phases (
    id text PRIMARY KEY, organization text NOT NULL, procedure_id text NOT NULL, run_id text NOT NULL,
    serial_number text NOT NULL, name text NOT NULL, outcome text NOT NULL, run_outcome text NOT NULL,
    started_at timestamptz, ended_at timestamptz
);
CREATE INDEX ON phases (organization, procedure_id, started_at);
CREATE TABLE logs (
    id text PRIMARY KEY, organization text NOT NULL, procedure_id text NOT NULL, run_id text NOT NULL,
    serial_number text NOT NULL, level text NOT NULL, message text NOT NULL, run_outcome text NOT NULL,
    created_at timestamptz NOT NULL, run_started_at timestamptz NOT NULL
);
CREATE INDEX ON logs (organization, created_at);
"""

VACUUM = "VACUUM (ANALYZE) procedures, runs, units, measurements, phases, logs"
"""What has to be run when the tables are filled, so that plans are the same each time."""

# Of twenty runs, four start at one time, and another three within one millisecond. Of 97, one is uploaded three hours
# late.
_RUNS = """
INSERT INTO runs
SELECT md5(%(newest)s::text || n), %(organization)s, %(procedure)s, 'SN-' || lpad(n::text, 7, '0'), 'INV-MAIN', 'C',
       CASE WHEN n %% 7 = 0 THEN 'FAIL' ELSE 'PASS' END,
       started_at + CASE WHEN n %% 97 = 0 AND n < %(count)s - 600 THEN interval '3 hours' ELSE interval '90 s' END,
       started_at,
       started_at + interval '80 s'
FROM (
    SELECT n, %(newest)s::timestamptz - %(gap)s::interval * (%(count)s - n + behind)
              + CASE WHEN is_burst THEN interval '100 us' * behind ELSE interval '0' END AS started_at
    FROM (
        SELECT n, n %% 20 BETWEEN 10 AND 9 + %(burst)s AS is_burst,
               CASE WHEN n %% 20 < %(group)s THEN n %% 20
                    WHEN n %% 20 BETWEEN 10 AND 9 + %(burst)s THEN n %% 20 - 10
                    ELSE 0 END AS behind
        FROM generate_series(1, %(count)s) n
    )
)
"""

_MEASURED_RUNS = """
INSERT INTO runs
SELECT md5('run' || run), %(organization)s, %(procedure)s, 'SN-' || lpad(run::text, 7, '0'), 'INV-MAIN', 'C', 'PASS',
       started_at + interval '90 s', started_at, started_at + interval '80 s'
FROM (
    SELECT run, %(newest)s::timestamptz - %(gap)s::interval * (%(count)s - run) AS started_at
    FROM generate_series(1, %(count)s) run
)
"""

_MEASUREMENTS = """
INSERT INTO measurements
SELECT md5('measurement' || run || '/' || place), %(organization)s, %(procedure)s, md5('run' || run),
       'SN-' || lpad(run::text, 7, '0'), 'Output ripple', 'ripple_' || place, place, 'PASS',
       CASE WHEN %(null_every)s > 0 AND run %% greatest(%(null_every)s, 1) = 0 THEN NULL
            ELSE %(newest)s::timestamptz - %(gap)s::interval * (%(count)s - run) END
FROM unnest(%(sizes)s::int[]) WITH ORDINALITY AS groups (size, run), generate_series(1, size) place
"""

_PROCEDURES = """
INSERT INTO procedures
SELECT md5('procedure' || n), %(organization)s, 'Procedure ' || n,
       %(newest)s::timestamptz
           - %(gap)s::interval * (%(count)s - CASE WHEN n %% 1000 < %(group)s THEN n - n %% 1000 ELSE n END)
FROM generate_series(1, %(count)s) n
"""


def create(connection: psycopg.Connection[Any]) -> None:
    """Create the tables in the schema of a connection."""
    connection.execute(_SCHEMA)


def add_runs(
    connection: psycopg.Connection[Any],
    count: int,
    *,
    gap: timedelta = GAP,
    newest: datetime = NEWEST,
    tied: bool = True,
) -> None:
    """Add runs, of which a fifth start four at a time, unless each is to have its own time."""
    _fill(connection, _RUNS, count, gap=gap, newest=newest, group=4 if tied else 1, burst=3 if tied else 0)


def add_import(connection: psycopg.Connection[Any], count: int, *, at: datetime, starts_at_once: bool = False) -> None:
    """Add the runs of one import, which share the time of creation, and perhaps that of their start."""
    connection.execute(
        """
        INSERT INTO runs
        SELECT md5('import' || n), %(organization)s, %(procedure)s, 'IM-' || lpad(n::text, 7, '0'), 'INV-MAIN', 'C',
               'PASS', %(at)s, started_at, started_at + interval '80 s'
        FROM (
            SELECT n, %(at)s::timestamptz - interval '1 h' - %(gap)s::interval * n AS started_at
            FROM generate_series(1, %(count)s) n
        )
        """,
        {
            "organization": ORGANIZATION,
            "procedure": PROCEDURE,
            "count": count,
            "at": at,
            "gap": timedelta() if starts_at_once else timedelta(seconds=7),
        },
    )


def add_measurements(connection: psycopg.Connection[Any], sizes: Sequence[int], *, null_every: int = 0) -> None:
    """Add runs with measurements. Those of one run share a time.

    Args:
        connection: The connection.
        sizes: How many measurements each run has.
        null_every: Each such run has measurements without a time; 0: all have one.
    """
    _fill(connection, _MEASURED_RUNS, len(sizes))
    _fill(connection, _MEASUREMENTS, len(sizes), sizes=list(sizes), null_every=null_every)


def add_procedures(connection: psycopg.Connection[Any], count: int, *, tied: bool = True) -> None:
    """Add procedures. Of each thousand, 300 are created in one transaction, unless each is to have its own time."""
    _fill(connection, _PROCEDURES, count, group=300 if tied else 1)


def sizes(low: int, high: int, total: int, seed: int = 0) -> list[int]:
    """Return the sizes of groups, from `low` to `high`, which have at least `total` members in all."""
    random, drawn = Random(seed), list[int]()  # noqa: S311 - sizes of a test
    while sum(drawn) < total:
        drawn.append(random.randint(low, high))
    return drawn


def _fill(connection: psycopg.Connection[Any], statement: str, count: int, **others: object) -> None:
    parameters = {"organization": ORGANIZATION, "procedure": PROCEDURE, "newest": NEWEST, "count": count, "gap": GAP}
    connection.execute(statement, {**parameters, **others})
