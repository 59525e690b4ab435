"""The storage of attachments: presigned addresses that expire, and parts of files."""

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from fakes.asking import ask

from aiotofupilot.sandbox import Request, Sandbox
from aiotofupilot.sandbox.faults import status
from aiotofupilot.testing import make_unit


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


def test_a_file_comes_without_a_key_and_not_with_one(made):
    """A client that sends its key there is noticed, as S3 notices it."""
    url = address(made)
    assert get(made, url).status == 200
    assert get(made, url, authorization=f"Bearer {made.api_key}").status == 400


def test_an_address_expires_and_a_new_one_does_not(made):
    url = address(made)
    later = datetime.now(UTC) + timedelta(seconds=made.storage.lifetime + 1)
    expired = get(made, url, time=later)
    assert (expired.status, expired.headers["Content-Type"]) == (403, "application/xml")
    assert b"<Message>Request has expired</Message>" in expired.body
    made.storage.lifetime = 0
    assert get(made, address(made)).status == 403


def test_a_changed_address_is_forbidden(made):
    for change in [("Expires=", "Expires=9"), ("/storage/", "/storage/x"), ("Signature=", "Signature=x")]:
        answer = get(made, address(made).replace(*change))
        assert (answer.status, b"SignatureDoesNotMatch" in answer.body) == (403, True)
        assert get(made, "/storage/x").status == 403


def test_an_address_is_for_reading_only(made):
    assert get(made, address(made), method="PUT").status == 403


def test_a_part_of_a_file(made):
    for asked, selected in [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=5-999999", slice(5, None)),
        ("bytes=-999999", slice(0, None)),
    ]:
        url = address(made)
        whole = get(made, url)
        part = get(made, url, range=asked, if_range=whole.headers["ETag"])
        begin, end, _ = selected.indices(len(whole.body))
        assert (part.status, part.body) == (206, whole.body[selected])
        assert part.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(whole.body)}"
        assert part.headers["ETag"] == whole.headers["ETag"]


def test_a_file_that_changed_or_a_range_that_is_none_gives_the_whole(made):
    for details in [
        {"range": "bytes=5-", "if_range": '"other"'},
        {"range": "bytes=-"},
        {"range": "x"},
        {"range": f"bytes={'9' * 5000}-"},
    ]:
        url = address(made)
        assert (get(made, url, **details).status, get(made, url, **details).body) == (200, get(made, url).body)


def test_a_range_beyond_the_end(made):
    url = address(made)
    answer = get(made, url, range="bytes=999999-")
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(get(made, url).body)}")


def test_the_artifact_of_a_deployment_is_what_it_says(made):
    details = [ask(made, f"deployments/{one.id}")[1] for one in made.deployments]
    assert {one["status"] == "ready" for one in details} == {True, False}
    for one in details:
        assert (one["artifact_url"] is None) == (one["status"] != "ready")
        if one["artifact_url"]:
            body = get(made, one["artifact_url"]).body
            assert len(body) == one["artifact_size_bytes"]
            assert hashlib.sha256(body).hexdigest() == one["artifact_sha256"]


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
    async with Sandbox(1, runs=0, units=[make_unit(f"SN-{n}") for n in range(9)]) as made:
        headers = {"Authorization": f"Bearer {made.api_key}", "Host": "host.docker.internal:8080"}
        found = []
        for unit in made.units:
            async with client.get(f"{made.url}/v2/units/{unit.serial_number}", headers=headers) as response:
                found += [one["download_url"] for one in (await response.json())["attachments"] if one["download_url"]]
        assert {url.partition("/storage/")[0] for url in found} == {"http://host.docker.internal:8080"}
