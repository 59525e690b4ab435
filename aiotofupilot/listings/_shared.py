"""What several listings take: values, options and filters, each declared once.

Enumerated fields of items are plain strings, because TofuPilot has added values before. An item with a new value is not
an error. The values here are those that arguments can have.

Source: the official Python SDK ``tofupilot`` 2.26.1
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Required, TypedDict

from aiotofupilot._paging.source import OnDrift, OnUnreadable, Order
from aiotofupilot.positions import LARGEST, Checkpoint

from ._declaration import Bounds, Default, ServerDefault

RunOutcome = Literal["PASS", "FAIL", "ERROR", "TIMEOUT", "ABORTED"]
"""How a run ended."""

Environment = Literal["production", "preview", "development"]
"""Where a deployment runs."""

MetadataFilter = Mapping[str, Mapping[str, str | float | bool | Sequence[str]]]
"""At most 5 keys with one condition each. A condition is ``{"in": [str, ...], "contains": str}`` or
one of the two, ``{"eq": bool}``, or any of ``gte``, ``lte``, ``gt``, ``lt`` and ``eq``, each with a number."""

ExtraQuery = Mapping[str, str | Sequence[str]]
"""Parameters of a request by name. A name with several values is sent once for each of them."""

UnitSamples = Annotated[
    Sequence[Literal["production", "golden", "failing", "ignored"]] | None,
    "What the units are samples of; ``production`` stands for units that are not samples.",
]
"""The filter by what units are samples of."""


class Options(TypedDict, total=False):
    """The options of every listing."""

    cursor: Annotated[
        int | Checkpoint | None,
        "Where to begin, in the server's counting. Or a `Checkpoint`, to resume after the last item that a walk of the "
        "same query yielded. None: at the beginning.",
        Bounds(0, LARGEST),
    ]
    max_items: Annotated[int | None, "Yield at most this many items. None: all.", Bounds(0)]
    on_drift: Annotated[
        OnDrift | None,
        'What to do about items that come and go during the walk. ``"resync"`` requests each page one item early, to '
        "see whether the listing has moved, and finds its position again if it has. It yields every item that is "
        "listed during the whole walk, and yields it once. It requests at least 2 items per page. "
        '``"raise"`` looks in the same way, and raises a `DriftError` if the listing has moved. '
        '``"ignore"`` follows the cursor. It drops an item that comes again soon, and a removal can make it miss '
        'items. None: ``"resync"``, or ``"ignore"`` in an order in which items can move. If the server\'s cursors are '
        "not offsets, the walk then follows them, warns once, and sets `WalkStats.is_unchecked`.",
    ]
    extra_query: Annotated[
        ExtraQuery | None,
        'Parameters of the API that are newer than this package, such as ``{"team_ids": ["a", "b"]}``. They are sent '
        "with each page as they are, and belong to the query like filters. None: there are none.",
    ]


class PageOptions(Options, total=False):
    """The options of a listing that the server cuts into pages."""

    limit: Annotated[
        int,
        "Items per page. If a server sends fewer, the walk is only slower.",
        Bounds(1, 100),
        Default(100),
    ]
    concurrency: Annotated[
        int | None,
        "At most this many pages are in flight or waiting to be used. From 2 on, cursors are computed ahead, as long "
        "as the server's cursors confirm them. None: the session's.",
        Bounds(1),
    ]
    on_unreadable: Annotated[
        OnUnreadable,
        "What to do about a single item that the server cannot serve, or that is not what the API promises. A page "
        'with such an item fails. It is requested in smaller parts until the item is alone. ``"raise"`` yields all '
        "items before it, and raises an error whose ``position`` is the position of the item. "
        '``"skip"`` leaves the item out and goes on. `WalkStats.unreadable` counts such items.',
        Default("raise"),
    ]


class WithOrder(TypedDict, total=False):
    """The direction of the order, for listings that can be sorted."""

    sort_order: Annotated[
        Order | None,
        "``asc``: the smallest or oldest first; ``desc``: the largest or newest first.",
        ServerDefault("desc"),
    ]


class WithMetadata(TypedDict, total=False):
    """The filters of items that have metadata."""

    metadata: Annotated[
        MetadataFilter | None,
        'Conditions on the metadata, at most 5 keys, such as ``{"shift": {"in": ["A", "B"]}}``.',
    ]
    include_metadata: Annotated[bool | None, "Whether items come with their metadata.", ServerDefault(False)]


class OfRun(TypedDict, total=False):
    """Filters about runs. They mean the same in the listing of runs and in the listings of what runs wrote."""

    procedure_versions: Annotated[Sequence[str] | None, "Tags of the procedure's versions."]
    deployment_ids: Annotated[Sequence[str] | None, "IDs of the deployments that ran."]
    environments: Annotated[Sequence[Environment] | None, "Environments of the deployments that ran."]
    serial_numbers: Annotated[Sequence[str] | None, "Serial numbers of the units tested."]
    part_numbers: Annotated[Sequence[str] | None, "Part numbers of the units tested."]
    revision_numbers: Annotated[Sequence[str] | None, "Revision numbers of the units tested."]
    batch_numbers: Annotated[Sequence[str] | None, "Numbers of the batches that the units tested belong to."]
    created_by_user_ids: Annotated[Sequence[str] | None, "IDs of the users that created the runs."]
    created_by_station_ids: Annotated[Sequence[str] | None, "IDs of the stations that created the runs."]


class OfOperatedRun(OfRun, total=False):
    """The same, for listings that know the operators of runs."""

    operated_by_ids: Annotated[Sequence[str] | None, "IDs of the operators of the runs."]
    operated_by_names: Annotated[Sequence[str] | None, "Names of the operators of the runs."]


class OfProcedure(OfOperatedRun, total=False):
    """Filters of what the runs of one procedure wrote."""

    procedure_id: Required[Annotated[str, "ID of the procedure. The API requires it."]]
    ids: Annotated[Sequence[str] | None, "IDs of runs, not of the items themselves."]
    exclude_retries: Annotated[bool | None, "Whether items of earlier attempts are left out.", ServerDefault(True)]
    duration_min: Annotated[
        timedelta | None, "The shortest duration, probably of the run. The API does not say which duration this is."
    ]
    duration_max: Annotated[timedelta | None, "The longest duration, probably of the run."]
    started_after: Annotated[datetime | None, "Only items started at this time or later."]
    started_before: Annotated[datetime | None, "Only items started at this time or earlier."]
