"""What questions about walks have in common: the clients, and what a walk is compared with."""

from __future__ import annotations

from functools import partial

from benchmarks.contenders import CONTENDERS
from benchmarks.measure import compare

__all__ = ["CONCURRENT", "SEQUENTIAL", "STREAMING", "TITLES", "walked"]

TITLES = {name: contender.title for name, contender in CONTENDERS.items()}

SEQUENTIAL = ("bare", "httpx", "official", "ours", "ours-resync", "ours-told", "ours-uvloop")
CONCURRENT = ("official-16", "ours-4", "ours-16", "ours-64", "ours-16-resync", "ours-16-uvloop")
STREAMING = ("bare", "official", "ours", "ours-16", "ours-16-resync")

walked = partial(compare, titles=TITLES, floor="bare", official="official")
"""Rows of walks. The floor is aiohttp and orjson with nothing around them."""
