"""Whom the command asks: a server, or a sandbox of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from aiotofupilot import RetryPolicy, TofuPilotSession
from aiotofupilot.settings import Secret, Settings

from .terminal import say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from typing import Self

    from .options import Serving, TimeoutOptions

__all__ = ["Server"]

_SANDBOX_PROCEDURES = 250


@frozen(kw_only=True)
class Server:
    """Whom to ask."""

    base_url: str | None
    """None: that of the environment, or of the login."""
    api_key: str | None = field(repr=False)
    """None: that of the environment, or of the login."""
    proxy: str | None = field(default=None, repr=False)
    """None: that of the environment."""
    ca_cert: str | None = None
    """None: that of the login."""
    sandbox: bool = False
    """Whether to start the embedded server and ask that, whatever the environment says."""
    until: datetime | None = None
    """When the newest run of the embedded server's factory has been uploaded; timezone-aware. None: now."""
    allow_insecure_http: bool = False
    """Whether the key may travel unencrypted beyond this machine."""
    timeout: float = 30.0
    """Seconds for one attempt; more than 0."""
    retries: int = 5
    """Attempts at a request beyond the first one, at most; 0 or more."""

    @classmethod
    def of(cls, serving: Serving, options: TimeoutOptions) -> Self:
        """Return the server that the options name, and how long it is waited for."""
        return cls(
            base_url=serving.base_url,
            api_key=serving.api_key,
            proxy=serving.proxy,
            ca_cert=serving.ca_cert,
            sandbox=serving.sandbox,
            until=serving.until,
            allow_insecure_http=serving.allow_insecure_http,
            timeout=options.timeout,
            retries=options.retries,
        )

    @property
    def name(self) -> str:
        """What distinguishes it from other servers.

        Raises:
            ConfigurationError: There is no key, or it or the address cannot be used.
        """
        if self.sandbox:
            return "sandbox"
        return self._settings.base_url

    @property
    def key(self) -> str | None:
        """The key that it is asked with; None: the sandbox's own.

        Raises:
            ConfigurationError: There is no key, or it or the address cannot be used.
        """
        return None if self.sandbox else self._settings.authorization

    @property
    def retry(self) -> RetryPolicy:
        """What is tried again, and how often."""
        return RetryPolicy(attempts=self.retries + 1)

    @property
    def _settings(self) -> Settings:
        return Settings.resolve(self.api_key, base_url=self.base_url, allow_insecure_http=self.allow_insecure_http)

    @asynccontextmanager
    async def reached(self) -> AsyncGenerator[dict[str, Any]]:
        """Give the options of a session with it. An embedded server runs meanwhile.

        Raises:
            ConfigurationError: There is no key, or it or the address cannot be used.
        """
        if not self.sandbox:
            settings = self._settings
            if settings.is_exposed:
                say(f"aiotofupilot: {settings.key_source} can be read by others: chmod 600 {settings.key_source}")
            yield self._options(self.api_key, self.base_url) | {"proxy": Secret(self.proxy), "ca_cert": self.ca_cert}
            return
        from aiotofupilot.sandbox import Sandbox  # noqa: PLC0415 - an HTTP server that is seldom wanted

        async with Sandbox(_SANDBOX_PROCEDURES, until=self.until or datetime.now(UTC)) as sandbox:
            yield self._options(sandbox.api_key, sandbox.url)

    def _options(self, api_key: str | None, base_url: str | None) -> dict[str, Any]:
        return {
            "api_key": Secret(api_key),
            "base_url": base_url,
            "allow_insecure_http": self.allow_insecure_http,
            "timeout": self.timeout,
            "retry": self.retry,
        }

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[TofuPilotSession]:
        """Open a session with it.

        Raises:
            ConfigurationError: There is no key, or it or the address cannot be used.
        """
        async with self.reached() as options, TofuPilotSession(**options) as session:
            yield session
