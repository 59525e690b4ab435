"""How every model is defined.

The models are frozen for the type checker, but not at run time. A frozen ``__init__`` would call ``object.__setattr__``
for each field, and that triples the cost of decoding a page.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attrs import frozen
else:
    from functools import partial

    from attrs import define

    frozen = partial(define, unsafe_hash=True)

__all__ = ["frozen"]
