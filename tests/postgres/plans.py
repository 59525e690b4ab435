"""The plans that Postgres is forced to.

Small tables never get some of the plans that large ones get by themselves. So a test forces a plan, and looks with
EXPLAIN whether it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping


@frozen
class Plan:
    """A way in which Postgres finds the rows of a page."""

    name: str
    settings: Mapping[str, str]
    """What forces the planner to it."""
    shows: tuple[str, ...]
    """What EXPLAIN then says of a page in the order of the time."""
    hides: tuple[str, ...] = ()
    """What it does not say."""
    is_joined: bool = False
    """Whether measurements are joined with their runs."""
    changes: tuple[Plan, ...] = ()
    """The plans that take turns; empty: it is always the same one."""

    def at(self, request: int) -> Plan:
        """Return the plan of a request, by its number."""
        return self.changes[request // 7 % len(self.changes)] if self.changes else self

    def __str__(self) -> str:
        return self.name


_NO_INDEX = {"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}
_NOT_PARALLEL = {"max_parallel_workers_per_gather": "0"}
_PARALLEL = {
    "max_parallel_workers_per_gather": "2",
    "min_parallel_table_scan_size": "0",
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
}

INDEX = Plan(
    "index",
    {"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off", **_NOT_PARALLEL},
    shows=("Index Scan",),
    hides=("Sort", "Seq Scan"),
)
"""The index has the order. It is the same for every offset."""
SORT = Plan("sort", {**_NO_INDEX, **_NOT_PARALLEL}, shows=("Sort Key", "Seq Scan"), hides=("Index", "Gather"))
"""The table is read and sorted for each page. Equal keys have another order for each offset."""
PARALLEL = Plan("parallel", {**_NO_INDEX, **_PARALLEL}, shows=("Gather Merge", "Sort Key"), hides=("Index",))
"""Workers sort parts of the table. Equal keys have another order each time."""
JOINED = Plan(
    "joined", {**_NO_INDEX, **_NOT_PARALLEL}, shows=("Sort Key", "Hash Join"), hides=("Index",), is_joined=True
)
"""The same as the sort, of measurements that are joined with their runs."""

CHANGING = Plan("changing", {}, shows=(), changes=(INDEX, SORT))
"""The planner changes its mind after every seven requests."""
PLANS = {plan.name: plan for plan in (INDEX, SORT, PARALLEL, JOINED, CHANGING)}
