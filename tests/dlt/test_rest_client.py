"""dlt's own client for REST APIs, which the guides compare with this package."""

import json
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from aiotofupilot.sandbox import BusyLine, Sandbox
from aiotofupilot.testing import serve


def by_dlt(url, key):
    paginator = JSONResponseCursorPaginator(cursor_path="meta.next_cursor", cursor_param="cursor")
    client = RESTClient(url, auth=BearerTokenAuth(key), paginator=paginator)
    with closing(client.session):
        for page in client.paginate("v2/procedures", params={"limit": 100}, data_selector="data"):
            yield from (procedure["id"] for procedure in page)


def by_hand(url, key):
    at, cursor = urlsplit(url), 0
    with closing(HTTPConnection(at.hostname, at.port, timeout=10)) as connection:
        while cursor is not None:
            target = f"{at.path}/v2/procedures?limit=100&cursor={cursor}"
            connection.request("GET", target, headers={"Authorization": f"Bearer {key}"})
            page = json.loads(connection.getresponse().read())
            yield from (procedure["id"] for procedure in page["data"])
            cursor = page["meta"]["next_cursor"]


def lost_by(read):
    """Return what a loop misses and doubles on a busy line."""
    sandbox, line = Sandbox(1000), BusyLine(inserts=1, removals=2, seed=7)
    sandbox.before_response.append(line)
    listed = [procedure.id for procedure in sandbox.procedures]
    with serve(sandbox):
        got = [*read(sandbox.url, sandbox.api_key)]
    missed = {*listed} - {*got} - {procedure.id for procedure in line.removed}
    return missed, sorted(got, key=got.count)[len({*got}) - len(got) :]


def test_it_loses_what_any_loop_loses():
    (missed, doubled), plain = lost_by(by_dlt), lost_by(by_hand)
    assert (missed, doubled) == plain
    assert missed
    assert doubled
