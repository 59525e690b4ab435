"""From the bytes of a page to what a client hands out, in each client's way."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

import orjson
from attrs import frozen

from aiotofupilot.models import Page, Procedure, Repository

from .contenders import Candidate

__all__ = ["DECODERS", "Decode", "Decoder"]

Decode = Callable[[bytes], object]


def dicts() -> Decode:
    """Parse alone: orjson's dicts."""
    return orjson.loads


def ours() -> Decode:
    """Aiotofupilot's decoder."""
    from aiotofupilot._wire.codec import PageDecoder

    decode = PageDecoder(Procedure)
    return lambda body: decode(body, 0)


def plain_cattrs() -> Decode:
    """Cattrs as it comes, detailed validation on, over the same models; it coerces, where ours checks."""
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn, override

    converter = Converter()
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    renamed = {Repository: {"full_name": "fullName"}, Procedure: {"linked_repository": "linkedRepository"}}
    for model, names in renamed.items():
        overrides = {field: override(rename=name) for field, name in names.items()}
        converter.register_structure_hook(model, make_dict_structure_fn(model, converter, **overrides))  # type: ignore[arg-type]  # either model is one
    page = Page[Procedure]
    return lambda body: converter.structure(orjson.loads(body), page)


def official() -> Decode:
    """The official SDK's decoder, which makes a pydantic model for each answer."""
    os.environ["DISABLE_TELEMETRY"] = "true"
    from httpx import Response
    from tofupilot.v2.models import ProcedureListResponse
    from tofupilot.v2.utils.unmarshal_json_response import unmarshal_json_response

    return lambda body: unmarshal_json_response(ProcedureListResponse, Response(200, content=body))


def msgspec() -> Decode:
    """Msgspec into structs of the same shape: parser and structuring in one piece of C, which is as fast as it gets."""
    from msgspec.json import Decoder

    from .msgspec_models import Page

    return Decoder(Page).decode


@frozen(kw_only=True)
class Decoder(Candidate):
    """One way to decode."""

    make: Callable[[], Decode]
    """Prepares it."""


DECODERS = {
    "dicts": Decoder(title="orjson alone, dicts", make=dicts),
    "msgspec": Decoder(title="msgspec, structs", make=msgspec, needs=frozenset({"msgspec"})),
    "ours": Decoder(title="**aiotofupilot**", make=ours),
    "cattrs": Decoder(title="cattrs as it comes, detailed", make=plain_cattrs),
    "official": Decoder(title="tofupilot", make=official, needs=frozenset({"tofupilot"})),
}
