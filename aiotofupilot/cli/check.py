"""Checks whether the receipt of a walk proves that each item was yielded exactly once.

It needs only Python: ``python check.py FILE``. RECEIPT.md, in the same folder, has the format and the rule.
"""

import json
import sys
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, get_args

EXACT, NO_FILE, NOT_PROVEN, WRONG = 0, 2, 5, 6
MEMBERS: dict[str, dict[str, Any]] = {  # the types of each kind of line, without the lists of a page
    "header": {"receipt": int, "listing": str, "query": str, "shard": bool, "from": str, "order": str | None},
    "page": {"cursor": int, "next": int | None, "covers": bool, "reason": str, "unreadable": int}
    | {"bound": str | None, "until": str | None},
    "resume": {"from": str, "count": int},
    "end": {"limited": bool, "checked": bool, "count": int},
}


class _Receipt:
    """The lines of a receipt that were read so far."""

    def __init__(self) -> None:
        self.number, self.doubt, self.ended, self.is_last = 0, "", "", False
        self.passed: dict[str, Any] = {}  # the items yielded and not taken back, in order, with their values
        self.until: str | None = None  # the last page has everything before this time

    def require(self, condition: object, reason: str) -> None:
        if not condition:
            raise ValueError(reason)

    def doubts(self, condition: object, reason: str) -> None:  # why the walk is not proven; the first reason is kept
        self.doubt = self.doubt or (f"line {self.number}: {reason}" if condition else "")

    def take(self, line: dict[str, Any]) -> None:
        kind, count = line["line"], len(self.passed)
        self.require(line.get("receipt") in (None, 2), "a receipt has to be of version 2")
        for name, type_ in MEMBERS[kind].items():
            self.require(type(line[name]) in (get_args(type_) or (type_,)), f"{name!r} has another type")
        self.require((kind == "header") == (self.number == 1) and (kind == "resume" or not self.ended), "out of place")
        if kind == "header":  # the order is 1 if the oldest come first, -1 if the newest do, 0 if a page has to show it
            self.order = {"asc": 1, "desc": -1, None: 0}[line["order"]]
            self.doubts(line["shard"] or line["from"] != "0", "the walk is of a shard, or begins at a cursor")
        elif kind == "page":
            self.take_page(line, line["ids"], line["values"], line["yielded"])
        elif kind == "resume":
            self.require(0 <= line["count"] <= count, f"{line['count']} items cannot stay: only {count} were yielded")
            self.passed = dict([*self.passed.items()][: line["count"]])
            self.is_last, self.until, self.ended = False, None, ""
        else:
            self.require(line["count"] == count, f"{count} items were yielded, not {line['count']}")
            self.require(line["limited"] or self.is_last, "the listing has more after the last page")
            self.doubts(not line["checked"], "the walk warned that items may be missed or doubled")
            self.ended = f"exact: {'the first ' * line['limited']}{count} items"

    def take_page(self, line: dict[str, Any], ids: list[str], values: list[Any], yielded: list[str]) -> None:
        self.require({*map(type, ids + yielded)} <= {str}, "an ID is not a string")
        self.require({*map(type, values)} in ({str}, {type(None)}, set()), "values are of several types")
        value_of, begins = dict(zip(ids, values, strict=True)), line["cursor"] == 0 and line["bound"] is None
        self.doubts(line["unreadable"] != 0, f"items before the page could not be read: {line['unreadable']}")
        self.doubts(line["next"] not in (None, line["cursor"] + len(ids)), "the server's cursors are not offsets")
        is_tied = line["covers"] or (begins and not (self.passed and None in values))
        self.doubts(not is_tied, "the walk did not compare it with the page before")
        is_whole = line["until"] is None or (line["cursor"], line["next"]) == (0, None)
        self.doubts(not is_whole, "more than a page of items have the same time")
        if not (self.doubt or self.covers(line, ids, values) or begins):
            self.doubts(line["reason"] == "part", "items before the page could not be read")
            self.require(self.doubt, "the page does not begin before the last item delivered")
        new = [item for item in value_of if item not in self.passed and (item in yielded or not self.doubt)]
        new = [item for item in new if self.doubt or self.place(value_of[item]) >= 0]
        self.require(yielded == new[: len(yielded)], "the items yielded are not the new items of the page")
        self.passed |= {item: value_of[item] for item in yielded}
        has_all = line["next"] is None and len(yielded) == len(new)
        self.is_last, self.until = has_all and line["until"] is None, line["until"] if has_all else None

    def covers(self, line: dict[str, Any], ids: list[str], values: list[Any]) -> bool:
        if None in values:  # the order has no time
            again, shown = [item for item in ids if item in self.passed], {*ids}
            self.doubts([item for item in self.passed if item in shown] != again, "items have changed their order")
            return ids[0] in self.passed
        last = next(reversed(self.passed.values()), "")
        self.doubts(last is None, "the last item delivered has no value to compare with")
        until, bound = [line["until"]] if line["until"] is not None else [], line["bound"]
        orders: set[int] = {(after > before) - (after < before) for before, after in pairwise(values + until)}
        self.order = self.order or next(filter(None, orders), 0)
        self.require(orders <= {0, self.order}, "the page is not in the order of its values")
        place = self.place(values[0] if values else bound if line["cursor"] == 0 else None)
        goes_on = line["cursor"] == 0 and bound is not None and self.compare(bound, self.until) <= 0
        begins_query = line["cursor"] == 0 and (bound is None or self.place(bound) <= 0)
        self.doubts(place == 0 and not (begins_query or goes_on), "the page begins among items of the same time")
        return place <= 0 or goes_on

    def place(self, value: str | None) -> int:  # -1: before the value of the last item, 0: the same, 1: after it
        return self.compare(value, next(reversed(self.passed.values()), None))

    def compare(self, value: str | None, other: str | None) -> int:
        return 1 if value is None or other is None else (self.order or -1) * ((value > other) - (value < other))


def verdict(lines: BinaryIO) -> tuple[int, str]:
    """Return the exit code for the lines of a receipt, and a message."""
    receipt, sealed = _Receipt(), sha256()
    try:
        for receipt.number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                receipt.ended = ""
                break
            body, _, seal = line.removesuffix(b'"}\n').rpartition(b',"seal":"')
            sealed.update(body)
            receipt.require(seal == sealed.hexdigest().encode(), "it was changed, or is not of this receipt")
            receipt.take(json.loads((body + b"}").decode()))
    except (LookupError, RecursionError, TypeError, ValueError) as error:
        return WRONG, f"wrong: line {receipt.number}: {error}"
    receipt.doubts(not receipt.ended, "there is no end: the walk was interrupted, or the receipt was cut")
    return (NOT_PROVEN, f"not proven: {receipt.doubt}") if receipt.doubt else (EXACT, receipt.ended)


def check(file: Path, /) -> int:
    """Check whether the receipt of a walk proves that each item was yielded exactly once."""
    try:
        with file.open("rb") as lines:
            code, line = verdict(lines)
    except OSError as error:
        code, line = NO_FILE, f"cannot read {str(file)!r}: {error.strerror}"
    print(line, file=sys.stderr if code == NO_FILE else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(check(Path(sys.argv[1])))
