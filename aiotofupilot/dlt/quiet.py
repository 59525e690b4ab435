"""dlt as a part of a program that is not dlt's: without telemetry and log lines, and with the reasons of its errors."""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import duckdb
from attrs import define, field
from dlt.common.configuration.exceptions import ConfigurationException

from aiotofupilot import ConfigurationError, TofuPilotError

from .database import unusable

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["quieten", "unwrapped", "without_telemetry"]

_UNLESS_ASKED = {"dlthub_telemetry": "false", "log_level": "CRITICAL"}
"""Settings in dlt's section ``runtime``, unless the user has chosen others."""


def quieten() -> None:
    """Let dlt send and say nothing in this process, unless the user has turned it on.

    Call it before dlt is used. The user turns it on where dlt's settings are: in the environment, such as
    ``RUNTIME__DLTHUB_TELEMETRY=true``, or in a ``config.toml``.

    Raises:
        ConfigurationError: dlt cannot use its settings.
    """
    try:
        _quieten()
    except ConfigurationException as error:
        raise _misconfigured(error) from error


def _quieten() -> None:
    ours = {f"RUNTIME__{key.upper()}": (f"runtime.{key}", value) for key, value in _UNLESS_ASKED.items()}
    added = {name: value for name, (_, value) in ours.items() if name not in os.environ}
    os.environ.update(added)
    import dlt  # noqa: PLC0415 - it reads its settings where it is used first
    from dlt.common.runtime import run_context, telemetry  # noqa: PLC0415 - likewise

    run_context.active()
    # The environment comes before a config.toml, so that what that says shows only without it.
    for name in added:
        del os.environ[name]
    chosen = {name for name in added if dlt.config.get(ours[name][0], str)}
    os.environ.update({name: value for name, value in added.items() if name not in chosen})
    if chosen:
        telemetry.stop_telemetry()
        run_context.active().reload()


@define
class _Mirrors:
    """How many mirrors are at work in this process."""

    number: int = 0
    lock: Lock = field(factory=Lock)


_mirrors = _Mirrors()


@contextmanager
def without_telemetry() -> Generator[None]:
    """Let dlt send no telemetry during a block, unless the user has turned it on.

    dlt has one telemetry for the whole process. So pipelines of the user send none during the block either. After it,
    they do what dlt's settings say.
    """
    import dlt  # noqa: PLC0415 - whoever only quietens it has to be first
    from dlt.common.runtime import anon_tracker, run_context  # noqa: PLC0415 - likewise

    if dlt.config.get("runtime.dlthub_telemetry", bool):
        yield
        return
    settings = run_context.active().runtime_config  # which starts it where that was not done before
    with _mirrors.lock:
        _mirrors.number += 1
        anon_tracker.disable_anon_tracker()
    try:
        yield
    finally:
        with _mirrors.lock:
            _mirrors.number -= 1
            if settings.dlthub_telemetry and not _mirrors.number:
                anon_tracker.init_anon_tracker(settings)


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
        OSError: The disk is full, or a file cannot be written.
        TofuPilotError: The server did not respond as it should.
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
            return _misconfigured(wrapped)
        wrapped = getattr(wrapped, "exception", None) or wrapped.__cause__ or wrapped.__context__
    return None


def _misconfigured(error: ConfigurationException) -> ConfigurationError:
    """Return the error for what dlt says about its settings, such as a ``config.toml`` that is not TOML."""
    return ConfigurationError(f"dlt cannot use its settings: {' '.join(str(error).split())}")
