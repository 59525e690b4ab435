"""The options of commands, made from the arguments of listings, and converters of their values.

`with_options` gives a command an option for each argument of a listing. Other options are parameters of the command, or
fields of a class that is one parameter of the command, such as `Server`. `timestamp` and the functions after it are
converters for cyclopts, which shows their ValueErrors.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast, get_origin

from attrs import evolve, field, frozen
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from aiotofupilot import Checkpoint
from aiotofupilot.listings import part_filters

from .messages import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from cyclopts import Token

    from aiotofupilot import TofuPilotSession
    from aiotofupilot.listings import Argument

C = TypeVar("C", bound="Callable[..., object]")

_BREAK = re.compile(r"(?<=\S)\n(?:(?=\S)| {8,})")
"""A line break within a paragraph, or within the description of an argument, which is indented twice."""


def unwrapped(command: C) -> C:
    """Join each paragraph of a docstring into one line, because cyclopts keeps its breaks."""
    command.__doc__ = _BREAK.sub(" ", inspect.getdoc(command) or "") or None
    return command


FILTERS = Group("Which ones", sort_key=1)
SELECTION = Group("How many", sort_key=2)
OUTPUT = Group("Output", sort_key=3)
ASKING = Group("How to ask", sort_key=4)
SERVER = Group("Server", sort_key=5)

KEY = "API key"
"""The name of the key's digest among a file's options. No message shows the digest."""

_SECONDS = Parameter(group=ASKING, metavar="SECONDS", validator=Number(gt=0, lt=math.inf))


def timestamp(_: object, tokens: Sequence[Token], now: datetime | None = None) -> datetime:
    """Read a date or date-time in ISO 8601, or an age, such as 7d or 1d12h.

    A date-time without an offset is local time, as with git, journalctl and docker. A date alone means its midnight.
    """
    text = tokens[0].value
    try:
        with suppress(ValueError):  # it is not an age
            return (now or datetime.now(UTC)) - duration(_, tokens)
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ValueError(
            f'"{text}" is not a date: write 2024-01-31, 2024-01-31T09:30, 2024-01-31T09:30Z or 2024-01-31T09:30+02:00; '
            "or an age such as 7d, 12h or 30m."
        ) from None


def checkpoint(_: object, tokens: Sequence[Token]) -> Checkpoint:
    """Read a checkpoint, or a cursor of the server."""
    text = tokens[0].value
    try:
        return Checkpoint.parse(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a cursor: write 0 or more, or what an earlier run printed.') from None


_DURATION = re.compile(
    r"(P)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?(1)(?:T(?=\d)|$))"
    r"(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?",
    re.ASCII | re.IGNORECASE,
)
"""A duration in ISO 8601, or without the P and the T. With the P, an M before the T would be a month.

The API's rules are not used, because people omit letters, write them small, and combine weeks with days.
"""


def duration(_: object, tokens: Sequence[Token]) -> timedelta:
    """Read a duration such as 90s, 1m30s, 2h or PT1M30S."""
    text = tokens[0].value
    match = _DURATION.fullmatch(text)
    parts = match.groupdict("") if match else {}
    numbers = {unit: float(part.replace(",", ".")) for unit, part in parts.items() if part}
    with suppress(OverflowError):
        if numbers:
            return timedelta(**numbers)
    raise ValueError(f'"{text}" is not a duration: write 90s, 1m30s, 2h or PT1M30S, and at most 999999999d.')


def metadata(_: object, tokens: Sequence[Token]) -> dict[str, object]:
    """Read conditions on metadata: any number of KEY=TEXT, or one JSON object.

    If a key is given several times, the value may be any of its texts.
    """
    if len(tokens) == 1 and tokens[0].value.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):  # RecursionError: it is nested too deeply
            return cast("dict[str, object]", json.loads(tokens[0].value))
    texts: dict[str, list[str]] = {}
    for token in tokens:
        key, equals, text = token.value.partition("=")
        if not (equals and key) or key.lstrip().startswith("{"):
            raise ValueError(
                f'"{token.value}" is not a metadata filter: write KEY=TEXT, or one {{"KEY": {{"gte": 5}}}} as JSON.'
            )
        texts.setdefault(key, []).append(text)
    return {key: {"in": any_of} for key, any_of in texts.items()}


_OF_LIST: dict[str, dict[str, Any]] = {
    "search_query": {"name": ["--search-query", "--search"]},
    "created_after": {"name": ["--created-after", "--since"]},
    "max_items": {"name": ["--max-items", "-n"], "group": SELECTION, "help": "Stop after this many items."},
    "cursor": {
        "group": SELECTION,
        "help": "Begin here: the cursor that an earlier run printed when it ended early, or a position in the server's "
        "counting, such as 200.",
    },
    "details": {"group": OUTPUT, "show_default": False},
    "limit": {"name": ["--page-size"], "group": ASKING},
    "concurrency": {"group": ASKING, "help": "Requests at a time, 1 by default. Items are still written in order."},
    "on_drift": {
        "group": ASKING,
        "help": "If items are created or removed meanwhile, which shifts the server's pages: resync lists each "
        "item that stays exactly once, and fails if it cannot; ignore follows the server's cursors. By default resync, "
        "or ignore in an order in which items can move. If pages cannot be checked, the default warns and continues.",
    },
    "on_unreadable": {
        "group": ASKING,
        "help": "What to do about an item that the server cannot serve while it serves others: raise fails after the "
        "items before it; skip leaves it out, and says so at the end.",
    },
}
"""Names, groups and help texts of arguments of ``list()`` that differ in a command."""

_TYPED: dict[object, dict[str, object]] = {
    datetime: {"metavar": "DATE", "converter": timestamp},
    timedelta: {"metavar": "DURATION", "converter": duration},
    int: {"metavar": "N"},
    int | Checkpoint: {"metavar": "CURSOR", "converter": checkpoint, "accepts_keys": False},
    float: {"metavar": "N"},
    str: {"metavar": "TEXT"},
}
"""How users type a value of each type."""

_FORMS = {
    Sequence: "An option marked with ... can be given several times: an item has to match one of its values.",
    datetime: (
        "DATE is ISO 8601: 2024-01-31, 2024-01-31T09:30, 2024-01-31T09:30Z or 2024-01-31T09:30+02:00. Without Z or an "
        "offset it is this machine's local time; a date alone means its midnight. An age works too, such as 7d, 12h "
        "or 30m."
    ),
    timedelta: "DURATION is 90s, 1m30s, 2h or PT1M30S.",
    Mapping: (
        'CONDITION is KEY=TEXT, or a single JSON object with several keys, such as {"humidity": {"gte": 40}, "shift": '
        '{"in": ["A", "B"]}}. An item has to meet the conditions on all keys. If a key is given '
        "several texts, the item has to have one of them."
    ),
}
"""Help on how users type values of a type."""


def option(parameter: str) -> str:
    """Return the option for a parameter of the library."""
    names: list[str] = _OF_LIST.get(parameter, {}).get("name", [f"--{parameter.replace('_', '-')}"])
    return names[0]


def _help(argument: Argument) -> str:
    """Return the help of an option, with the server's default at the end."""
    text = argument.full_doc.partition(" If None,")[0].replace("``", "")
    decided = option(argument.name) if argument.server_default is True else argument.server_default
    return f"{text} [default of the server: {decided}]" if decided else text


def _option(argument: Argument) -> inspect.Parameter:
    kind = argument.item_type
    typed = _TYPED.get(kind, {})
    if get_origin(kind) is Mapping:
        # cyclopts lets a list be given several times, and passes all tokens to the converter. If pydantic is imported,
        # cyclopts has it check the dict that the converter returns.
        kind, typed = list[str] | dict[str, Any], {"metavar": "CONDITION...", "converter": metadata}
    elif argument.is_repeated:
        kind, typed = list[kind], {**typed, "metavar": f"{typed.get('metavar', 'CHOICE')}..."}  # type: ignore[valid-type] # known at run time
    elif (
        kind is bool and argument.server_default is not False
    ):  # with the default false, a negative option would change nothing
        typed = {"negative": None}
    elif kind is int and argument.bounds:
        typed = {**typed, "validator": Number(gte=argument.bounds.low, lte=argument.bounds.high)}
    details: dict[str, object] = {
        "name": [option(argument.name)],
        "group": FILTERS,
        "help": _help(argument),
        **typed,
        **_OF_LIST.get(argument.name, {}),
    }
    # If pydantic is imported, cyclopts has it check the default too.
    optional = kind if argument.is_required else kind | None
    annotation = Annotated[optional, Parameter(**details)]  # type: ignore[valid-type] # known at run time
    default = inspect.Parameter.empty if argument.is_required else argument.default
    return inspect.Parameter(argument.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def shared_filters(listings: Iterable[str]) -> list[Argument]:
    """Return the filters of several listings, each documented with its listings."""
    having: dict[str, tuple[Argument, list[str]]] = {}
    for listing in listings:
        for name, argument in part_filters(listing).items():
            having.setdefault(name, (argument, []))[1].append(listing)
    return [
        evolve(argument, name=name, doc=f"{argument.doc} For {', '.join(names)}.")
        for name, (argument, names) in having.items()
    ]


def with_options(command: C, arguments: Iterable[Argument]) -> C:
    """Replace a command's ``**arguments`` by options, and explain in its help how they are typed."""
    arguments = [argument for argument in arguments if argument.name != "extra_query"]  # it is for programs
    signature = inspect.signature(command)
    *own, _ = signature.parameters.values()
    command.__signature__ = signature.replace(parameters=[*own, *map(_option, arguments)])  # type: ignore[attr-defined] # inspect looks for it
    kinds = {get_origin(kind) or kind for argument in arguments for kind in (argument.type, argument.item_type)}
    forms = " ".join(text for kind, text in _FORMS.items() if kind in kinds)
    about, heading, described = (unwrapped(command).__doc__ or "").partition("\n\nArgs:")
    command.__doc__ = "\n\n".join(filter(None, (about, forms))) + heading + described
    return command


@unwrapped
@Parameter(name="*", group=SERVER)
@frozen(kw_only=True)
class Server:
    """Which server gets the requests, with which key, and how long to wait for it.

    Each field is an option, and this docstring has its help. Methods that need the key or the address raise a
    ConfigurationError if there is none, or if it cannot be used.

    Attributes:
        timeout: Repeat a request that has no complete response after this time.
        retries: Repeat a failed request at most this many times, if that may help.
        sandbox: List the made-up factory of an embedded server: no account or key needed.
        until: With --sandbox: when the newest run of the made-up factory has been uploaded. Default: now.
        base_url: Address of the server. TOFUPILOT_URL can hold it instead. Without either, it is the server of your
            login with TofuPilot's own command, or https://www.tofupilot.app.
        allow_insecure_http: Let the key travel unencrypted to a server whose address begins with http.
        api_key: Discouraged, because everyone on this machine can read a command's arguments: set TOFUPILOT_API_KEY, or
            log in with TofuPilot's own command.
        proxy: HTTP proxy to the server, such as http://proxy.example.com:3128. By default it is the proxy in
            HTTPS_PROXY, unless NO_PROXY names the server. If it needs a password, set HTTPS_PROXY, because everyone on
            this machine can read a command's arguments.
        ca_cert: Also trust the certificates in this PEM file, such as that of your company's own authority.
    """

    timeout: Annotated[float, _SECONDS] = 30.0
    retries: Annotated[int, Parameter(group=ASKING, metavar="N", validator=Number(gte=0))] = 5
    sandbox: Annotated[bool, Parameter(show_default=False)] = False
    until: Annotated[datetime | None, Parameter(metavar="DATE", converter=timestamp)] = None
    base_url: Annotated[str | None, Parameter(metavar="URL")] = None
    allow_insecure_http: Annotated[bool, Parameter(show_default=False)] = False
    api_key: Annotated[str | None, Parameter(metavar="KEY")] = field(default=None, repr=False)
    proxy: Annotated[str | None, Parameter(metavar="URL")] = field(default=None, repr=False)
    ca_cert: Annotated[str | None, Parameter(metavar="FILE")] = None

    def __attrs_post_init__(self) -> None:
        if self.until and not self.sandbox:
            raise UsageError("--until is for --sandbox; to list older items, use a filter such as --created-before")
        if self.sandbox and (self.base_url or self.api_key or self.allow_insecure_http or self.proxy or self.ca_cert):
            raise UsageError(
                "--sandbox has its own address and key: leave out --base-url, --api-key, "
                "--allow-insecure-http, --proxy and --ca-cert"
            )

    @property
    def identity(self) -> dict[str, str]:
        """The server and a digest of the key, to recognize a file that was begun with another server or key.

        Keys are too long to be guessed from a digest. The sandbox has its own key.
        """
        if self.sandbox:
            return {"server": "sandbox"}
        from aiotofupilot.settings import Settings  # noqa: PLC0415 - see `session`

        known = Settings.resolve(self.api_key, base_url=self.base_url, allow_insecure_http=self.allow_insecure_http)
        return {"server": known.base_url, KEY: hashlib.sha256(known.authorization.encode()).hexdigest()}

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[TofuPilotSession]:
        """Open a session, with an embedded server for the sandbox."""
        if self.sandbox:
            from aiotofupilot.sandbox import Sandbox  # noqa: PLC0415 - an HTTP server that is rarely needed

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
