"""The values that TofuPilot's listings are made of.

- `items` has the items of the listings, and the `Identity` of a key. `refs` and `runs` have what they hold and refer
  to, and `refs` has procedures and deployments.
- `details` has single items.
- `page` is one page of a listing, and an item without a model.
- `fields` describes the fields of a model.
- `display` shows items and pages in a notebook.

Field names are the API's own. If the name on the wire differs, it is in the field's attrs metadata, under ``"wire"``,
and `wire_name` reads it. Once a page was read, the attribute also has that name. A field that the server leaves out
instead of sending null has ``"null": False`` there. A secret has ``repr=False``: no table, file or database has it, and
`to_wire` can leave it out.

All models are frozen attrs classes with slots. They compare and hash by value, but the hash leaves out metadata and the
items of a page. Objects of two classes are never equal, even if one is a subclass. Enumerated values are plain strings,
so a value that TofuPilot adds later is accepted. Numbers keep the type that they have in JSON. Datetimes are
timezone-aware. Arrays in items are tuples.

A module is loaded when one of its models is first used.

Source: https://www.tofupilot.com/docs/api
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .details import *  # noqa: F403 - the names of the models stand there
    from .fields import wire_name as wire_name
    from .items import *  # noqa: F403 - the names of the models stand there
    from .page import *  # noqa: F403 - the names of the models stand there
    from .refs import *  # noqa: F403 - the names of the models stand there
    from .runs import *  # noqa: F403 - the names of the models stand there
else:  # hidden from type checkers, because they would then accept any name
    from aiotofupilot import _public

    _WHOLE = ("page", "refs", "runs", "items", "details")
    __getattr__, __dir__ = _public.lazy(__name__, {"fields": ("wire_name",)}, _WHOLE)
