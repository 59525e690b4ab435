"""Reads what a listing takes from a TypedDict, whose keys are the arguments of ``list()``.

The annotation of a key says everything about the argument: its type, its documentation, its bounds and its default.

    class StationArguments(PageOptions, total=False):
        search_query: Annotated[str | None, "Text that the name contains.", Bounds(high=100)]

`arguments_of` reads the keys, `describe` makes the signature and the docstring of ``list()`` from them, and `_encoding`
checks and sends what is given. The command and the sandbox read `Argument` too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from textwrap import fill
from types import NoneType, UnionType
from typing import Any, Literal, Required, Union, get_args, get_origin, get_type_hints

from attrs import frozen


@frozen
class Bounds:
    """The bounds of a number, or of the length of a string in UTF-16 code units."""

    low: int | None = None
    """The least. None: there is no least."""
    high: int | None = None
    """The most. None: there is no most."""

    def __str__(self) -> str:
        if self.low is None:
            return f"at most {self.high}"
        return f"{self.low} or more" if self.high is None else f"{self.low} to {self.high}"


@frozen
class Default:
    """The value of an argument that is not given, if that is not None."""

    value: object


@frozen
class ServerDefault:
    """The server's value of a parameter that is not sent."""

    value: bool | str


@frozen(kw_only=True)
class Argument:
    """An argument of ``list()``. A filter is a parameter of the API with the same name."""

    name: str
    """The name of the argument."""
    annotation: object
    """The type as type checkers see it, such as ``Sequence[str] | None``."""
    doc: str
    """What it means: sentences, with names and values in double backticks."""
    is_required: bool = False
    """Whether it has to be given."""
    bounds: Bounds | None = None
    """What a number can be, or how long a string can be. None: there are no bounds."""
    default: object = None
    """Its value if it is not given. None is not sent."""
    server_default: bool | str | None = None
    """What the server takes for a filter that is not sent. None: the server does not filter."""

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
        """Whether it takes several values. Each is sent under the same name."""
        return get_origin(self.type) is Sequence

    @property
    def item_type(self) -> Any:  # noqa: ANN401 - any annotation
        """The type of one value, such as `str`."""
        return get_args(self.type)[0] if self.is_repeated else self.type

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that can be given. Empty: others too."""
        return get_args(self.item_type) if get_origin(self.item_type) is Literal else ()

    @property
    def full_doc(self) -> str:
        """The documentation with the bounds, and with what the server takes if the argument is not sent."""
        told = self.doc
        if self.bounds:
            sentence, _, rest = told.partition(".")
            length = " characters as UTF-16 counts them" if self.type is str else ""
            told = f"{sentence}, {self.bounds}{length}.{rest}"
        return told if self.server_default is None else f"{told} None: ``{self.server_default}``."


def arguments_of(declared: type) -> tuple[Argument, ...]:
    """Return the arguments that a TypedDict declares, those of its bases first."""
    hints = get_type_hints(declared, include_extras=True)
    return tuple(_argument(name, hint) for name, hint in hints.items())


def _argument(name: str, hint: object) -> Argument:
    is_required = get_origin(hint) is Required
    annotation, doc, *facts = get_args(get_args(hint)[0] if is_required else hint)
    told: dict[str, Any] = {}
    for fact in facts:
        match fact:
            case Bounds():
                told["bounds"] = fact
            case Default(value):
                told["default"] = value
            case ServerDefault(value):
                told["server_default"] = value
            case _:
                raise TypeError(f"{name} is annotated with {fact!r}, which nothing reads")
    argument = Argument(name=name, annotation=annotation, doc=doc, is_required=is_required, **told)
    if argument.bounds and argument.is_repeated:
        raise TypeError(f"{name} takes several values, and bounds are those of a single one")
    return argument


def describe(
    method: Callable[..., object], filters: Sequence[Argument], options: Sequence[Argument]
) -> tuple[str, str]:
    """Give a ``list()`` the signature and the docstring for ``help()``. Return its own first sentence, and the rest."""
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
