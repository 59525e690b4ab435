"""The values that TofuPilot's listings are made of.

- `items` has the items of the listings, and `refs` has what they hold and refer to.
- `details` has what is read by itself, and `identity` whose key a session has.
- `page` is one page of a listing, and an item without a model.
- `fields` describes the fields of a model, for whatever reads or writes all models.
- `display` shows items and pages in a notebook.

Field names are the API's own. A few names are other ones on the wire. Such a field has that name in its
attrs metadata, under ``"wire"``, and `wire_name` reads it. A field that the server leaves out where it has no value,
rather than send null, has ``"null": False`` there. A field that is a secret has ``repr=False``. No table, file or
database that this package writes has it, and `to_wire` can leave it out.

All models are frozen attrs classes with slots. They compare and hash by value. Metadata and the items of a page cannot
be hashed, so they are left out of the hash. A model can be a subclass of one that has fewer of its fields, such as
`Unit` of `UnitRef`, but objects of two classes are never equal. Enumerated values are plain strings, so a value that
TofuPilot adds later is accepted. Arrays in items are tuples.

The names of the package are those of its modules. A module is loaded when one of its models is first used.

Source: https://www.tofupilot.com/docs/api
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .details import *  # noqa: F403 - the names of the models stand there
    from .fields import wire_name as wire_name
    from .identity import *  # noqa: F403 - the names of the models stand there
    from .items import *  # noqa: F403 - the names of the models stand there
    from .page import *  # noqa: F403 - the names of the models stand there
    from .refs import *  # noqa: F403 - the names of the models stand there
else:  # hidden from type checkers, because they would then accept any name
    from aiotofupilot import _public

    _WHOLE = ("page", "refs", "items", "identity", "details")
    __getattr__, __dir__ = _public.lazy(__name__, {"fields": ("wire_name",)}, _WHOLE)
