"""Faults that only tests of the client need, beside those of the sandbox."""

from json import loads
from math import ceil
from random import Random
from zlib import Z_FINISH, Z_SYNC_FLUSH, compressobj

from aiotofupilot.sandbox.faults import *  # noqa: F403 - a test takes all faults from here
from aiotofupilot.sandbox.faults import Alteration, Fault, among, fault, instead
from aiotofupilot.sandbox.request import Delivery, Request
from aiotofupilot.sandbox.rest import dumps

_GZIP = 31  # zlib's window bits for the gzip format
_MIB = 1024 * 1024


def gzip() -> Fault:
    """Compress the body. A client still reads the right response."""

    def alter(delivery: Delivery, _request: Request, _random: Random) -> Delivery:
        compressor = compressobj(wbits=_GZIP)
        steps = list(delivery.steps)
        parts = [(index, step) for index, step in enumerate(steps) if isinstance(step, bytes)]
        for index, part in parts:
            is_last = index == parts[-1][0]
            steps[index] = compressor.compress(part) + compressor.flush(Z_FINISH if is_last else Z_SYNC_FLUSH)
        compressed = Delivery(steps).with_headers({"Content-Encoding": "gzip"})
        if delivery.complete and "Content-Length" in delivery.headers:
            return compressed.with_headers({"Content-Length": str(len(compressed.body))})
        return compressed

    return Fault("gzip()", alter, is_harmless=True)


@fault
def gzip_bomb(size: int = 80 * _MIB) -> Alteration:
    """Respond with a few bytes that decompress to many spaces."""
    compressor = compressobj(wbits=_GZIP)
    parts = [compressor.compress(b" " * min(_MIB, size - at)) for at in range(0, size, _MIB)]  # takes little memory
    bomb = b"".join(parts) + compressor.flush()
    return instead(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, bomb)


@fault
def oversized(size: int = 80 * _MIB, *, announced: bool = True) -> Alteration:
    """Send many spaces after the response, which JSON allows. If announced, Content-Length says so."""

    def alter(delivery: Delivery, _request: Request, _random: Random) -> Delivery:
        padding = ceil(size / _MIB) * (b" " * _MIB,)  # the same bytes many times take little memory
        padded = Delivery((*delivery.steps, *padding))
        length = str(len(delivery.body) + len(padding) * _MIB) if announced else None
        return padded.with_headers({"Content-Length": length})

    return alter


@fault
def header_flood(count: int = 1000, *, size: int = 1000) -> Alteration:
    """Send many more headers."""
    flood = {f"X-Flood-{number}": "x" * size for number in range(count)}
    return lambda delivery, _request, _random: delivery.with_headers(flood)


@fault
def redirect(location: str | None = None, *, code: int = 307) -> Alteration:
    """Redirect to another address, or to the same one."""
    return lambda delivery, request, _random: delivery.with_response(
        Delivery.of(code, {"Location": location or request.target}, b""),
    )


@fault
def malformed(*items: int | str) -> Alteration:
    """Write null as the ID of these items, unless another fault has replaced the response."""

    def alter(delivery: Delivery, request: Request, _random: Random) -> Delivery:
        named = among(request, items)
        if not named or delivery.status != 200:
            return delivery
        try:
            document = loads(delivery.body)
        except ValueError:  # another fault has replaced it
            return delivery
        match document:
            case {"data": [*sent]} | [*sent]:
                pass
            case _:
                sent = [document]
        for index, item in enumerate(sent):  # of any type, as another fault may send any document
            if isinstance(item, dict) and (index, item.get("id")) in named:
                item["id"] = None
        return delivery.with_response(Delivery.of(200, {"Content-Type": "application/json"}, dumps(document)))

    return alter
