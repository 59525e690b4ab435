"""dlt as a part of a program that is not dlt's: without telemetry, and without log lines."""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from attrs import define, field
from dlt.common.configuration.exceptions import ConfigurationException

from .unwrapping import misconfigured

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["quieten", "without_telemetry"]

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
        raise misconfigured(error) from error


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
