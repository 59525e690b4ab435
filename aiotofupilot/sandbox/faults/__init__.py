"""What can go wrong with an answer. Each function takes the details and returns a `Fault`.

| fault | the client sees |
|-|-|
| `status(503)` | an error of the API's form; also 429 and others with Retry-After |
| `html(502)`, `empty(504)`, `json([])` | an answer that is not the API's, with any status, also 200 |
| `reset()`, `reset(after="headers")`, `reset(after="half")` | the connection reset |
| `hang_up()` | the connection closed without an answer, as an idle one is |
| `cut()`, `cut(announced=False)` | half a body, less than was announced; half a document in a complete answer |
| `stall(5)`, `stall(5, inside_body=True)` | nothing for some seconds |
| `latency(0.05, jitter=0.02)` | the same answer, later |
| `gzip()`, `chunked()` | the same answer, compressed; in chunked transfer coding |
| `gzip_bomb()`, `oversized()`, `header_flood()` | more than any page can be |
| `unreadable(62)`, `unreadable("an-id", by=stall(60))` | a 500, or another fault, for each page that holds the item |
| `malformed(62)` | an item that is not what the API promises, on a page that is otherwise right |
| `quota(100, window=60)` | how many requests are left, in RateLimit headers, and a 429 when none is left |
| `redirect()`, `redirect("https://other.example/")` | a redirect to the same address; to another one |

`unreadable` and `malformed` are about items, by position or ID: ``sandbox.faults.always(unreadable(62))``.

`answers` has the faults that replace an answer, `transit` those on the way, `excess` those that send too much, `items`
those of single items, and `quotas` the one that counts requests. `fault` is what a fault is.

Faults can be added. The left one happens first: ``gzip() + cut()`` cuts compressed bytes. Faults that are written in
the same way are equal, so ``request.fault == status(503)`` is true for a logged request that met this fault.
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
"""The faults of a bad day. Each is gone at the next attempt, and none of them is slow."""
