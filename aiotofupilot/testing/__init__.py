"""Tools to test programs that use aiotofupilot, with a sandbox or with mocked responses.

pytest finds the fixtures `tofupilot_sandbox` and `tofupilot_environment` (see `plugin`). Elsewhere, use `serve`:

    with serve(Sandbox(procedures=3)) as sandbox:
        service = Service(url=sandbox.url, api_key=sandbox.api_key)

- `plugin` has the fixtures.
- `serving` runs a sandbox in its own thread.
- `in_process` has `session_in_process`, a session on a sandbox without sockets, and its clock, `FakeClock`.
- `mocking` has `mock_listing`, for tests that use aioresponses.
- `builders` has `make_run` and others, which make items.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # each module says which of its names are public
    from .builders import *  # noqa: F403
    from .in_process import *  # noqa: F403
    from .mocking import *  # noqa: F403
    from .serving import *  # noqa: F403
else:  # hidden from type checkers, because they would then accept any name
    from aiotofupilot import _public

    _NAMES = {
        "builders": ("make", "make_measurement", "make_phase", "make_run"),
        "in_process": ("FakeClock", "session_in_process"),
        "mocking": ("MockResponse", "mock_listing"),
        "serving": ("serve", "session_on"),
    }
    __getattr__, __dir__ = _public.lazy(__name__, _NAMES)
