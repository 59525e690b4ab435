"""Declares the arguments of ``list()``, and those that listings share.

A listing declares them in a TypedDict, whose annotations have the type, documentation, bounds and default.

    class StationArguments(PageOptions, total=False):
        search_query: Annotated[str | None, "Text that the name contains.", Bounds(high=100)]

`arguments_of` reads the keys. `describe` makes the signature and docstring of ``list()`` from them. `_encoding` checks
and sends the values. The command and the sandbox read `Argument`.

Source: the official Python SDK ``tofupilot`` 2.26.1
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from textwrap import fill
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Required, TypedDict, Union, get_args, get_origin, get_type_hints

from attrs import frozen

from aiotofupilot._checks import LARGEST
from aiotofupilot._paging.source import OnDrift, OnUnreadable, Order
from aiotofupilot.positions import Checkpoint


@frozen
class Bounds:
    """The bounds of a number, or of the length of a string in UTF-16 code units."""

    low: int | None = None
    """The lower bound, or None."""
    high: int | None = None
    """The upper bound, or None."""

    def __str__(self) -> str:
        if self.low is None:
            return f"at most {self.high}"
        return f"{self.low} or more" if self.high is None else f"{self.low} to {self.high}"


@frozen
class Default:
    """The default of an argument, if it is not None."""

    value: object


@frozen
class ServerDefault:
    """The server's default for a parameter that is not sent."""

    value: bool | str


@frozen(kw_only=True)
class Argument:
    """An argument of ``list()``. A filter has the name of its parameter in the API."""

    name: str
    """The name of the argument."""
    annotation: object
    """The type for type checkers, such as ``Sequence[str] | None``."""
    doc: str
    """Sentences, with names and values in double backticks."""
    is_required: bool = False
    """Whether it has to be given."""
    bounds: Bounds | None = None
    """Bounds of a number or of a string's length, or None."""
    default: object = None
    """None is not sent."""
    server_default: bool | str | None = None
    """The server's default, or None if the server then does not filter."""

    @property
    def type(self) -> object:
        """The type without None, such as ``Sequence[str]``, `datetime` or a Literal."""
        is_union = get_origin(self.annotation) in (Union, UnionType)
        kinds = get_args(self.annotation) if is_union else (self.annotation,)
        return Union[tuple(kind for kind in kinds if kind is not NoneType)]  # noqa: UP007 - made of a tuple

    @property
    def is_optional(self) -> bool:
        """Whether it can be None."""
        return NoneType in get_args(self.annotation)

    @property
    def is_repeated(self) -> bool:
        """Whether it takes several values, each sent under the same name."""
        return get_origin(self.type) is Sequence

    @property
    def item_type(self) -> Any:  # noqa: ANN401 - any annotation
        """The type of one value, such as `str`."""
        return get_args(self.type)[0] if self.is_repeated else self.type

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed values, or empty if any are allowed."""
        return get_args(self.item_type) if get_origin(self.item_type) is Literal else ()

    @property
    def full_doc(self) -> str:
        """The documentation with the bounds and the server's default."""
        doc = self.doc
        if self.bounds:
            sentence, _, rest = doc.partition(".")
            length = " characters as UTF-16 counts them" if self.type is str else ""
            doc = f"{sentence}, {self.bounds}{length}.{rest}"
        return doc if self.server_default is None else f"{doc} If None, ``{self.server_default}``."


def arguments_of(declared: type) -> tuple[Argument, ...]:
    """Return the keys of a TypedDict, those of its bases first."""
    hints = get_type_hints(declared, include_extras=True)
    return tuple(_argument(name, hint) for name, hint in hints.items())


def _argument(name: str, hint: object) -> Argument:
    is_required = get_origin(hint) is Required
    annotation, doc, *facts = get_args(get_args(hint)[0] if is_required else hint)
    given: dict[str, Any] = {}
    for fact in facts:
        match fact:
            case Bounds():
                given["bounds"] = fact
            case Default(value):
                given["default"] = value
            case ServerDefault(value):
                given["server_default"] = value
            case _:
                raise TypeError(f"{name} is annotated with {fact!r}, which nothing reads")
    argument = Argument(name=name, annotation=annotation, doc=doc, is_required=is_required, **given)
    if argument.bounds and argument.is_repeated:
        raise TypeError(f"{name} takes several values, and bounds are those of a single one")
    return argument


def describe(
    method: Callable[..., object], filters: Sequence[Argument], options: Sequence[Argument]
) -> tuple[str, str]:
    """Set the signature and docstring of a ``list()``. Return its summary and note."""
    signature = inspect.signature(method)
    own, keywords = signature.parameters.values()
    arguments = (*filters, *options)
    parameters = [
        keywords.replace(
            name=argument.name,
            kind=inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if argument.is_required else argument.default,
            annotation=argument.annotation,
        )
        for argument in arguments
    ]
    method.__signature__ = signature.replace(parameters=[own, *parameters])  # type: ignore[attr-defined] # what inspect looks for first
    summary, _, note = (inspect.getdoc(method) or "").partition("\n\n")
    parts = [f"{summary} Nothing is sent before the listing is used.", note, _RULES if filters else ""]
    entries = [_filled(f"{argument.name}: {argument.full_doc}", "    ") for argument in arguments]
    method.__doc__ = "\n\n".join([*map(_filled, filter(None, parts)), "Args:\n" + "\n".join(entries), _RAISES])
    return summary, note


def _filled(text: str, indent: str = "") -> str:
    return fill(text, 112, initial_indent=indent, subsequent_indent=indent * 2)


_RULES = (
    "Where a filter takes several values, an item has to match one of them. None and an empty list are no filter. "
    "Date-times are timezone-aware; fractions of a millisecond are rounded so that they leave no item out."
)

_RAISES = """Raises:
    TypeError: An argument is of the wrong type or unknown, or a required one is missing.
    ValueError: An argument is out of bounds, a date-time is naive, a range is empty, or a checkpoint is of
        another listing or query."""


RunOutcome = Literal["PASS", "FAIL", "ERROR", "TIMEOUT", "ABORTED"]
"""How a run ended."""

Environment = Literal["production", "preview", "development"]
"""The environment of a deployment."""

MetadataFilter = Mapping[str, Mapping[str, str | float | bool | Sequence[str]]]
"""At most 5 keys with one condition each: ``{"in": [str, ...], "contains": str}`` or one of the two, ``{"eq": bool}``,
or any of ``gte``, ``lte``, ``gt``, ``lt`` and ``eq``, each with a number."""

ExtraQuery = Mapping[str, str | Sequence[str]]
"""Parameters by name. A name with several values is sent once for each."""

UnitSamples = Annotated[
    Sequence[Literal["production", "golden", "failing", "ignored"]] | None,
    "What the units are samples of; ``production`` stands for units that are not samples.",
]
"""The filter by the kind of sample that a unit is."""


class Options(TypedDict, total=False):
    """The options of every listing."""

    cursor: Annotated[
        int | Checkpoint | None,
        "Where to begin, in the server's counting. Or a `Checkpoint`, to resume after the last item that a walk of the "
        "same query yielded. If None, at the beginning.",
        Bounds(0, LARGEST),
    ]
    max_items: Annotated[int | None, "Yield at most this many items. If None, all.", Bounds(0)]
    on_drift: Annotated[
        OnDrift | None,
        'What to do if items are created or removed during the walk. ``"resync"`` yields every item that is listed '
        "during the whole walk, exactly once. It checks each page against the time of the item yielded last. Items of "
        "the same time come in any order. It requests at least 3 items per page, and 100 if more items have the same "
        "time than fit on a page. If a page cannot be checked, it raises a `DriftError`. "
        '``"ignore"`` follows the cursor. It drops an item that comes again soon, and can miss items after a removal. '
        'If None, ``"resync"``, or ``"ignore"`` in an order in which items can move. If a page cannot be checked, the '
        "walk then follows the cursor, warns once, and sets `WalkStats.is_unchecked`.",
    ]
    extra_query: Annotated[
        ExtraQuery | None,
        'Parameters of the API that are newer than this package, such as ``{"team_ids": ["a", "b"]}``. They are sent '
        "with each page as they are, and belong to the query like filters.",
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
        "as the server's cursors confirm them. If None, the session's.",
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
    """Filters about runs, shared by the listing of runs and the listings of their items."""

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
    """Adds the operators of runs."""

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


_SHARED_FILTERS = {*WithMetadata.__annotations__, *WithOrder.__annotations__, *OfProcedure.__annotations__}


def rank(argument: Argument) -> tuple[bool, ...]:
    """Return the sort key of an argument: required first, then the listing's own, shared ones, and the order."""
    return not argument.is_required, argument.name.startswith("sort_"), argument.name in _SHARED_FILTERS
