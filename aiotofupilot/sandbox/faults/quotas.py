"""A fault like a proxy that counts requests."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from .answers import status
from .fault import Alteration, fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from aiotofupilot.sandbox.delivery import Delivery
    from aiotofupilot.sandbox.request import Question

__all__ = ["quota"]


@fault
def quota(requests: int, *, window: float = 60.0, clock: Callable[[], float] = time.monotonic) -> Alteration:
    """Allow a number of requests in each window of time, and answer 429 to the others.

    The answers say how many requests are left in the headers ``RateLimit-Policy`` and ``RateLimit``. They have no
    Retry-After. A window begins with the first request after the last window has ended.

    Args:
        requests: How many requests are allowed; at least 1.
        window: The length of a window, in seconds.
        clock: Returns the seconds since some moment.

    Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
    """
    left, ends = requests, -math.inf

    def alter(delivery: Delivery, request: Question, random: Random) -> Delivery:
        nonlocal left, ends
        now = clock()
        if now >= ends:
            left, ends = requests, now + window
        if left:
            left -= 1
        else:
            delivery = status(429).alter(delivery, request, random)
        return delivery.with_headers(
            {
                "RateLimit-Policy": f'"sandbox";q={requests};w={math.ceil(window)}',
                "RateLimit": f'"sandbox";r={left};t={math.ceil(ends - now)}',
            }
        )

    return alter
