"""The storage of attachments: presigned addresses that expire, and parts of files.

- Addresses of attachments in the sandbox expire and take no key; it sends parts of files.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from fakes.asking import ask

from aiotofupilot.models import Unit
from aiotofupilot.sandbox import Request, Sandbox
from aiotofupilot.sandbox.faults import status
from aiotofupilot.testing import make


@pytest.fixture
def made():
    return Sandbox(3, runs=20)


def attachments(made, listing, key):
    """Return every attachment of the items of a listing."""
    return [
        one for item in made.rows(listing) for one in ask(made, f"{listing}/{getattr(item, key)}")[1]["attachments"]
    ]


def address(made):
    return next(one["download_url"] for one in attachments(made, "units", "serial_number") if one["download_url"])


def get(made, url, **details):
    """Give the answer to a request for an address."""
    parts = urlsplit(url)
    with made.handle(Request(path=parts.path, query=parse_qsl(parts.query), **details)) as delivery:
        return delivery


def test_some_files_are_reports_have_no_size_or_are_not_there(made):
    of_runs = attachments(made, "runs", "id")
    found = [*of_runs, *attachments(made, "units", "serial_number")]
    assert {one["name"] for one in found} == {"report.html", "trace.csv", "scope.part", "label.svg", "photo.part"}
    assert len({one["id"] for one in found}) == len(found)
    for one in found:
        is_there = not one["name"].endswith(".part")
        assert (one["download_url"] is None, one["size"] is None, one["content_type"] is None) == (not is_there,) * 3
        if is_there:
            assert one["size"] in (0, len(get(made, one["download_url"]).body))
    assert {one["size"] == 0 for one in found} == {True, False}
    assert {one["name"] for one in of_runs if one["is_report"]} == {"report.html"}


def refusals(made):
    """Yield how requests for a file are refused: the address, the request, the status, and what the document says."""
    url, key = address(made), f"Bearer {made.api_key}"
    later = datetime.now(UTC) + timedelta(seconds=made.storage.lifetime + 1)
    yield url, {"authorization": key}, 400, b"<Message>Only one auth mechanism allowed</Message>"
    yield url, {"time": later}, 403, b"<Message>Request has expired</Message>"
    for change in [("Expires=", "Expires=9"), ("/storage/", "/storage/x"), ("Signature=", "Signature=x")]:
        yield url.replace(*change), {}, 403, b"<Code>SignatureDoesNotMatch</Code>"
    yield "/storage/x", {}, 403, b"<Code>SignatureDoesNotMatch</Code>"
    yield url, {"method": "PUT"}, 403, b"<Code>SignatureDoesNotMatch</Code>"
    made.storage.lifetime = 0
    yield address(made), {}, 403, b"<Message>Request has expired</Message>"


def test_only_an_address_that_has_not_expired_is_answered_and_only_without_a_key(made):
    """A client that sends its key there is noticed, as S3 notices it."""
    assert get(made, address(made)).status == 200
    for url, details, status_code, told in refusals(made):
        refused = get(made, url, **details)
        assert (refused.status, refused.headers["Content-Type"]) == (status_code, "application/xml")
        assert told in refused.body


@pytest.mark.parametrize(
    ("asked", "selected"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=100-", slice(100, None)),
        ("bytes=5-999999", slice(5, None)),
        ("bytes=999999-", None),
    ],
)
def test_a_part_of_a_file(made, asked, selected):
    """A file that has changed since, or a range that is none, gives the whole."""
    url = address(made)
    whole = get(made, url)
    part = get(made, url, range=asked, if_range=whole.headers["ETag"])
    if selected is None:
        assert (part.status, part.headers["Content-Range"]) == (416, f"bytes */{len(whole.body)}")
        return
    begin, end, _ = selected.indices(len(whole.body))
    assert (part.status, part.body) == (206, whole.body[selected])
    assert part.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(whole.body)}"
    assert part.headers["ETag"] == whole.headers["ETag"]
    odd = [
        {"range": asked, "if_range": '"other"'},
        *({"range": text} for text in ("bytes=-7", "x", f"bytes={'9' * 5000}-")),
    ]
    assert [get(made, url, **details) for details in odd] == [whole] * 4


async def test_over_sockets_an_address_is_of_another_origin_and_meets_the_faults_of_the_sandbox(client):
    async with Sandbox(3, runs=20) as made:
        url = address(made)
        assert url.startswith(made.url.removesuffix("/api").replace("127.0.0.1", "localhost") + "/storage/")
        async with client.get(url) as response:
            whole = await response.read()
        headers = {"Range": "bytes=10-", "If-Range": response.headers["ETag"]}
        async with client.get(url, headers=headers) as response:
            assert (response.status, await response.read()) == (206, whole[10:])
        made.faults.next(status(503))
        async with client.get(url) as response:
            assert response.status == 503
        assert made.requests[-1].fault == status(503)


async def test_an_address_has_the_name_that_the_client_has_for_the_sandbox(client):
    """In a container, for example, this machine has another name."""
    async with Sandbox(1, runs=0, units=[make(Unit, serial_number=f"SN-{n}") for n in range(9)]) as made:
        headers = {"Authorization": f"Bearer {made.api_key}", "Host": "host.docker.internal:8080"}
        found = []
        for unit in made.units:
            async with client.get(f"{made.url}/v2/units/{unit.serial_number}", headers=headers) as response:
                found += [one["download_url"] for one in (await response.json())["attachments"] if one["download_url"]]
        assert {url.partition("/storage/")[0] for url in found} == {"http://host.docker.internal:8080"}
