"""The command of a listing, which writes pages to standard output or a file as they arrive."""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - cyclopts resolves the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal

from attrs import frozen
from cyclopts import Parameter

from aiotofupilot import Checkpoint, TofuPilotError, __version__
from aiotofupilot.listings import NAMES, Argument, listing_class

from .formats import counted, format_for
from .messages import StoppedError, UsageError, complain, is_terminal, say
from .options import OUTPUT, Server, option, unwrapped, with_options
from .output import StandardOutput, is_beside, output
from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot import DetailsWalk, Paginator, TofuPilotSession, Walk, WalkStats

    from .formats import Format
    from .output import Output, OutputState

_SHOWN = 10
"""A message shows at most this many positions of left-out items."""

_DETAILS = Argument(
    name="details",
    annotation=bool,
    doc="Write everything that the server knows about each item, such as the phases of a run with their measurements. "
    "Each item takes one more request, so use --concurrency. It needs the format jsonl, json or parquet.",
    default=False,
    server_default=False,
)
"""The option of a listing whose items the API also returns one at a time."""


@unwrapped
@Parameter(name="*", group=OUTPUT)
@frozen(kw_only=True)
class OutputOptions:
    """How a listing is written, and where.

    Attributes:
        format: How to write the items. A table is cut to fit a terminal, but not a pipe or a file. jsonl, json and csv
            have the API's own names and formats. parquet has the library's, and needs the extra arrow. xlsx has the
            columns of csv, with real numbers and dates, and needs the extra xlsx. Its dates are in UTC, because Excel
            has no time zones, and a text is cut after 32,767 characters. By default the ending of --output decides, and
            otherwise it is a table.
        output: Write into this file. If it exists already, it is replaced, but only when everything has arrived. Its
            ending names the format: .csv, .json, .jsonl, .ndjson, .parquet, .txt or .xlsx. An interrupted run leaves
            what it had in FILE.part.
        columns: Write these columns of a table, csv, parquet or xlsx, in this order. The names are those in the header
            of csv, such as id,unit.serial_number. parquet then has flat columns.
        resume: Complete the file that an interrupted run of the same command has begun. The listing is completed, but
            not searched for newer items. If no run was interrupted, begin the file. A finished file is never replaced.
        receipt: Record in this file which items each page had and which were written, for 'aiotofupilot check FILE'.
    """

    format: Literal["table", "jsonl", "json", "csv", "parquet", "xlsx"] | None = None
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], metavar="FILE")] = None
    columns: Annotated[str | None, Parameter(metavar="NAME,...")] = None
    resume: Annotated[bool, Parameter(show_default=False)] = False
    receipt: Annotated[Path | None, Parameter(metavar="FILE")] = None

    def checked_receipt(self, *, has_details: bool) -> Path | None:
        """Return the receipt's path. Refuse a path that the output needs."""
        if self.receipt and has_details:
            raise UsageError("--receipt cannot be used with --details")
        if self.receipt and self.output and is_beside(self.receipt, self.output):
            raise UsageError(f"--receipt needs another file: {self.receipt} is used by --output {self.output}")
        return self.receipt


def listing_command(name: str) -> Callable[..., object]:
    """Return the function of a listing's command."""
    listing = listing_class(name)
    detailed: Any = listing if getattr(listing, "details_name", "") not in ("", listing.model.__name__) else None

    known = {argument.name for argument in (*listing.filters, *listing.options, _DETAILS)}
    unused = [argument for argument in listing_class("runs").options if argument.name not in known]

    async def command(*, form: OutputOptions = OutputOptions(), server: Server = Server(), **arguments: Any) -> None:  # noqa: ANN401, B008 - those of `list`; values
        path = form.output
        query = Query(name, **{key: value for key, value in arguments.items() if key in known})
        model = detailed.detail_model() if query.has_details else listing.model
        output_format = format_for(form.format, path, name, model, columns=form.columns)
        if query.has_details and output_format.name in ("table", "csv", "xlsx"):
            raise UsageError(
                "--details needs the format jsonl, json or parquet, because other formats have one row for each item"
            )
        if form.resume and path is None:
            raise UsageError("--resume needs --output FILE")
        receipt = form.checked_receipt(has_details=query.has_details)
        items, left_out = await write_listing(query, server, output_format, path, resume=form.resume, receipt=receipt)
        # A program that reads the pipe, such as a pager, may use the terminal.
        if is_terminal(sys.stderr) and (is_terminal(sys.stdout) or path is not None):
            count = counted(items, name) + (f" in {path}" if path else "")
            say(f"{count}; {left_out}" if left_out else count)
        elif left_out:
            complain(left_out)
        elif not items and path is not None:  # an ID may be mistyped, and a cron job would keep writing empty files
            say(f"{counted(items, name)} in {path}")

    names = {argument.name for argument in listing.filters}
    note = re.sub(r"``(\w+)``", lambda name: option(name[1]) if name[1] in names else name[1], listing.note)
    if unused:  # they are accepted, so that a script can use the same options for any listing
        note += f"\n\nOne request gets all {name}, so {', '.join(option(one.name) for one in unused)} have no effect."
    command.__doc__ = f"{listing.summary}\n\n{note}"
    more = [] if detailed is None else [_DETAILS]
    return with_options(command, [*listing.filters, *listing.options, *unused, *more])


def __getattr__(name: str) -> Callable[..., object]:
    """Return the command of a listing, by the listing's name."""
    if name in NAMES:
        return listing_command(name)
    raise AttributeError(name)


class Query:
    """A listing with arguments of its ``list()``, perhaps with details."""

    def __init__(self, name: str, /, *, details: bool = False, **arguments: Any) -> None:  # noqa: ANN401 - each argument has its type
        self.name = name
        self.has_details = details
        self.arguments = arguments

    def listing(self, session: TofuPilotSession) -> Paginator[Any]:
        """Return the listing, without a request. Raise the library's error for an argument out of bounds."""
        paginator: Paginator[Any] = getattr(session, self.name).list(**self.arguments)
        return paginator

    def changed(self, **arguments: object) -> Query:
        """Return the query with other arguments."""
        return Query(self.name, details=self.has_details, **self.arguments | arguments)

    def after(self, written: OutputState) -> Query:
        """Return the query after the written items."""
        if written.checkpoint is None:
            return self
        max_items = self.arguments.get("max_items")
        left = None if max_items is None else max_items - written.items
        return self.changed(cursor=Checkpoint.parse(written.checkpoint), max_items=left)

    def options(self) -> dict[str, str]:
        """Return the options that select items or change their order, as texts."""
        how = {argument.name for argument in listing_class(self.name).options} - {"max_items", "cursor"}
        given = {"details": True} | self.arguments if self.has_details else self.arguments
        return {"listing": self.name} | {
            option(name): value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
            for name, value in given.items()
            if name not in how
        }

    def left_out(self, stats: WalkStats) -> str:
        """Return in words which items a walk left out, and whether it may have missed others. Empty if neither."""
        parts: list[str] = []
        if count := stats.unreadable:
            positions, ids = stats.unreadable_positions, stats.unreadable_ids
            kind = " or ".join(kind for kind, names in (("at position", positions), ("with ID", ids)) if names)
            shown = ", ".join(map(str, [*positions, *ids][:_SHOWN]))
            more = f" and {count - _SHOWN:,} more" if count > _SHOWN else ""
            where = f"is left out, {kind} {shown}" if count == 1 else f"are left out, {kind}s {shown}{more}"
            parts.append(f"{counted(count, self.name)} could not be read and {where}")
        if removed := stats.removed:
            parts.append(f"{counted(removed, self.name)} {'was' if removed == 1 else 'were'} removed meanwhile")
        if stats.is_unchecked:
            parts.append("items may be missed or doubled, because pages could not be checked")
        return "; ".join(parts)


async def write_listing(
    query: Query, server: Server, form: Format, path: Path | None, *, resume: bool = False, receipt: Path | None = None
) -> tuple[int, str]:
    """Write a listing as it arrives, to a file or, without a path, to standard output.

    Return how many items are written, including those of earlier runs, and a text about the items that this run left
    out.

    Raises:
        StoppedError: The listing ended early after something was written, or was interrupted.
        Exception: The original error, if nothing was written, or the reader has closed the pipe.
    """
    out: Output | None = None
    walk: Any = None  # the walk, as soon as there is one
    is_whole = False
    progress = Progress(query.name, query.arguments.get("max_items"), to_standard_output=path is None)
    try:
        async with server.session() as session, progress.reporting():
            query.listing(session)  # report a wrong argument before touching a file
            asked = {"aiotofupilot": __version__} | server.identity | query.options()
            options = {**asked, "--format": form.name, **form.columns}
            async with output(path, options, resume=resume, remake=form.remake) as out:
                progress.count = out.state.items
                rest = query.after(out.state).listing(session)
                if query.has_details:
                    walk = rest.details().walk()
                else:
                    if form.name == "parquet":  # the file needs only the values of items, not their methods
                        from aiotofupilot.arrow.streaming import structs_of  # noqa: PLC0415 - it needs an extra

                        rest = structs_of(rest)
                    walk = rest.walk(receipt=receipt)
                async with walk:
                    with progress:
                        await _write(query, walk, form, out, progress)
            is_whole = True
    except (TofuPilotError, OSError, asyncio.CancelledError) as error:
        items = out.state.items if out else 0
        if not (items or isinstance(error, asyncio.CancelledError)) or is_whole or isinstance(error, BrokenPipeError):
            raise
        left = f"{counted(items, query.name)} written"
        if out and items:
            torn = ", and a part of the next page" if isinstance(out, StandardOutput) and out.is_torn else ""
            how = "--resume, or elsewhere with --cursor" if path else "--cursor"
            left += f"{torn}, continue with {how} {out.state.checkpoint}"
        left_out = walk and query.left_out(walk.stats)
        raise StoppedError(error, f"{left}; {left_out}" if left_out else left) from error
    return out.state.items, query.left_out(walk.stats)


async def _write(
    query: Query, walk: Walk[Any] | DetailsWalk[Any], output_format: Format, out: Output, progress: Progress
) -> None:
    aside = progress.aside if isinstance(out, StandardOutput) else nullcontext
    while items := await walk.take(output_format.details_at_once if query.has_details else sys.maxsize):
        if output_format.most is not None and out.state.items + len(items) > output_format.most:
            raise UsageError(
                f"there are more {query.name} than the {output_format.most:,} that a sheet of {output_format.name} "
                "can hold: write csv or parquet, or list fewer"
            )
        # The head is written with the first items, so that a refused listing leaves no header.
        text = (output_format.between if out.state.items else output_format.head) + output_format.page(items)
        with aside():
            await out.write(text, items=out.state.items + len(items), checkpoint=str(walk.checkpoint))
        progress.advance(len(items))
    with aside():
        await out.write((b"" if out.state.items else output_format.head) + output_format.tail)
