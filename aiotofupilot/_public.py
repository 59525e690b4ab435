"""Decides when a public name is loaded, and what ``help()`` shows of it.

A name is loaded when it is first used, by a module's ``__getattr__`` (PEP 562), because pytest imports this package in
every test run, for its plugin.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

P = ParamSpec("P")
T = TypeVar("T")


def lazy(
    package: str, names: Mapping[str, Sequence[str]], whole: Sequence[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package that re-exports names of its modules.

    The functions also find ``__all__``, unless the package sets it, and the package's public modules.

    Args:
        package: The package's ``__name__``.
        names: Modules of the package, each with its names to re-export.
        whole: Modules whose classes are all re-exported. They are searched, and so loaded, in this order.
    """
    modules = {name: module for module, of_module in names.items() for name in of_module}
    public = {module.partition(".")[0] for module in (*names, *whole) if not module.startswith("_")}

    def every_name() -> list[str]:
        return sorted({*modules, *(name for module in whole for name in import_module(f"{package}.{module}").__all__)})

    def load(name: str) -> object:
        if name == "__all__":
            return every_name()
        if name in public:
            return import_module(f"{package}.{name}")
        for module in (modules[name],) if name in modules else whole if name[:1].isupper() else ():
            loaded = import_module(f"{package}.{module}")
            if name in modules or name in loaded.__all__:
                value = getattr(loaded, name)
                setattr(sys.modules[package], name, value)  # so the next access does not come here
                return value
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])

    return load, lambda: sorted({*vars(sys.modules[package]), "__all__", *every_name(), *public})


def internal(constructor: Callable[P, T]) -> Callable[P, T]:
    """Keep the parameters of a constructor out of ``help()`` and signatures, because only this package calls it."""
    own = next(iter(inspect.signature(constructor).parameters.values()))
    constructor.__signature__ = inspect.Signature([own])  # type: ignore[attr-defined] # what inspect looks for first
    return constructor
