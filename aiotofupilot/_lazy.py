"""Loads public names when they are first used, with a module's ``__getattr__`` (PEP 562).

pytest imports every installed plugin in every test run, and with it the plugin's parent packages. This package has a
plugin, so it must cost little to import.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["lazy", "lazy_from"]


def lazy(
    package: str, names: Sequence[str], modules: Sequence[str], whole: Sequence[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package that re-exports names of its modules.

    Args:
        package: The package's ``__name__``.
        names: The names that the package re-exports, apart from those of `whole`.
        modules: The package's modules whose ``__all__`` hold these names. They become attributes of the package too.
            They are searched in this order, so put the lighter modules first: their names then load no heavier module.
        whole: Further modules, whose names are all re-exported. They are names of classes. The ``__all__`` of the
            package has them too, if it is not set, and asking for it loads these modules.
    """
    public = {module.partition(".")[0] for module in (*modules, *whole) if not module.startswith("_")}

    def every_name() -> list[str]:
        return sorted({*names, *(name for module in whole for name in import_module(f"{package}.{module}").__all__)})

    def load(name: str) -> object:
        if name == "__all__" and whole:
            return every_name()
        if name in public:
            return import_module(f"{package}.{name}")
        if name in names or name[:1].isupper():
            for module in modules if name in names else whole:
                if name in (loaded := import_module(f"{package}.{module}")).__all__:
                    value = getattr(loaded, name)
                    setattr(sys.modules[package], name, value)  # so the next access does not come here
                    return value
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])

    def listing() -> list[str]:
        return sorted({*vars(sys.modules[package]), "__all__", *every_name(), *public})

    return load, listing


def lazy_from(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the same as `lazy`, for a package that knows the module of each name. Only this module is loaded.

    Args:
        package: The package's ``__name__``.
        homes: The module that holds each name. A module with a leading dot is not in the package but next to it.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        value = getattr(import_module(f".{homes[name]}", package), name)
        setattr(sys.modules[package], name, value)  # so the next access does not come here
        return value

    def listing() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, listing
