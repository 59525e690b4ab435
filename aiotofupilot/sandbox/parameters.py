"""The types of query parameters, with the complaints of zod, TofuPilot's validator.

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
"""The parameters of a valid request, with their values. A parameter without a value and a default is left out."""


@frozen
class Parameter(Generic[T]):
    """One parameter of a listing."""

    name: str
    """The name in the query."""

    @property
    def default(self) -> T | None:
        """The value if the parameter was not sent; None: there is none."""
        return None

    @abstractmethod
    def read(self, values: Sequence[str]) -> T | None:
        """Return the value of what was sent, at least one text; None: the parameter counts as not sent.

        Raises:
            Complaint: The texts are not valid.
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
    """The most characters, in UTF-16 code units as JavaScript counts; None: any number."""
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
        """None, if the parameter is not required."""
        if self.required:
            raise Complaint(self._mistyped("undefined"))
        return None


@frozen
class Flag(Scalar[bool]):
    """A boolean: ``true`` or ``1``, ``false`` or ``0``."""

    preset: bool | None = None
    """The value if the parameter was not sent; None: there is none."""

    _expected = "boolean"

    @property
    def default(self) -> bool | None:
        """The value if the parameter was not sent."""
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
    """The value if the parameter was not sent; None: there is none."""

    @property
    def default(self) -> str | None:
        """The value if the parameter was not sent."""
        return self.preset

    def read(self, values: Sequence[str]) -> str:
        """Read one word. zod has the same complaint about a repeated word and an unknown one."""
        if len(values) > 1 or values[0] not in self.options:
            raise Complaint(not_among(self.options))
        return values[0]


@frozen
class Texts(Parameter[frozenset[str]]):
    """Strings. The key may be repeated, and a single value is an array of one."""

    def read(self, values: Sequence[str]) -> frozenset[str]:
        """Take the values as they are."""
        return frozenset(values)


@frozen
class Choices(Parameter[frozenset[str]]):
    """Words of a known set. The key may be repeated."""

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
        Refusal: A parameter is not valid. The issues name all faults, in the order of `parameters`.
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
