"""How each client turns the bytes of a page into items."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import orjson
from attrs import frozen

from aiotofupilot.listings import listing_class
from aiotofupilot.models import Page

from .contenders import Candidate
from .scenario import KINDS

__all__ = ["DECODERS", "Decode", "Decoder"]

Decode = Callable[[bytes], Any]


def dicts(_: str) -> Decode:
    """Only parse, into orjson's dicts."""
    return orjson.loads


def ours(listing: str) -> Decode:
    """Aiotofupilot's decoder."""
    from aiotofupilot._wire.codec import decoder

    page: Any = Page[listing_class(listing).model]  # type: ignore[valid-type]  # only the run time knows it
    decode = decoder(page)
    return lambda body: Page(*decode(body))


def plain_cattrs(listing: str) -> Decode:
    """Use cattrs for the same models, with its own settings for orjson and with detailed validation.

    It has hooks for the names and durations of the wire. It also has one for what a validator can expect, because it
    cannot tell two kinds of array apart. It coerces values where our decoder checks them.
    """
    from datetime import timedelta

    import attrs
    from cattrs.gen import make_dict_structure_fn
    from cattrs.preconf.orjson import make_converter

    from aiotofupilot._wire.detailed import renamings
    from aiotofupilot._wire.times import read_duration
    from aiotofupilot.models import Validator

    converter = make_converter()

    page: Any = Page[listing_class(listing).model]  # type: ignore[valid-type]  # only the run time knows it

    @converter.register_structure_hook_factory(lambda kind: attrs.has(kind) and kind is not page)
    def model_hook(model: Any) -> Callable[[Any, Any], Any]:  # noqa: ANN401 - any of the models
        return make_dict_structure_fn(model, converter, **renamings(model))

    converter.register_structure_hook(timedelta, lambda value, _: read_duration(value))
    expected = attrs.fields(Validator).expected_value.type
    converter.register_structure_hook_func(
        lambda kind: kind == expected, lambda value, _: tuple(value) if isinstance(value, list) else value
    )
    return lambda body: converter.structure(orjson.loads(body), page)


def official(listing: str) -> Decode:
    """The official SDK's decoder, which makes a pydantic model for each answer."""
    os.environ["DISABLE_TELEMETRY"] = "true"
    from httpx import Response
    from tofupilot.v2 import models
    from tofupilot.v2.utils.unmarshal_json_response import unmarshal_json_response

    answer = getattr(models, f"{listing.removesuffix('s').capitalize()}ListResponse")
    return lambda body: unmarshal_json_response(answer, Response(200, content=body))


def msgspec(listing: str) -> Decode:
    """Msgspec, into structs of the same shape. It parses and structures in one pass of C, so nothing is faster."""
    from msgspec.json import Decoder

    from . import structs

    item = getattr(structs, listing_class(listing).model.__name__)
    page: Any = structs.Page[item]  # type: ignore[valid-type]  # only the run time knows it
    return Decoder(page).decode


@frozen(kw_only=True)
class Decoder(Candidate):
    """One way to decode."""

    make_for: Callable[[str], Decode]
    """Takes the name of a listing, and returns its decoder."""

    def make(self, kind: str) -> Decode:
        """Return the decoder for a kind of data, given its name."""
        return self.make_for(KINDS[kind].listing)


DECODERS = {
    "dicts": Decoder(title="orjson alone, dicts", make_for=dicts),
    "msgspec": Decoder(title="msgspec, structs", make_for=msgspec),
    "ours": Decoder(title="**aiotofupilot**", make_for=ours),
    "cattrs": Decoder(title="cattrs as it comes, detailed", make_for=plain_cattrs),
    "official": Decoder(title="tofupilot", make_for=official, needs=("tofupilot",)),
}
