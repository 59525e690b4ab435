"""A proxy that counts requests."""

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
    """Take so many requests in each window of time, tell of those that are left, and answer 429 to the others.

    The answers have the headers ``RateLimit-Policy`` and ``RateLimit``, and no Retry-After. A window begins with the
    first request after the one before has ended.

    Args:
        requests: At least 1.
        window: In seconds.
        clock: Gives seconds since some moment.

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
