"""A value that nothing shows."""

from __future__ import annotations

from typing import Any, Self

from attrs import field, frozen


@frozen(repr=False)
class Secret:
    """A value that its repr does not show.

    Some tools show the local variables of every function in a traceback. So a function that can raise an error never
    has a key or a password as a plain local variable.
    """

    value: Any = field(repr=False)  # rich ignores the class's own repr, but not this

    @classmethod
    def of(cls, value: object) -> Self:
        """Return a value as a secret. A secret is returned unchanged."""
        return value if isinstance(value, cls) else cls(value)

    def __repr__(self) -> str:
        return "None" if self.value is None else "***"
