"""The names of fields in the API's JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import attrs

__all__ = ["wire_name"]


def wire_name(field: attrs.Attribute[Any]) -> str:
    """Return the key that a field of a model has in the API's JSON.

    Args:
        field: One of ``attrs.fields(model)``.
    """
    name: str = field.metadata.get("wire", field.name)
    return name
