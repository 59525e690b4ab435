"""A value that nothing shows."""

from __future__ import annotations

from typing import Any, Self

from attrs import field, frozen


@frozen(repr=False)
class Secret:
    """A value that its repr does not show.

    Some tools show the local variables of every function in a traceback. So no function that can raise keeps a key or a
    password in a local variable as it is.
    """

    value: Any = field(repr=False)  # rich shows the fields of a class by this, whatever its repr is

    @classmethod
    def of(cls, value: object) -> Self:
        """Return a value as a secret, also if it is one already."""
        return value if isinstance(value, cls) else cls(value)

    def __repr__(self) -> str:
        return "None" if self.value is None else "***"
