"""What can go wrong with an answer, each a function of its details that gives a `Fault`.

| fault | the client sees |
|-|-|
| `status(503)` | an error of the API's form; also 429 and others with Retry-After |
| `html(502)`, `empty(504)`, `json([])` | an answer that is not the API's; any status, 200 included |
| `reset()`, `reset(after="headers")`, `reset(after="half")` | the connection reset |
| `hang_up()` | the connection closed without a word, as an idle one is |
| `cut()`, `cut(announced=False)` | half a body, less than was announced; half a document that claims to be all |
| `stall(5)`, `stall(5, inside_body=True)` | nothing for a while |
| `latency(0.05, jitter=0.02)` | the same answer, later |
| `gzip()`, `chunked()` | the same answer, compressed; in chunked transfer coding |
| `gzip_bomb()`, `oversized()`, `header_flood()` | more than any page can be |
| `unreadable(62)`, `unreadable("an-id", by=stall(60))` | a 500, or another fault, for each page that holds the item |
| `malformed(62)` | an item that is not what the API promises, on a page that otherwise is |
| `quota(100, window=60)` | how many requests are left, in RateLimit headers, and a 429 when none is |
| `redirect()`, `redirect("https://other.example/")` | the same address again; another one |

`unreadable` and `malformed` are about items, by position or ID: ``sandbox.faults.always(unreadable(62))``.

Faults add up, the left one first: ``gzip() + cut()`` cuts compressed bytes. They compare by how they are written, so
that ``request.fault == status(503)`` holds of a logged request that met one.
"""

from .answers import empty, html, json, redirect, status
from .excess import gzip_bomb, header_flood, oversized
from .fault import Alteration, Fault
from .items import malformed, unreadable
from .quotas import quota
from .transit import chunked, cut, gzip, hang_up, latency, reset, stall

__all__ = [
    "TRANSIENT",
    "Alteration",
    "Fault",
    "chunked",
    "cut",
    "empty",
    "gzip",
    "gzip_bomb",
    "hang_up",
    "header_flood",
    "html",
    "json",
    "latency",
    "malformed",
    "oversized",
    "quota",
    "redirect",
    "reset",
    "stall",
    "status",
    "unreadable",
]

TRANSIENT = (
    status(500),
    html(502),
    status(503, retry_after=0),
    empty(504),
    status(408),
    status(429),
    reset(),
    reset(after="headers"),
    reset(after="half"),
    hang_up(),
    cut(),
    chunked() + cut(),
    cut(announced=False),
    html(),
)
"""Faults of a bad day, each gone at the next attempt and none of them slow."""
