"""What can be wrong with what earlier runs have left."""

from aiotofupilot.errors import TofuPilotError

__all__ = ["MirrorError", "PlaceError"]


class MirrorError(TofuPilotError):
    """A file cannot be used as the database of a mirror. Nothing in it was changed on account of this."""


class PlaceError(TofuPilotError):
    """What an earlier run has noted of its place in a listing does not fit the listing. Read everything again."""
