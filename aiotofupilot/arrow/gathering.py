"""The columns of a record batch while its rows arrive. Values are added as they come, and then become an array."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .pools import Share

__all__ = ["MOMENT", "Gathering", "Lists", "Maps", "Members", "Moments", "Plain", "Structs", "Texts"]

MOMENT = pa.timestamp("us", "UTC")

_arrow: Any = pa  # the constructors of nested arrays take arguments that the stubs do not know

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Gathering(Protocol):
    """A column, with the rows that have arrived so far."""

    def add(self, values: Sequence[Any]) -> None:
        """Add the values of more rows. A value may be None."""
        ...

    def build(self) -> pa.Array[Any]:
        """Return the array of all values, and start over. Values in pools must have been converted."""
        ...


class Plain(Gathering):
    """Values that pyarrow takes as they are."""

    def __init__(self, share: Share) -> None:
        self._share = share

    def add(self, values: Sequence[Any]) -> None:
        """Add values."""
        self._share.values += values

    def build(self) -> pa.Array[Any]:
        """Return their array."""
        return self._share.take()


class Moments(Plain):
    """Moments. They are gathered as durations since 1970, because pyarrow converts these in a quarter of the time."""

    def add(self, values: Sequence[datetime | None]) -> None:
        """Add moments, which are timezone-aware."""
        self._share.values += [None if value is None else value - _EPOCH for value in values]

    def build(self) -> pa.Array[Any]:
        """Return their array."""
        return self._share.take().view(pa.int64()).view(MOMENT)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


class Texts(Plain):
    """Values of several types. They are gathered as their JSON text."""

    def add(self, values: Sequence[Any]) -> None:
        """Add values."""
        self._share.values += [None if value is None else _json(value) for value in values]


class Members:
    """The attributes of a model. Each is a column.

    Args:
        read: Takes items, and returns a list of values for each attribute.
        columns: The column of each attribute, by its name.
    """

    def __init__(self, read: Callable[[Sequence[Any]], Sequence[list[Any]]], columns: Mapping[str, Gathering]) -> None:
        self._read = read
        self._columns = columns

    def add(self, items: Sequence[Any]) -> None:
        """Add models or structs. None of them is None."""
        for column, values in zip(self._columns.values(), self._read(items), strict=True):
            column.add(values)

    def build(self) -> list[pa.Array[Any]]:
        """Return the array of each attribute, and start over."""
        return [column.build() for column in self._columns.values()]


class Structs:
    """Models or structs. Each becomes a struct.

    Args:
        model: The class of the models, also if the values are structs.
        fields: Names and types of the attributes.
        members: The attributes, as columns.
    """

    def __init__(self, model: type, fields: Sequence[pa.Field[Any]], members: Members) -> None:
        self._model = model
        self._fields = fields
        self._members = members
        self._missing: list[bool] = []

    def add(self, values: Sequence[Any]) -> None:
        """Add values."""
        missing = [value is None for value in values]
        self._missing += missing
        if True in missing:
            blank = self._blank(values)
            values = [blank if value is None else value for value in values]
        self._members.add(values)

    def build(self) -> pa.Array[Any]:
        """Return their array."""
        missing, self._missing = self._missing, []
        array: pa.Array[Any] = _arrow.StructArray.from_arrays(
            self._members.build(), fields=self._fields, mask=_mask(missing)
        )
        return array

    def _blank(self, values: Sequence[Any]) -> Any:  # noqa: ANN401 - a model or a struct
        """Return an item without values, which takes the place of None. It is a struct if the others are structs.

        Python reads an attribute faster if all objects are of one class.
        """
        others = next((value.__class__ for value in values if value is not None), self._model)
        return _without_values(others if hasattr(others, "__struct_fields__") else self._model)


@cache
def _without_values(kind: Any) -> Any:  # noqa: ANN401 - a class of models or structs, and an object of it
    names = getattr(kind, "__struct_fields__", None) or [field.name for field in kind.__attrs_attrs__]
    return kind(**dict.fromkeys(names))


def _mask(missing: list[bool]) -> pa.Array[Any] | None:
    return pa.array(missing) if True in missing else None


class _Several:
    """Values that each hold several other values, or none."""

    def __init__(self) -> None:
        self._lengths: list[int] = []
        self._missing: list[bool] = []

    def _count(self, values: Sequence[Any]) -> None:
        self._missing += [value is None for value in values]
        self._lengths += [0 if value is None else len(value) for value in values]

    def _bounds(self) -> tuple[pa.Array[Any], pa.Array[Any] | None]:
        """Return where each value begins when all are joined, and which values are None, and start over.

        The second array is None if no value is None.
        """
        starts = pa.array(list(accumulate(self._lengths, initial=0)), pa.int32())
        mask = _mask(self._missing)
        self._lengths, self._missing = [], []
        return starts, mask


class Lists(_Several):
    """Tuples. Each becomes a list.

    Args:
        kind: The type of the column.
        elements: The column of the elements of all tuples.
    """

    def __init__(self, kind: pa.DataType, elements: Gathering) -> None:
        super().__init__()
        self._type = kind
        self._elements = elements

    def add(self, values: Sequence[Sequence[Any] | None]) -> None:
        """Add values."""
        self._count(values)
        self._elements.add(list(chain.from_iterable(filter(None, values))))

    def build(self) -> pa.Array[Any]:
        """Return their array."""
        starts, mask = self._bounds()
        array: pa.Array[Any] = _arrow.ListArray.from_arrays(starts, self._elements.build(), type=self._type, mask=mask)
        return array


class Maps(_Several):
    """Mappings from strings to values. The values become JSON text.

    Args:
        kind: The type of the column.
        keys: The column of the keys of all mappings.
        texts: The column of the JSON texts of all their values.
    """

    def __init__(self, kind: pa.DataType, keys: Gathering, texts: Gathering) -> None:
        super().__init__()
        self._type = kind
        self._keys, self._texts = keys, texts

    def add(self, values: Sequence[Mapping[str, Any] | None]) -> None:
        """Add values."""
        self._count(values)
        present = [value for value in values if value]
        self._keys.add(list(chain.from_iterable(present)))
        self._texts.add([_json(member) for value in present for member in value.values()])

    def build(self) -> pa.Array[Any]:
        """Return their array."""
        starts, mask = self._bounds()
        array: pa.Array[Any] = _arrow.MapArray.from_arrays(
            starts, self._keys.build(), self._texts.build(), type=self._type, mask=mask
        )
        return array
