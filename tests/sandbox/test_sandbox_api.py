"""The API as a function."""

import json

import pytest

from aiotofupilot.sandbox import Api, Factory, make_procedures


@pytest.fixture
def api():
    return Api(Factory(make_procedures(20), runs=30), api_key="k", station_key="s")


def test_answers_for_every_listing(api):
    """One function answers for every listing, whatever the path's spelling."""
    for path in ("/api/v2/runs", "/api/v2/Runs/", "/API/V2/RUNS"):
        status, body = api.response(path, [("outcomes", "PASS"), ("outcomes", "FAIL"), ("limit", "2")], "Bearer k")
        found = json.loads(body)["data"]
        assert status == 200
        assert [item["id"] for item in found] == [
            run.id for run in api.factory.runs if run.outcome in ("PASS", "FAIL")
        ][:2]


def test_a_refusal_is_an_answer_too(api):
    assert [api.response("/api/v2/runs", {}, key).status for key in (None, "Bearer s", "Bearer k")] == [401, 200, 200]
    assert api.response("/api/v2/runs", {"limit": "0"}, "Bearer k").status == 400
    assert api.response("/api/v2/nope", {}, "Bearer k").status == 404
