"""Test what is built on aiotofupilot: against a sandbox, in any test framework, or with canned answers.

pytest finds the fixtures `tofupilot_sandbox`, `tofupilot_session` and `tofupilot_environment` and the marker
``tofupilot`` by itself, once aiotofupilot is installed (see `plugin`). Anywhere else, `serve` is the same sandbox:

    with serve(Sandbox(procedures=3)) as sandbox:
        service = Service(url=sandbox.url, api_key=sandbox.api_key)

`mock_procedures` answers without a server, for tests that use aioresponses.
"""

from typing import TYPE_CHECKING

__all__ = [
    "MockResponse",
    "make_page",
    "make_procedure",
    "make_repository",
    "make_user",
    "mock_procedures",
    "serve",
    "session_on",
]

if TYPE_CHECKING:
    from .builders import make_page, make_procedure, make_repository, make_user
    from .mocking import MockResponse, mock_procedures
    from .serving import serve, session_on
else:  # not for type checkers, which would believe in any name
    from aiotofupilot import _lazy

    __getattr__, __dir__ = _lazy.lazy(__name__, __all__, ("builders", "serving", "mocking"))
