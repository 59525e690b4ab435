"""dlt as a part of a program that is not dlt's: without telemetry, and without log lines."""

from __future__ import annotations

import os

__all__ = ["quieten"]

_UNLESS_ASKED = {"dlthub_telemetry": "false", "log_level": "CRITICAL"}
"""Settings in dlt's section ``runtime``, unless the user has chosen others."""


def quieten() -> None:
    """Let dlt send and say nothing in this process, unless the user has turned it on.

    Call it before dlt is used. The user turns it on where dlt's settings are: in the environment, such as
    ``RUNTIME__DLTHUB_TELEMETRY=true``, or in a ``config.toml``.
    """
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
