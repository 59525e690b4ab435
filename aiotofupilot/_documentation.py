"""What ``help()`` shows.

It shows what the fields of a value mean. It does not show a word that only pytest reads, and constructors that only
this package calls.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NotRewritten", "fields_explained", "internal"]

P = ParamSpec("P")
T = TypeVar("T")


class NotRewritten(str):
    """A docstring that tells pytest not to rewrite its module, without showing that to readers.

    pytest rewrites the assertions of every package that has a plugin. If such a package is imported before pytest runs,
    pytest warns, unless it finds a certain word in the docstring of the package.

    Source: https://docs.pytest.org/en/stable/how-to/assert.html#disabling-assert-rewriting
    """

    __slots__ = ()

    def __contains__(self, text: object) -> bool:
        return text == "PYTEST_DONT_REWRITE" or (isinstance(text, str) and super().__contains__(text))


def fields_explained(cls: type[T]) -> type[T]:
    """Add to the documentation of a class what the string literals under its fields say.

    Python drops these literals, so they are read from the source, and only when somebody asks.
    """
    cls.__doc__ = _Explained(cls.__doc__)  # type: ignore[assignment]  # Python asks a descriptor for the text
    return cls


_STEP = "    "


class _Explained:
    """The documentation of a class with fields."""

    def __init__(self, summary: str | None) -> None:
        self._summary = summary

    def __get__(self, instance: object, owner: type) -> str | None:
        if self._summary is None:  # Python runs without docstrings
            return None
        try:
            source = inspect.getsource(owner)
        except OSError:  # the source is not installed
            return self._summary
        (definition,) = ast.parse(inspect.cleandoc(source)).body
        body = getattr(definition, "body", [])
        fields = [
            f"{field.target.id}: {' '.join(text.value.value.split())}"
            for field, text in pairwise(body)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
            and not field.target.id.startswith("_")
        ]
        lines = (textwrap.fill(text, 116, initial_indent=_STEP, subsequent_indent=2 * _STEP) for text in fields)
        return "\n".join([inspect.cleandoc(self._summary), "", "Attributes:", *lines])


def internal(constructor: Callable[P, T]) -> Callable[P, T]:
    """Keep the parameters of a constructor out of ``help()`` and signatures, because only this package calls it."""
    own = next(iter(inspect.signature(constructor).parameters.values()))
    constructor.__signature__ = inspect.Signature([own])  # type: ignore[attr-defined] # what inspect looks for first
    return constructor
