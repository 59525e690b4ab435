"""Tools to test programs that use aiotofupilot: with a sandbox, in any test framework, or with mocked responses.

When aiotofupilot is installed, pytest has the fixtures `tofupilot_sandbox`, `tofupilot_session` and
`tofupilot_environment`, and the marker ``tofupilot`` (see `plugin`). In other frameworks, use `serve`:

    with serve(Sandbox(procedures=3)) as sandbox:
        service = Service(url=sandbox.url, api_key=sandbox.api_key)

- `plugin` has the fixtures.
- `serving` makes the sandbox of a marker, and runs a sandbox in its own thread. Its `without_waits` lets retries wait
  for nothing, like the marker's ``waits=False``.
- `in_process` has `session_in_process`, a session on a sandbox without sockets, and `FakeClock`, the clock of such a
  session, whose time passes without waiting.
- `mocking` has `mock_listing`, which responds without a server, for tests that use aioresponses.
- `auditing` has `audit`, which says what a loop with any client misses and doubles while the listing changes.
- `builders` make items, such as `make_run`, for the sandbox and for the mock.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # each module says which of its names are public
    from .auditing import *  # noqa: F403
    from .builders import *  # noqa: F403
    from .in_process import *  # noqa: F403
    from .mocking import *  # noqa: F403
    from .serving import *  # noqa: F403
else:  # hidden from type checkers, because they would then accept any name
    from aiotofupilot import _public

    _NAMES = {
        "auditing": ("AuditReport", "audit"),
        "builders": ("make", "make_measurement", "make_phase", "make_run", "make_unit"),
        "in_process": ("FakeClock", "session_in_process"),
        "mocking": ("MockResponse", "mock_listing"),
        "serving": ("serve", "session_on", "without_waits"),
    }
    __getattr__, __dir__ = _public.lazy(__name__, _NAMES)
