"""The command line as a whole: a command for each listing, the mirror and the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cyclopts import App, Parameter

from aiotofupilot import __version__
from aiotofupilot.listings import NAMES, listing_class

from .mirror_command import mirror
from .sandbox_command import sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

__all__ = ["app_for"]

_EXIT_CODES = (
    "Exit codes: 0 done, 2 wrong usage, 3 key refused (401, 403), 4 other failure of server, network or disk, "
    "130 interrupted, 143 ended by SIGTERM."
)

_USAGE_OF_MIRROR = "Usage: aiotofupilot mirror [OPTIONS] DATABASE [LISTING...]"
"""cyclopts would call the listings ``ARGS``."""

_NO_CONSOLE = cast("Console", object())
"""Nothing is printed on the console for errors, because they are raised. Without this one, cyclopts would load rich."""

_INSTALLS_COMPLETION = "--install-completion"


def app_for(arguments: Sequence[str]) -> App:
    """Return the command line, ready for some arguments.

    It takes some time to load a listing and to read its options. So only the listing that is asked for is loaded. The
    help of the whole command has a line for each, and a shell is taught to complete the options of all of them. Only
    that help offers the completion.
    """
    app = App(
        name="aiotofupilot",
        help="Stream TofuPilot's listings to the terminal, a pipe or a file.",
        help_format="plaintext",
        help_epilogue=_EXIT_CODES,
        version_format="plaintext",
        version=f"aiotofupilot {__version__}",
        default_parameter=Parameter(negative=()),
        error_console=_NO_CONSOLE,
        print_error=False,
        exit_on_error=False,
    )
    wanted = next(iter(arguments), "")
    tells_all = wanted in ("", "--help", "-h")
    for name in NAMES:
        if wanted in (name, _INSTALLS_COMPLETION):
            from .listing_command import listing_command  # noqa: PLC0415 - see above

            app.command(listing_command(name), name=name)
        else:
            app.command(App(name=name, help=listing_class(name).summary if tells_all else ""))
    app.command(mirror, usage=_USAGE_OF_MIRROR)
    app.command(sandbox)
    if wanted not in NAMES:
        app.register_install_completion_command(add_to_startup=False)  # pyright: ignore[reportUnknownMemberType]
    return app
