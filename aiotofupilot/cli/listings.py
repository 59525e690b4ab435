"""The listings that the command offers, with what its help says of each: one entry for each listing.

What an option means is read off the docstring of the listing's ``list()``. What that says beyond its arguments speaks
to a program, so the command has its own words for it.
"""

from __future__ import annotations

from attrs import frozen

__all__ = ["LISTINGS", "Listed"]


@frozen
class Listed:
    """A listing in the command's help."""

    summary: str
    """Its line in the list of commands: the first sentence of the docstring of ``list()``."""
    note: str = ""
    """What its own help says below that, in the words of the command line."""


_RETRIES = (
    "One procedure has to be named. An attempt of a phase that was followed by another attempt is left out, unless "
    "--no-exclude-retries is given."
)
_UNKNOWN_ORDER = "The API does not say in which order it lists them."

LISTINGS = {
    "procedures": Listed("List procedures.", _UNKNOWN_ORDER),
    "runs": Listed("List runs, the latest started first."),
    "units": Listed(
        "List units, the latest created first.",
        "--procedure-ids, --outcomes, --started-after, --started-before, --latest-only and the run counts look at the "
        "runs of a unit. The other filters look at the unit itself.",
    ),
    "parts": Listed("List parts, the latest created first.", "Each part comes with all of its revisions."),
    "batches": Listed("List batches, the latest created first."),
    "stations": Listed("List stations.", f"{_UNKNOWN_ORDER} The key of a station may not list them."),
    "users": Listed("List the users of the organization.", f"The API has no filters here. {_UNKNOWN_ORDER}"),
    "deployments": Listed("List deployments.", _UNKNOWN_ORDER),
    "logs": Listed(
        "List log lines, the latest written first.",
        "--timestamp-after and --timestamp-before look at what a line, and --sort-by, call created_at.",
    ),
    "measurements": Listed(
        "List measurements of a procedure, the latest first.",
        f"{_RETRIES} --ids and --outcomes are those of runs; --measurement-outcomes are the measurement's own.",
    ),
    "phases": Listed(
        "List phases of a procedure, the latest first.",
        f"{_RETRIES} --ids are those of runs; --outcomes are the phase's own, and --run-outcomes those of runs.",
    ),
}
"""By name, which is also that of a property of the session."""
