"""What is known of every listing, for tests: the API's description of its items, an example, and its model."""

import json
from copy import deepcopy
from pathlib import Path

from aiotofupilot import Page
from aiotofupilot._wire.codec import Decoder
from aiotofupilot.listings import NAMES, listing_class

ENDPOINTS = json.loads((Path(__file__).parent.parent / "recordings" / "listings.json").read_text("utf-8"))["endpoints"]
MODELS = {name: listing_class(name).model for name in NAMES}
EXAMPLES = {name: endpoint["example_item"] for name, endpoint in ENDPOINTS.items()}
EVERYTHING = deepcopy(EXAMPLES)
"""The examples, with the objects that they leave null."""
for _item in EVERYTHING.values():
    for _name in ("created_by_user", "created_by_station", "parent"):
        if _name in _item:
            _item[_name] = _item[_name] or {"id": "x", "name": "Ines Moreau", "serial_number": "INV-1"}


def is_bare(name):
    """Tell whether the listing is an array with no envelope around it."""
    return ENDPOINTS[name]["response"]["type"] == "array"


class PageDecoder(Decoder):
    """Decodes the pages of a listing, which begin at a cursor, as a response is read."""

    def __init__(self, item, *, bare=False, structs=False):
        super().__init__(list[item] if bare else Page[item], structs=structs)

    def __call__(self, body, cursor):
        return Page(*super().__call__(body), cursor)


def body(name, *items):
    """Return a page of items, as a document."""
    return list(items) if is_bare(name) else {"data": list(items), "meta": {"has_more": True, "next_cursor": 50}}


def fields(name):
    """Yield the path of each field of an item, through objects and the first item of arrays, with its description."""
    response = ENDPOINTS[name]["response"]
    yield from _fields((response if is_bare(name) else response["fields"]["data"])["items"]["fields"])


def _fields(described, path=()):
    for name, field in described.items():
        yield (*path, name), field
        if field["type"] == "object":
            yield from _fields(field.get("fields", {}), (*path, name))
        elif field["type"] == "array" and field["items"]["type"] == "object":
            yield from _fields(field["items"]["fields"], (*path, name, 0))


def inside(item, path):
    """Return the object that holds a field, in an item of JSON."""
    for step in path[:-1]:
        item = item[step]
    return item


def value_at(model, path):
    """Return the value of a field, by its path on the wire, in a model."""
    names = {"linkedRepository": "linked_repository", "fullName": "full_name"}
    for step in path:
        model = model[step] if isinstance(step, int) else getattr(model, names.get(step, step))
    return model


FIELDS = [(name, path, field) for name in MODELS for path, field in fields(name)]
"""Each field of each listing: the listing's name, the path of the field, and what the API says of it."""
OPTIONAL = [row for row in FIELDS if not row[2]["required"] or "since_sdk" in row[2]]
"""Fields that may be absent, those that older servers lack included."""
NULLABLE = [row for row in FIELDS if row[2].get("nullable")]
