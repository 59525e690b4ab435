"""Query parameters by type, with the complaints that zod, TofuPilot's validator, has about them.

Each type is a class that reads the values of one parameter. `read` reads a whole query. Unknown parameters are ignored.
A scalar parameter that is repeated is refused.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import frozen

from .wire import Refusal
from .zod import Complaint, mistyped, not_among

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .request import Query

__all__ = [
    "Asked",
    "Choice",
    "Choices",
    "Flag",
    "Parameter",
    "Scalar",
    "Text",
    "Texts",
    "read",
]

T = TypeVar("T")

Asked = dict[str, Any]
"""What a valid request asks for: parameters with their values. A parameter without value or default is left out."""


@frozen
class Parameter(Generic[T]):
    """One parameter of a listing."""

    name: str
    """As it is written in the query."""

    @property
    def default(self) -> T | None:
        """What counts where the parameter was not sent; None: nothing."""
        return None

    @abstractmethod
    def read(self, values: Sequence[str]) -> T | None:
        """Read the values that were sent, at least one; None: the parameter counts as not sent.

        Raises:
            Complaint: If they are not valid.
        """


@frozen
class Scalar(Parameter[T]):
    """A parameter that must not be repeated."""

    _expected = "string"

    def read(self, values: Sequence[str]) -> T | None:
        """Read the only value that may be sent."""
        if len(values) > 1:
            raise Complaint(self._mistyped("array"))
        return self._parse(values[0])

    @abstractmethod
    def _parse(self, text: str) -> T | None:
        """Read one value."""

    def _mistyped(self, received: str) -> dict[str, Any]:
        """Say that a value is of another type."""
        return mistyped(self._expected, received)


@frozen
class Text(Scalar[str]):
    """A string."""

    maximum: int | None = None
    """Most characters, which JavaScript counts in UTF-16 units; None: any number."""
    required: bool = False
    """Whether the parameter must be sent."""

    def _parse(self, text: str) -> str:
        if self.maximum is not None and len(text.encode("utf-16-le", "surrogatepass")) // 2 > self.maximum:
            raise Complaint(
                {
                    "origin": "string",
                    "code": "too_big",
                    "maximum": self.maximum,
                    "inclusive": True,
                    "message": f"Too big: expected string to have <={self.maximum} characters",
                }
            )
        return text

    @property
    def default(self) -> str | None:
        """Nothing, if that is allowed."""
        if self.required:
            raise Complaint(self._mistyped("undefined"))
        return None


@frozen
class Flag(Scalar[bool]):
    """A boolean: ``true`` or ``1``, ``false`` or ``0``."""

    preset: bool | None = None
    """What counts where the parameter was not sent; None: nothing."""

    _expected = "boolean"

    @property
    def default(self) -> bool | None:
        """What counts where the parameter was not sent."""
        return self.preset

    def _parse(self, text: str) -> bool:
        if text not in {"true", "1", "false", "0"}:
            raise Complaint(self._mistyped("string"))
        return text in {"true", "1"}


@frozen
class Choice(Parameter[str]):
    """One of several words."""

    options: tuple[str, ...]
    """The words."""
    preset: str | None = None
    """What counts where the parameter was not sent; None: nothing."""

    @property
    def default(self) -> str | None:
        """What counts where the parameter was not sent."""
        return self.preset

    def read(self, values: Sequence[str]) -> str:
        """Read one word. zod does not tell a repeated word from an unknown one."""
        if len(values) > 1 or values[0] not in self.options:
            raise Complaint(not_among(self.options))
        return values[0]


@frozen
class Texts(Parameter[frozenset[str]]):
    """Strings: the key may be repeated, and a single value is an array of one."""

    def read(self, values: Sequence[str]) -> frozenset[str]:
        """Take the values as they are."""
        return frozenset(values)


@frozen
class Choices(Parameter[frozenset[str]]):
    """Words of a known set: the key may be repeated."""

    options: tuple[str, ...]
    """The words."""

    def read(self, values: Sequence[str]) -> frozenset[str]:
        """Check the values one by one."""
        unknown = [index for index, value in enumerate(values) if value not in self.options]
        if unknown:
            raise Complaint(*({**not_among(self.options), "index": index} for index in unknown))
        return frozenset(values)


def read(parameters: Sequence[Parameter[Any]], query: Query) -> Asked:
    """Read the query of a request.

    Raises:
        Refusal: If a parameter is not valid. Its issues say all that is wrong, in the order of `parameters`.
    """
    sent: dict[str, list[str]] = {}
    for name, text in query.pairs:
        sent.setdefault(name, []).append(text)
    asked: Asked = {}
    issues: list[dict[str, Any]] = []
    for parameter in parameters:
        values = sent.get(parameter.name)
        try:
            value = parameter.default if values is None else parameter.read(values)
        except Complaint as complaint:
            issues += complaint.at(parameter.name)
        else:
            if value is not None:
                asked[parameter.name] = value
    if issues:
        raise Refusal(400, "BAD_REQUEST", "Input validation failed", issues)
    return asked
