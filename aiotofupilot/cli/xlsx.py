"""Makes an Excel workbook from JSON lines. Each line is an array with the cells of a row.

Excel has no time zones, so date-times are in UTC. Date-times and durations are numbers of days.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from io import BufferedReader, FileIO
from shutil import copyfileobj
from typing import TYPE_CHECKING, Any

if find_spec("xlsxwriter") is None:
    raise ModuleNotFoundError("xlsx needs xlsxwriter: install the extra 'xlsx'", name="xlsxwriter")

import xlsxwriter  # type: ignore[import-untyped] # it has no types that a checker may trust
from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped] # as above

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedIOBase
    from pathlib import Path

ROWS = 1_048_575
"""The most rows of a sheet below its header.

Source: https://support.microsoft.com/en-us/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3
"""

_TEXT = 32_767
"""The most UTF-16 code units of a cell, by the same source."""

_EXACT = 10**15
"""Excel keeps 15 digits, by the same source. Larger integers become texts, because Excel would round or refuse them."""

_DAY_0, _DAY = datetime(1899, 12, 30, tzinfo=UTC), timedelta(days=1)

_FIRST = datetime(1901, 1, 1, tzinfo=UTC)
"""The first date that is written as a date. Excel has no dates before 1900, and 1900 has a wrong leap day there."""

_STYLES: dict[object, tuple[int, dict[str, str]]] = {
    datetime: (23, {"num_format": "yyyy-mm-dd hh:mm:ss.000"}),
    timedelta: (13, {"num_format": "[h]:mm:ss.000"}),
}
"""The width in characters and the number format of columns, by the type of their values."""

_CREATED = datetime(1980, 1, 1)  # noqa: DTZ001 - the format has no time zone
"""The creation time of every workbook, so that a resumed run makes the same file."""

_AT_ONCE = 500
"""Other tasks run after each of this many rows."""


def cell(value: object) -> object:
    """Return the JSON value of a cell."""
    match value:
        case datetime():
            return (value - _DAY_0) / _DAY if value >= _FIRST else value.isoformat()
        case timedelta():
            return value / _DAY
        case str() if len(value) > _TEXT // 2:  # a character takes at most two code units
            units = value.encode("utf-16-le")
            return value if len(units) <= 2 * _TEXT else units[: 2 * _TEXT - 2].decode("utf-16-le", "ignore") + "…"
        case int() if abs(value) >= _EXACT:
            return str(value)
        case _:
            return value


async def write_xlsx(
    stream: FileIO, target: BufferedIOBase, folder: Path, *, names: Sequence[str], kinds: Sequence[object]
) -> None:
    """Make a workbook from the rest of a stream, with columns of these names and types.

    Both files stay open. Other tasks run between rows. ``folder`` is made for temporary files.
    """
    folder.mkdir(0o700)  # noqa: ASYNC240 - it is as quick as the other disk access here
    reader = BufferedReader(stream)
    # ZIP64 lets a sheet have more than 2 GiB; it is written only if needed.
    options = {"constant_memory": True, "tmpdir": str(folder), "use_zip64": True}
    path = folder / "workbook"  # after a cancellation, a thread may still write there, but not to the target
    book: Any = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"created": _CREATED})
    sheet: Any = book.add_worksheet()
    try:
        sheet.freeze_panes(1, 0)
        for at, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            if kind in _STYLES:
                width, style = _STYLES[kind]
                sheet.set_column(at, at, width, book.add_format(style))
            sheet.write_string(0, at, name)
        row = 0
        for row, line in enumerate(reader, 1):
            for at, value in enumerate(json.loads(line)):
                _write(sheet, row, at, value)
            if row % _AT_ONCE == 0:
                await asyncio.sleep(0)
        sheet.autofilter(0, 0, row, len(names) - 1)
        await asyncio.to_thread(book.close)  # it compresses the sheet
    except FileCreateError as error:
        raise error.args[0] from error
    finally:
        reader.detach()
        sheet.row_data_fh.close()
    with FileIO(path) as made:
        copyfileobj(made, target)


def _write(sheet: Any, row: int, at: int, value: object) -> None:  # noqa: ANN401 - without types; any cell
    """Write a cell with the type of its value. A text is never a formula or a link, however it begins."""
    match value:
        case None:
            pass
        case bool():
            sheet.write_boolean(row, at, value)
        case str() if value.startswith("<r>"):  # xlsxwriter may take it for its own markup
            sheet.write_rich_string(row, at, *value[:2], value[2:])
        case str():
            sheet.write_string(row, at, value)
        case _:
            sheet.write_number(row, at, value)
