"""Stream every listing of TofuPilot with asyncio: one ``async for`` follows the cursor through every page.

    async with TofuPilotSession() as session:
        async for procedure in session.procedures.list(search_query="battery"):
            print(procedure.name)

The session finds the key in ``TOFUPILOT_API_KEY`` and the server in ``TOFUPILOT_URL``. Each listing is an attribute,
such as ``session.runs``. Its ``list()`` takes the filters and returns a `Paginator`.

- ``async for`` yields the items, and ``await`` returns the first page. ``collect()`` returns all items, ``first()`` the
  first one, and ``count()`` their number.
- ``details()`` requests everything that the API knows of each item.
- ``walk()`` returns a `Walk`. Its `Checkpoint` lets another process resume it.
- ``since(watermark)`` yields only what is new, and ``follow()`` yields items as they come.
- Each item comes exactly once, even if others are created or removed. ``concurrency=16`` requests 16 pages at once.
- The session's `RetryPolicy` sends failed requests again. When it gives up, a `TofuPilotError` is raised.
- Items are frozen models. ``help(Run)`` says what each field means.

The rest is for readers of the source. It lists the parts of the package from top to bottom. Each part imports only from
parts below it.

- `cli`, `testing` and `__main__` use the public names, as any program does. `testing` has a plugin for pytest, and
  PYTEST_DONT_REWRITE in this text stops pytest's warning that the package was imported before the plugin.
- `mirror` keeps a DuckDB database up to date, and `dlt` loads listings into other databases. `doctor` looks at how a
  server lists, and says what that implies.
- `blocking` has the session and the listings for programs without asyncio. `_blocking` is its event loop in a thread.
- `arrow` turns listings into Arrow. Like every package for an optional library, it is imported only when it is used.
- `_session` holds the key, the server and the options, and puts listings and HTTP together.
- `sandbox` is a TofuPilot server for tests. The client never imports it.
- `listings` says what can be listed: the path of each listing, its model and its filters. A session inherits from it.
- `_attachments` says how an attachment becomes a file. It asks the listings for a new address.
- `_paging` says how a listing is walked, and knows no HTTP. `_http` says how one request gets through, and knows no
  paging. Neither imports the other.
- `_wire` turns bytes into values and values into texts, without I/O.
- `settings` finds the key and the server.
- `errors`, `stats`, `positions` and `models` are the values that users meet. Checkpoints, watermarks and shards are
  positions.
- `_otel` tells OpenTelemetry what happens, in programs that use OpenTelemetry.
- `_clock` has time and randomness, which tests can replace. `_request` says how something is requested, and for how
  long.
- `_checks` checks arguments, and hides secrets. `_part` opens a file that is still being written.
- `_public` decides when a public name is loaded, and what ``help()`` shows of it.
"""

from typing import TYPE_CHECKING

from . import _public
from ._version import __version__ as __version__

if TYPE_CHECKING:  # each module says which of its names are public
    from . import models as models
    from ._http.policy import *  # noqa: F403
    from ._paging.details import *  # noqa: F403
    from ._paging.incremental import *  # noqa: F403
    from ._paging.paginator import *  # noqa: F403
    from ._paging.walk import *  # noqa: F403
    from ._session import *  # noqa: F403
    from ._wire.codec import *  # noqa: F403
    from .errors import *  # noqa: F403
    from .models.details import *  # noqa: F403
    from .models.items import *  # noqa: F403
    from .models.page import *  # noqa: F403
    from .models.refs import *  # noqa: F403
    from .models.runs import *  # noqa: F403
    from .positions import Checkpoint as Checkpoint, Shard as Shard, Watermark as Watermark  # OpenRun is a detail
    from .stats import *  # noqa: F403
else:  # hidden from type checkers, because they would then accept any name
    _NAMES = {
        "_http.policy": ("RetryPolicy",),
        "_paging.details": ("DetailsWalk", "IncrementalDetailsWalk"),
        "_paging.incremental": ("FollowedListing", "IncrementalWalk"),
        "_paging.paginator": ("Details", "Paginator"),
        "_paging.walk": ("Walk",),
        "_session": ("TofuPilotSession",),
        "_wire.codec": ("from_wire", "to_wire"),
        "positions": ("Checkpoint", "Shard", "Watermark"),
    }
    _MODELS = ("page", "refs", "runs", "items", "details")
    _WHOLE = ("errors", "stats", *(f"models.{module}" for module in _MODELS))
    __getattr__, __dir__ = _public.lazy(__name__, _NAMES, _WHOLE)
