"""A bound on retries for a whole session, so that they do not multiply the load on a server that is down."""

from __future__ import annotations

__all__ = ["RetryBudget"]


class RetryBudget:
    """A bucket of tokens. A retry takes one. A success gives back the tokens that were taken for it, and a little more.

    So the bucket counts the retries of requests that failed in the end. While the server answers now and then, the
    bucket does not run empty. When the server is down, 30 retries empty the bucket. After that, each page is asked for
    once.

    Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """

    CAPACITY = 30.0
    """Tokens of a full bucket. When 64 walks meet an outage, their retries are less than half as many as their
    requests."""
    GAIN = 0.25
    """The tokens that a success adds to those that it gives back. Four successes earn a retry."""

    def __init__(self) -> None:
        self.tokens = self.CAPACITY
        """How many retries are left. It may have a fraction."""

    def take(self) -> bool:
        """Take the token of one retry, and return whether there was one."""
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True

    def put_back(self) -> None:
        """Put back the token of a retry that was not sent after all."""
        self.tokens += 1.0

    def give_back(self, taken: int) -> None:
        """Note a success.

        Args:
            taken: The number of tokens that were taken for the request.
        """
        self.tokens = min(self.CAPACITY, self.tokens + taken + self.GAIN)
