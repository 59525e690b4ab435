"""Comparisons with others, and what the guide to testing says of them."""

from datetime import datetime

from .guides import ROOT, read_tables


def told(other):
    """Return how much was compared with something else, such as ``47 requests``; all of it was equal."""
    (table,) = [table for table in read_tables(ROOT / "aiotofupilot" / "testing" / "README.md") if "equal" in table[0]]
    ((_, compared, equal),) = [row for row in table[1:] if row[0].startswith(other)]
    assert equal == "all"
    return compared


def plain(value, *, without=()):
    """Read dates, which the official SDK spells in its own way, and leave out some keys."""
    if isinstance(value, dict):
        return {key: plain(part, without=without) for key, part in value.items() if key not in without}
    if isinstance(value, list):
        return [plain(part, without=without) for part in value]
    if isinstance(value, str) and len(value) > 18 and value[10:11] == "T":
        return datetime.fromisoformat(value)
    return value
