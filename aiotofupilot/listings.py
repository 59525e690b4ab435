"""The classes of a session's listings, for annotations and for programs that read the signature of ``list()``.

``session.runs`` is a `Runs`. A class is loaded when it is first used. No class loads aiohttp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _listings

__all__ = _listings.__all__  # pyright: ignore[reportUnsupportedDunderAll] - it takes the names from the star below

if TYPE_CHECKING:
    from ._listings import *  # noqa: F403 - the register of the listings is there
else:  # hidden from type checkers, because they would then accept any name
    from . import _lazy

    __getattr__, __dir__ = _lazy.lazy_from(__name__, {name: f"._listings.{name.lower()}" for name in __all__})
