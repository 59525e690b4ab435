"""The reason why dlt failed. dlt raises errors of its own around it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
from dlt.common.configuration.exceptions import ConfigurationException

from aiotofupilot.errors import ConfigurationError, TofuPilotError

from .database import unusable

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["misconfigured", "unwrapped"]


@contextmanager
def unwrapped(path: Path) -> Generator[None]:
    """Raise the reason in place of an error that dlt raises during a block.

    The reason is an error of the server, the database, the disk or the settings of dlt. An error with another reason is
    raised as it is, because its whole traceback is needed.

    Args:
        path: The database.

    Raises:
        ConfigurationError: dlt cannot use its settings.
        MirrorError: DuckDB cannot use the database.
        OSError: There is no room, or a file cannot be written.
        TofuPilotError: The server did not answer as it should.
    """
    try:
        yield
    except Exception as error:
        reason = _reason(error, path)
        if reason is None or reason is error:
            raise
        raise reason from None


def _reason(error: BaseException, path: Path) -> BaseException | None:
    """Return the error that `unwrapped` raises in place of another one. None: there is none."""
    wrapped: BaseException | None = error
    while wrapped is not None:
        if isinstance(wrapped, TofuPilotError | OSError | KeyboardInterrupt):
            return wrapped
        if isinstance(wrapped, duckdb.Error):
            return unusable(wrapped, path)
        if isinstance(wrapped, ConfigurationException):
            return misconfigured(wrapped)
        wrapped = getattr(wrapped, "exception", None) or wrapped.__cause__ or wrapped.__context__
    return None


def misconfigured(error: ConfigurationException) -> ConfigurationError:
    """Return the error for what dlt says about its settings, such as a ``config.toml`` that is not TOML."""
    return ConfigurationError(f"dlt cannot use its settings: {' '.join(str(error).split())}")
