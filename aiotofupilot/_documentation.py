"""Hides two things from ``help()``: a word that only pytest reads, and constructors that only this package calls."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NotRewritten", "internal"]

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


def internal(constructor: Callable[P, T]) -> Callable[P, T]:
    """Keep the parameters of a constructor out of ``help()`` and signatures, because only this package calls it."""
    own = next(iter(inspect.signature(constructor).parameters.values()))
    constructor.__signature__ = inspect.Signature([own])  # type: ignore[attr-defined] # what inspect looks for first
    return constructor
