"""The log records of requests. Each has a sentence and fields."""

from __future__ import annotations

import logging

__all__ = ["log_answer", "log_exposed"]

_log = logging.getLogger("aiotofupilot")


def log_answer(url: str, *, status: int, size: int) -> None:
    """Log an answer at the debug level, whatever its status.

    The record has ``tofupilot_status`` and ``tofupilot_bytes`` as attributes.

    Args:
        url: The address that was asked, without the key.
        status: Status code.
        size: The size of the decompressed body, in bytes.
    """
    fields = {"tofupilot_status": status, "tofupilot_bytes": size}
    _log.debug("GET %s: %d, %d bytes", url, status, size, extra=fields)


def log_exposed(path: str) -> None:
    """Warn that other users can read the file with the key.

    This is not a Python warning, because a change of the program does not help, and some programs turn warnings into
    errors.

    Args:
        path: The file.
    """
    _log.warning("%s can be read by others: chmod 600 %s", path, path)
