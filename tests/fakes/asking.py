"""Ask a service as a client does, without a socket."""

import json

from aiotofupilot.sandbox import Request


def ask(service, listing, query=(), *, key=None):
    """Give the status and the document of one answer."""
    request = Request(
        path=f"/api/v2/{listing}", query=query, authorization=f"Bearer {service.api_key if key is None else key}"
    )
    with service.handle(request) as delivery:
        return delivery.status, json.loads(delivery.body)


def items(service, listing, query=(), *, limit=100):
    """List everything that a query asks for."""
    pairs = list(query.items() if isinstance(query, dict) else query)
    if listing == "users":
        status, document = ask(service, listing, pairs)
        assert status == 200
        return document
    found, cursor = [], 0
    while cursor is not None:
        status, document = ask(service, listing, [*pairs, ("limit", str(limit)), ("cursor", str(cursor))])
        assert status == 200, document
        found += document["data"]
        cursor = document["meta"]["next_cursor"]
    return found


def ids(service, listing, query=()):
    """List the ids of what a query asks for."""
    return [item["id"] for item in items(service, listing, query)]
