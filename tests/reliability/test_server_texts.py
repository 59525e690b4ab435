"""A server may write anything into its texts. In messages, none of it steers a terminal or looks like another line.

- Errors and log records are single lines without control characters.
"""

import json
import logging

import pytest
from fakes.raw_server import http

from aiotofupilot import APIError, RetryPolicy, TofuPilotSession, ValidationIssue
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status, unreadable

KEY = "tofu_0123456789abcdef"
HOSTILE = "no\x1b[2J\x9b31m\u202egnp\r\nCRITICAL:root:forged\u2028"
SHOWN = "no\ufffd[2J\ufffd31m\ufffdgnp\ufffd\ufffdCRITICAL:root:forged\ufffd"


def refusal(**members):
    return http(json.dumps({"message": "no", **members}).encode(), status="400 Bad Request")


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (refusal(message=HOSTILE), f"400: {SHOWN}"),
        (refusal(code=HOSTILE), f"400 {SHOWN}: no"),
        (refusal(issues=[{"message": HOSTILE}]), f"400: no ({SHOWN})"),
        (refusal(issues=[{"message": "bad", "path": ["limit", HOSTILE]}]), f"400: no (limit.{SHOWN}: bad)"),
        (
            http(b"<", "Content-Type: text/\x9b31m\u202egnp", status="400 Bad Request"),
            "400: the response is not TofuPilot's: 1 bytes of text/\ufffd31m\ufffdgnp",
        ),
    ],
    ids=["message", "code", "issue", "path of an issue", "type"],
)
async def test_a_message_has_no_control_characters(server, caplog, response, message):
    """The attributes of the error have the texts as they came."""
    caplog.set_level(logging.DEBUG)
    server.answers = [response] * 2
    again = RetryPolicy(attempts=2, initial_wait=0, rules=[lambda error, attempt: True])
    async with TofuPilotSession(KEY, base_url=server.origin, retry=again) as session:
        with pytest.raises(APIError) as caught:
            await session.procedures.list()
    assert str(caught.value).startswith(message)
    assert (caught.value.hint, len(server.requests)) == (None, 2)
    records = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    assert [message in record for record in records] == [True]
    assert all(text.isprintable() for text in (str(caught.value), *records))


@pytest.mark.parametrize("kind", ["procedures", "details of runs"])
async def test_a_line_about_what_is_left_out_has_no_control_characters(caplog, kind):
    caplog.set_level(logging.DEBUG)
    async with (
        Sandbox(5, runs=5, api_key=KEY) as sandbox,
        TofuPilotSession(KEY, base_url=sandbox.url, retry=None) as session,
    ):
        if kind == "procedures":
            sandbox.faults.always(unreadable(3, by=status(500, message=HOSTILE)))
            walk = session.procedures.list(on_unreadable="skip").walk()
        else:
            first = sandbox.runs[0].id
            sandbox.faults.on(lambda request: request.path.endswith(first)).always(status(500, message=HOSTILE))
            walk = session.runs.list(on_unreadable="skip").details().walk()
        async with walk:
            assert len([item async for item in walk]) == 4
    records = [record.getMessage() for record in caplog.records]
    assert any("left out: 500 INTERNAL_SERVER_ERROR: " + SHOWN in record for record in records)
    assert all(record.isprintable() for record in records)


def test_an_error_keeps_what_the_server_said():
    issue = ValidationIssue(HOSTILE, ("limit", HOSTILE), HOSTILE)
    error = APIError(HOSTILE, status=400, code=HOSTILE, issues=[issue])
    assert (error.message, error.code, error.issues) == (HOSTILE, HOSTILE, (issue,))
    assert error.args == (HOSTILE,)
