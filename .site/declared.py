"""Adds to the reference what the source says in its own way.

The arguments of a listing's ``list()`` are declared in a TypedDict, and a method of a blocking class is declared by the
name of the one that it calls. Here the reference gets them as ``help()`` shows them. What attrs is told of a field is
left out, except for the default. And a name in single backticks becomes a link to its place in the reference. A class
that has no place there fails the build.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from contextlib import suppress
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import griffe

from aiotofupilot.listings import NAMES, Options, PageOptions, listing_class
from aiotofupilot.listings._arguments import arguments_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiotofupilot.listings import Listing

NAME = re.compile(r"(?<![`\w])`([A-Za-z]\w*)(\.\w+)?(?:\(\))?`(?!`)")
MODULE = re.compile(r"\b(?:\w+\.)+(?=\w)")
BRIDGED = re.compile(r"bridged\((\w+)(?:\[\w\])?\.(\w+)\)")
STANDARD = {*vars(builtins), "datetime", "timedelta", "Literal"}
"""Names that have their places in Python's own documentation."""


class Declared(griffe.Extension):
    """Gives the listings their arguments, and the documentation its links."""

    def __init__(self, homes: dict[str, str]) -> None:
        """Take the path of the definition of each public name."""
        self.homes = homes

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Change the package after all of it has been read, and before a page is made of it."""
        self.package = pkg
        for name in NAMES:
            listing = listing_class(name)
            declare(pkg[f"{listing.__module__}.{listing.__name__}.list".partition(".")[2]], listing)
            show_details(pkg[f"{listing.__module__}.{listing.__name__}".partition(".")[2]])
        for cls in pkg["blocking"].classes.values():
            for member in cls.members.values():
                called = [str(one.value) for one in member.decorators] if isinstance(member, griffe.Function) else ()
                if called and called[0].startswith("bridged("):
                    self.bridge(member, *BRIDGED.fullmatch(called[0]).groups())
        for options in (Options, PageOptions):
            for argument in arguments_of(options):
                if member := pkg[f"listings._arguments.{options.__name__}"].members.get(argument.name):
                    member.annotation = annotation(argument.annotation)
                    member.docstring = griffe.Docstring(argument.full_doc, parent=member)
        for module in modules(pkg):
            module.docstring.value = introduction(module)
        for thing in documented(pkg):
            thing.docstring.value = NAME.sub(self.linked, thing.docstring.value)
            show_default(thing)

    def bridge(self, function: griffe.Function, cls: str, method: str) -> None:
        """Give a method of a blocking class what the method of asyncio has. It returns the blocking form."""
        path = self.homes.get(cls) or self.package["blocking"].imports[cls]
        of = self.package[f"{path}.{method}".partition(".")[2]]
        function.parameters = of.parameters
        function.docstring = griffe.Docstring(of.docstring.value, parent=function)
        returned = re.sub(r"^Async(?:Generator|Iterator)\[(.*?)(?:, None)?\]$", r"Iterator[\1]", str(of.returns))
        name, rest = re.fullmatch(r"(\w+)(.*)", returned).groups()
        blocking = f"Blocking{name.replace('DetailsWalk', 'Walk')}"
        function.returns = f"{blocking if blocking in self.homes else name}{rest}"

    def linked(self, found: re.Match[str]) -> str:
        """Return a name with a link to its place, if it is a class or a member of one."""
        name, member = found[1], found[2] or ""
        if name in STANDARD or not name[0].isupper():
            return found[0]
        path = self.homes.get(name, name)
        with suppress(KeyError):  # the page does not resolve what is not there
            if member and not self.package[f"{path}{member}".partition(".")[2]].docstring:
                member = ""  # the documentation of the class has it
        return f"[{found[0]}][{path}{member}]"


def modules(module: griffe.Module) -> Iterator[griffe.Module]:
    """Yield the modules that have documentation, from one downwards."""
    if module.docstring:
        yield module
    for inner in module.modules.values():
        if not inner.is_alias:
            yield from modules(inner)


def introduction(module: griffe.Module) -> str:
    """Return the documentation of a module in Markdown, without its map, which is for readers of the source."""
    names = "|".join(name for name, inner in module.modules.items() if not inner.is_alias) or "$"
    text = inspect.cleandoc(module.docstring.value)
    paragraphs = (part for part in text.split("\n\n") if not re.match(rf"(- )?`({names})`|The modules, ", part))
    return "\n\n".join(map(in_markdown, paragraphs))


def in_markdown(paragraph: str) -> str:
    """Return a paragraph with a table or a tree in the place of what would only look right in ``help()``."""
    lines = paragraph.split("\n")
    if "─" in paragraph:
        return "\n".join(["```text", *(line.replace("``", "") for line in lines), "```"])
    if not lines[0].startswith("===="):
        return paragraph
    start = lines[0].rindex(" ") + 1
    rows = [f"| {line[:start].strip()} | {line[start:].strip()} |" for line in lines if line[0] != "="]
    return "\n".join([rows[0], "|-|-|", *rows[1:]])


def declare(function: griffe.Function, listing: type[Listing[Any]]) -> None:
    """Give a ``list()`` the arguments that its TypedDict declares, and the documentation that it has at run time."""
    del function.parameters["arguments"]
    for name, parameter in inspect.signature(listing.list).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            default = None if parameter.default is parameter.empty else repr(parameter.default)
            kind = griffe.ParameterKind.keyword_only
            declared = annotation(parameter.annotation)
            function.parameters.add(griffe.Parameter(name, kind=kind, annotation=declared, default=default))
    function.docstring.value = inspect.getdoc(listing.list)
    function.parent.docstring.value += (
        f"\n\n``session.{listing.name}`` is of this class. `Listing` and `Paginator` say what all listings can do."
    )


def show_details(cls: griffe.Class) -> None:
    """Let the class of the details stand among the bases of a listing by its name, which is a string in the source."""
    written = (ast.parse(str(base).replace("'", ""), mode="eval").body for base in cls.bases)
    cls.bases = [griffe.get_expression(base, parent=cls.parent) for base in written]


def show_default(thing: griffe.Object) -> None:
    """Let a field of attrs have its default as its value."""
    if isinstance(thing, griffe.Attribute) and str(thing.value).startswith("field("):
        thing.value = {argument.name: argument.value for argument in thing.value.arguments}.get("default")


def annotation(declared: Any) -> str:  # noqa: ANN401 - any annotation
    """Return a type as a program writes it."""
    kinds = get_args(declared) if get_origin(declared) in (Union, UnionType) else (declared,)
    texts = ["None" if kind is NoneType else str(kind) if get_args(kind) else kind.__name__ for kind in kinds]
    return MODULE.sub("", " | ".join(texts))


def documented(thing: griffe.Object) -> Iterator[griffe.Object]:
    """Yield what has documentation, from an object downwards. What is only imported is left out."""
    if thing.docstring:
        yield thing
    for member in thing.members.values():
        if not member.is_alias:
            yield from documented(member)
