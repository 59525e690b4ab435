"""Checks whether the receipt of a walk proves that each item was yielded exactly once.

It needs nothing but Python: ``python check.py FILE``. The guide "How it is proven" has the format and the rule.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, get_args

EXACT, NO_FILE, NOT_PROVEN, WRONG = 0, 2, 5, 6
MEMBERS: dict[str, dict[str, object]] = {  # of each kind of line: their types. The lists of a page are not among them.
    "header": {"receipt": int, "listing": str, "shard": bool, "from": str},
    "page": {"cursor": int, "next": int | None, "limit": int, "reason": str, "anchor": str | None, "unreadable": int},
    "resume": {"from": str, "count": int},
    "end": {"limited": bool, "count": int},
}


class _Receipt:
    """A receipt, as far as its lines were read."""

    def __init__(self) -> None:
        self.number, self.doubt, self.ended = 0, "", ""
        self.passed: dict[str, None] = {}  # what was yielded and not withdrawn, in this order
        self.has_more: bool | None = True  # whether pages follow the last one; None: items of it were left

    def require(self, condition: object, reason: str) -> None:
        if not condition:
            raise ValueError(reason)

    def doubts(self, condition: object, reason: str) -> None:  # why nothing is proven; the first reason is kept
        self.doubt = self.doubt or (f"line {self.number}: {reason}" if condition else "")

    def take(self, line: dict[str, Any]) -> None:
        kind, count = line["line"], len(self.passed)
        for name, type_ in MEMBERS[kind].items():
            self.require(type(line[name]) in (get_args(type_) or (type_,)), f"{name!r} has another type")
        self.require((kind == "header") == (self.number == 1) and (kind == "resume" or not self.ended), "out of place")
        if kind == "header":
            self.require(line["receipt"] == 1, "the receipt is of another version")
            self.doubts(line["shard"] or line["from"] != "0", "it is of a shard, or began elsewhere than the listing")
        elif kind == "page":
            self.take_page(line, line["ids"], line["yielded"], line["anchor"])
        elif kind == "resume":
            self.require(0 <= line["count"] <= count, f"{line['count']} items cannot stay: {count} were yielded")
            self.passed, self.has_more, self.ended = dict.fromkeys([*self.passed][: line["count"]]), True, ""
        else:
            self.require(line["count"] == count, f"{count} items were yielded, and not {line['count']}")
            self.require(line["limited"] or self.has_more is False, "the listing has more after the last page")
            self.ended = f"exact: the first {count} items" if line["limited"] else f"exact: {count} items"

    def take_page(self, line: dict[str, Any], ids: list[str], yielded: list[str], anchor: str | None) -> None:
        self.require(type(ids) is type(yielded) is list and {*map(type, ids + yielded)} <= {str}, "an ID is not a text")
        self.require(self.has_more or (self.has_more is False and line["reason"] in ("search", "part")), "none follows")
        self.doubts(line["unreadable"] != 0, f"items before the page could not be read: {line['unreadable']}")
        self.doubts(line["next"] not in (None, line["cursor"] + len(ids)), "the server's cursors are not offsets")
        self.doubts(anchor is None, "the page shows no item that was passed")
        self.require(self.doubt or anchor or line["cursor"] == 0, "only cursor 0 is the beginning of the listing")
        self.require(self.doubt or not anchor or anchor in self.passed, f"the anchor {anchor!a} was not passed")
        shown = ids[ids.index(anchor) + 1 :] if anchor and not self.doubt else ids
        new = [item for item in dict.fromkeys(shown) if item not in self.passed and (item in yielded or not self.doubt)]
        self.require(yielded == new[: len(yielded)], "what is yielded is not what is new on the page")
        self.passed |= dict.fromkeys(yielded)
        self.has_more = None if len(yielded) < len(new) else line["next"] is not None


def verdict(lines: BinaryIO) -> tuple[int, str]:
    """Return the exit code for the lines of a receipt, and what to say about them."""
    receipt, sealed = _Receipt(), sha256()
    try:
        for receipt.number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                receipt.ended = ""
                break
            body, _, seal = line.rpartition(b',"seal":"')
            sealed.update(body)
            fits = seal == f'{sealed.hexdigest()}"}}\n'.encode()
            receipt.require(fits, "the seal does not fit, so the line was changed, or is not of a receipt")
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
        code, line = NO_FILE, f"cannot read {file}: {error.strerror}"
    print(line, file=sys.stderr if code == NO_FILE else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(check(Path(sys.argv[1])))
