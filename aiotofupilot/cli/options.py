"""The command's options for a listing, made from the signature and the docstring of its ``list()``."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from attrs import frozen
from cyclopts import Group, Parameter
from docstring_parser import DocstringStyle, parse

from aiotofupilot import _listings  # and not the session, which loads aiohttp: help does not wait for it

from .converters import duration, metadata, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Described", "described", "option", "with_signature"]

_SHARED = frozenset({"self", "limit", "cursor", "max_items", "concurrency", "on_drift", "return"})
"""Parameters that every listing has. The command has options of its own for them."""

_FILTERS = Group("Which ones", sort_key=1)


@frozen
class Described:
    """What the command tells and takes for one listing."""

    summary: str
    """The first sentence of the docstring."""
    details: str
    """What the docstring says beyond that, before its arguments."""
    model: type
    """The model of an item."""
    is_paged: bool
    """Whether the server cuts the listing into pages."""
    parameters: Mapping[str, inspect.Parameter]
    """The options for the filters, by the name of the parameter."""


def option(parameter: str) -> str:
    """Return how a parameter of the library is called on the command line."""
    return f"--{parameter.replace('_', '-')}"


def described(listing: str) -> Described:
    """Return what ``list()`` of a listing takes, as options of the command.

    Args:
        listing: The name of the listing, which is also that of a property of the session.
    """
    kind = getattr(_listings, listing.capitalize())
    function = kind.list
    told = parse(inspect.getdoc(function) or "", DocstringStyle.GOOGLE)
    texts = {argument.arg_name: _text(argument.description or "") for argument in told.params}
    hints = get_type_hints(function)
    parameters = {
        name: _option(name, hints[name], texts[name], parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in _SHARED
    }
    return Described(
        summary=(told.short_description or "").partition(". ")[0].removesuffix(".") + ".",
        details=told.long_description or "",
        model=get_args(hints["return"])[0],
        is_paged=not kind.is_bare,
        parameters=parameters,
    )


def _text(description: str) -> str:
    """Return what an option's help says. What None means is no news: the option is left out."""
    return " ".join(description.split()).partition(" None:")[0]


def _option(name: str, hint: Any, text: str, default: object) -> inspect.Parameter:  # noqa: ANN401 - any annotation
    kind, details = _kind(_without_none(hint))
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
        return list[item], {"negative": (), **_PLAIN.get(item, {})}  # type: ignore[valid-type]  # known at run time
    return dict[str, Any], {"metavar": "JSON", "converter": metadata, "accepts_keys": False, "n_tokens": 1}


def _without_none(hint: Any) -> Any:  # noqa: ANN401 - any annotation
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return kinds[0] if len(kinds) == 1 else Union[tuple(kinds)]  # noqa: UP007 - made of a list
    return hint


def with_signature(parameters: Sequence[inspect.Parameter], body: Callable[..., Any], name: str, doc: str) -> Any:  # noqa: ANN401 - a function
    """Return a function that cyclopts takes for a command with these parameters.

    Args:
        parameters: All of them, keyword-only.
        body: Called with the arguments by name.
        name: The command's name.
        doc: Its help.
    """

    async def command(**arguments: object) -> None:
        await body(**arguments)

    command.__name__ = command.__qualname__ = name
    command.__doc__ = doc
    command.__signature__ = inspect.Signature(list(parameters))  # type: ignore[attr-defined]  # inspect looks for it
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return cast("Any", command)
