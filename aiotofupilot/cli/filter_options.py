"""The command's options for a listing's filters, made from the signature and the docstring of its ``list()``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from attrs import frozen
from cyclopts import Group, Parameter
from docstring_parser import DocstringStyle, parse

from aiotofupilot import listings  # and not the session, which loads aiohttp: help does not wait for it

from .converters import duration, metadata, moment
from .help_panels import panel

__all__ = ["Described", "described", "option"]

_SHARED = frozenset({"self", "limit", "cursor", "max_items", "concurrency", "on_drift", "on_unreadable", "return"})
"""Parameters that every listing has. The command has options of its own for them."""

_FILTERS = Group("Which ones", sort_key=1, help_formatter=panel)

_FALSE_ANYWAY = frozenset({"exclude_units_with_parent", "include_metadata", "include_sequences", "latest_only"})
"""Parameters that the API takes for False where they are not sent. The command has no option that says so."""

_FORMS = {
    Sequence: "An option marked with ... can be given several times: an item has to match one of its values.",
    datetime: (
        "DATE is ISO 8601: 2024-01-31, 2024-01-31T09:30, 2024-01-31T09:30Z or 2024-01-31T09:30+02:00. Without Z or an "
        "offset it is this machine's local time; a date alone is its midnight. It is also today, yesterday, now, or an "
        "age such as 7d, 12h or 30m."
    ),
    timedelta: "DURATION is 90s, 1m30s, 2h or PT1M30S.",
    Mapping: (
        'CONDITION is KEY=TEXT; or a JSON object with several keys, such as {"humidity": {"gte": 40}, "shift": {"in": '
        '["A", "B"]}}, which can be given once. An item has to meet the conditions on all keys. Where a key is given '
        "several texts, the item has to have one of them."
    ),
}
"""By the type of an option's value, how it is typed."""


@frozen
class Described:
    """What the command tells and takes for one listing."""

    model: type
    """The model of an item."""
    is_paged: bool
    """Whether the server cuts the listing into pages."""
    parameters: Mapping[str, inspect.Parameter]
    """The options for the filters, by the name of the parameter."""
    forms: str
    """How the values of some of these options are typed; empty: there is nothing to say of them."""


def option(parameter: str) -> str:
    """Return how a parameter of the library is called on the command line."""
    return f"--{parameter.replace('_', '-')}"


def described(listing: str) -> Described:
    """Return what ``list()`` of a listing takes, as options of the command.

    Args:
        listing: The name of the listing, which is also that of a property of the session.
    """
    listing_class = getattr(listings, listing.capitalize())
    function = listing_class.list
    told = parse(inspect.getdoc(function) or "", DocstringStyle.GOOGLE)
    texts = {argument.arg_name: _text(argument.description or "") for argument in told.params}
    hints = get_type_hints(function)
    own = {name: _without_none(hint) for name, hint in hints.items() if name not in _SHARED}
    kinds = {get_origin(kind) or kind for kind in own.values()}
    parameters = {
        name: _option(name, kind, texts[name], inspect.signature(function).parameters[name].default)
        for name, kind in own.items()
    }
    return Described(
        model=get_args(hints["return"])[0],
        is_paged=not listing_class.is_bare,
        parameters=parameters,
        forms=" ".join(text for kind, text in _FORMS.items() if kind in kinds),
    )


def _text(description: str) -> str:
    """Return what an option's help says: the description, as plain text.

    What None means comes last in a description. It is no news for a command, whose options can be left out.
    """
    return " ".join(description.split()).partition(" None:")[0].replace("``", "")


def _option(name: str, hint: Any, text: str, default: object) -> inspect.Parameter:  # noqa: ANN401 - any annotation
    kind, usual = _kind(hint)
    details: dict[str, Any] = {**usual, "negative": ()} if name in _FALSE_ANYWAY else usual
    is_required = default is inspect.Parameter.empty
    names = [option(name), "--search"] if name == "search_query" else option(name)
    parameter = Parameter(name=names, group=_FILTERS, help=text, required=is_required, **details)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default if is_required else None,
        annotation=Annotated[kind if is_required else kind | None, parameter],
    )


_PLAIN: dict[Any, dict[str, Any]] = {
    bool: {"negative": None},
    datetime: {"metavar": "DATE", "converter": moment},
    timedelta: {"metavar": "DURATION", "converter": duration},
    int: {"metavar": "N"},
    float: {"metavar": "N"},
    str: {"metavar": "TEXT"},
}
"""How a value of each type is typed."""


def _kind(hint: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401 - any annotation
    """Return the type that cyclopts reads from the command line, and how it is described."""
    origin = get_origin(hint)
    if hint in _PLAIN:
        return hint, _PLAIN[hint]
    if origin is Literal:
        return hint, {}
    if origin is Sequence:
        (item,) = get_args(hint)
        metavar = f"{_PLAIN[item]['metavar'] if item in _PLAIN else 'CHOICE'}..."
        return list[item], {"negative": (), **_PLAIN.get(item, {}), "metavar": metavar}  # type: ignore[valid-type]  # known at run time
    # Of a list, cyclopts takes the option several times, and the converter gets what was typed each time. What the
    # converter returns is a dict, and where pydantic is imported, cyclopts has it check that.
    return list[str] | dict[str, Any], {"negative": (), "metavar": "CONDITION...", "converter": metadata}


def _without_none(hint: Any) -> Any:  # noqa: ANN401 - any annotation
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return kinds[0] if len(kinds) == 1 else Union[tuple(kinds)]  # noqa: UP007 - made of a list
    return hint
