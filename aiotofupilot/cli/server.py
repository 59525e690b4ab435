"""The options that choose a server or an embedded sandbox, and the session that a command makes of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from attrs import evolve, field, frozen
from cyclopts import Parameter
from cyclopts.validators import Number

from .failures import UsageError
from .options import ASKING, SERVER, seconds, timestamp, unwrapped

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiotofupilot import TofuPilotSession


@unwrapped
@Parameter(name="*", group=SERVER)
@frozen(kw_only=True)
class Server:
    """Which server gets the requests, with which key, and how long it is waited for.

    A field is an option, and this docstring has its help. Whatever needs the key or the address raises a
    ConfigurationError if there is none, or it cannot be used.

    Attributes:
        timeout: Give up a request that has no complete response after this time, and repeat it.
        retries: Repeat a failed request at most this many times, if that may help.
        deadline: End after this time, with what has come by then. By default there is no limit.
        sandbox: List the made-up factory of an embedded server: no account or key needed.
        until: With --sandbox: when the newest run of the made-up factory has been uploaded. By default now.
        base_url: Address of the server. TOFUPILOT_URL can hold it instead. Without either, it is the server of your
            login with TofuPilot's own command, or https://www.tofupilot.app.
        allow_insecure_http: Let the key travel unencrypted to a server whose address begins with http.
        api_key: Discouraged, because everyone on this machine can read a command's arguments: set TOFUPILOT_API_KEY, or
            log in with TofuPilot's own command.
        proxy: HTTP proxy on the way to the server, such as http://proxy.example.com:3128. By default it is that of
            HTTPS_PROXY, unless NO_PROXY names the server. If it wants a password, set HTTPS_PROXY, because everyone on
            this machine can read a command's arguments.
        ca_cert: Trust the certificates in this PEM file too, such as that of your company's own authority.
    """

    timeout: Annotated[float, Parameter(group=ASKING, metavar="SECONDS", converter=seconds)] = 30.0
    retries: Annotated[int, Parameter(group=ASKING, metavar="N", validator=Number(gte=0))] = 5
    deadline: Annotated[float | None, Parameter(group=ASKING, metavar="SECONDS", converter=seconds)] = None
    sandbox: Annotated[bool, Parameter(show_default=False)] = False
    until: Annotated[datetime | None, Parameter(metavar="DATE", converter=timestamp, accepts_keys=False)] = None
    base_url: Annotated[str | None, Parameter(metavar="URL")] = None
    allow_insecure_http: Annotated[bool, Parameter(show_default=False)] = False
    api_key: Annotated[str | None, Parameter(metavar="KEY")] = field(default=None, repr=False)
    proxy: Annotated[str | None, Parameter(metavar="URL")] = field(default=None, repr=False)
    ca_cert: Annotated[str | None, Parameter(metavar="FILE")] = None

    def __attrs_post_init__(self) -> None:
        if self.until and not self.sandbox:
            raise UsageError(
                "--until is for --sandbox; to list what is older, filter with --created-before or the like"
            )
        if self.sandbox and (self.base_url or self.api_key or self.allow_insecure_http or self.proxy or self.ca_cert):
            raise UsageError(
                "--sandbox has an address and a key of its own: leave out --base-url, --api-key, "
                "--allow-insecure-http, --proxy and --ca-cert"
            )

    @property
    def identity(self) -> tuple[str, str | None]:
        """What distinguishes it from other servers, and the key that it is asked with; None: the sandbox's own."""
        if self.sandbox:
            return "sandbox", None
        from aiotofupilot.settings import Settings  # noqa: PLC0415 - see `session`

        known = Settings.resolve(self.api_key, base_url=self.base_url, allow_insecure_http=self.allow_insecure_http)
        return known.base_url, known.authorization

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[TofuPilotSession]:
        """Open a session with it. An embedded server runs meanwhile."""
        if self.sandbox:
            from aiotofupilot.sandbox import Sandbox  # noqa: PLC0415 - an HTTP server that is seldom wanted

            async with Sandbox(until=self.until or datetime.now(UTC)) as sandbox:
                own = evolve(self, sandbox=False, until=None, api_key=sandbox.api_key, base_url=sandbox.url)
                async with own.session() as session:
                    yield session
            return
        from aiotofupilot import RetryPolicy, TofuPilotSession  # noqa: PLC0415 - help need not wait for aiohttp

        async with TofuPilotSession(
            self.api_key,
            base_url=self.base_url,
            allow_insecure_http=self.allow_insecure_http,
            proxy=self.proxy,
            ca_cert=self.ca_cert,
            timeout=self.timeout,
            retry=RetryPolicy(attempts=self.retries + 1),
        ) as session:
            yield session
