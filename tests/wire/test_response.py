"""Answers become pages or errors: no socket, no clock."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import json
from multidict import CIMultiDict

from aiotofupilot import (
    APIError,
    BadRequestError,
    DecodeError,
    ForbiddenError,
    NotFoundError,
    Page,
    PageMeta,
    Procedure,
    ServerError,
    UnauthorizedError,
)
from aiotofupilot._wire.codec import Decoder
from aiotofupilot._wire.response import Response, read_page

WIRE = json.decode((Path(__file__).parents[1] / "recordings" / "procedures.json").read_text("utf-8"))
NOW = datetime(2026, 2, 1, 12, 0, 0, tzinfo=UTC)
ERRORS = {400: BadRequestError, 401: UnauthorizedError, 403: ForbiddenError, 404: NotFoundError, 500: ServerError}

decode = Decoder(Page[Procedure])


def answer(status=200, body=b"", **headers):
    """An answer; header names with underscores for hyphens."""
    fields = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Response(status, fields, body, NOW)


def refusal(status, body=b""):
    """The error that an answer becomes."""
    with pytest.raises(APIError) as caught:
        read_page(answer(status, body), 0, decode)
    return caught.value


def whole(document):
    """A recorded document; of a long page, the recording has the number of items, the first and the last."""
    if "data_count" not in document:
        return document
    between = [document["data_first"]] * (document["data_count"] - 2)
    return {"data": [document["data_first"], *between, document["data_last"]], "meta": document["meta"]}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in WIRE])
def test_a_recorded_response_is_read_as_it_was_meant(case):
    """Pages give their items, errors their class, code, message and issues."""
    status, document = case["response"]["status"], whole(case["response"]["body"])
    response = answer(status, json.encode(document), Content_Type=case["response"]["content_type"])
    if status == 200:
        page = read_page(response, 7, decode)
        assert page.cursor == 7
        assert [procedure.id for procedure in page.data] == [item["id"] for item in document["data"]]
        assert (page.meta.has_more, page.meta.next_cursor) == tuple(document["meta"].values())
        return
    error = refusal(status, response.body)
    assert type(error) is ERRORS[status]
    assert (error.status, error.code, error.message) == (status, document["code"], document["message"])
    assert [(issue.message, list(issue.path), issue.code) for issue in error.issues] == [
        (issue["message"], issue["path"], issue["code"]) for issue in document.get("issues", [])
    ]


@pytest.mark.parametrize("status", [200, 201, 299])
def test_every_2xx_is_read_as_a_page(status):
    """If its body is not a page, this is a DecodeError."""
    with pytest.raises(DecodeError):
        read_page(answer(status, b"{}"), 0, decode)


def test_a_page_knows_its_request_and_its_headers():
    """A support ticket names the request, and rate limits are told in headers."""
    headers = {"X-Request-Id": "r1", "RateLimit": '"default";r=50;t=30'}
    response = Response(200, CIMultiDict(headers), b'{"data":[],"meta":{"has_more":false}}', NOW)
    page = read_page(response, 7, decode)
    assert (page.request_id, page.headers["ratelimit"], page.cursor) == ("r1", '"default";r=50;t=30', 7)
    assert page == Page([], PageMeta(has_more=False), 7)
    assert "RateLimit" not in repr(page)
