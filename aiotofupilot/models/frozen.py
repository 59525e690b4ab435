"""How every model is defined: as a frozen attrs class whose documentation has its fields."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attrs import frozen
else:
    import attrs

    from aiotofupilot._documentation import fields_explained

    def frozen(cls: type | None = None, **options: bool) -> object:
        """Define a model, with the options of ``attrs.frozen``."""
        if cls is None:
            return lambda cls: frozen(cls, **options)
        return fields_explained(attrs.frozen(cls, **options))


__all__ = ["frozen"]
