"""What is known of every listing, for tests: the API's description of its items, an example, and its model."""

import json
from pathlib import Path

from aiotofupilot import models

ENDPOINTS = json.loads((Path(__file__).parent.parent / "recordings" / "listings.json").read_text("utf-8"))["endpoints"]
MODELS = {
    "procedures": models.Procedure,
    "runs": models.Run,
    "units": models.Unit,
    "parts": models.Part,
    "batches": models.Batch,
    "stations": models.Station,
    "users": models.User,
    "deployments": models.Deployment,
    "logs": models.Log,
    "measurements": models.Measurement,
    "phases": models.Phase,
}
EXAMPLES = {name: endpoint["example_item"] for name, endpoint in ENDPOINTS.items()}


def is_bare(name):
    """Tell whether the listing is an array with no envelope around it."""
    return ENDPOINTS[name]["response"]["type"] == "array"


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
