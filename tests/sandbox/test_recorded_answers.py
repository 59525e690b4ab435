"""The running sandbox gives every recorded answer.

- The sandbox responds as TofuPilot's REST layer was recorded, and the official SDK reads all listings, filters and
  single items there; each refusal has its status, code and path.
"""

import json
from pathlib import Path

from fakes.compared import told
from yarl import URL

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status

RECORDINGS = Path(__file__).parents[1] / "recordings"


_COMPARED = ("code", "path", "minimum", "maximum")
"""What an issue says to programs."""


def sandbox_like(name, procedures):
    """Return a sandbox with the data and the keys of the server that was recorded."""
    is_own = name == "procedures-requests"  # the recorded server held the sandbox's own procedures
    sandbox = Sandbox() if is_own else Sandbox(procedures, api_key="user", station_key="station")
    sandbox.station_listings.remove("procedures")  # a station of the recorded servers could not list these
    # The recorded server's database failed for this key.
    sandbox.faults.on(lambda request: request.authorization == "Bearer boom").always(status(500, message="db down"))
    return sandbox


def url_of(sandbox, request):
    """Spell the request's target as it was recorded."""
    url = URL(sandbox.url)
    if "target" in request:
        return URL(f"{url.origin()}{request['target']}", encoded=True)
    if "raw_query" in request:
        return URL(f"{url.origin()}{request['path']}?{request['raw_query']}", encoded=True)
    return url.with_path(request["path"]).with_query(request["query"])


def compared(response):
    """Return a response as it was recorded: of many items the number, the first and the last.

    Issues have no order. Of each, the code, the path and the bounds are compared.
    """
    body = response["body"] or {}
    if "issues" in body:
        issues = [{name: issue[name] for name in _COMPARED if name in issue} for issue in body["issues"]]
        return {**response, "body": {**body, "issues": sorted(map(json.dumps, issues))}}
    if len(body.get("data", [])) <= 3:
        return response
    first, *_, last = body["data"]
    shown = {"data_count": len(body["data"]), "data_first": first, "data_last": last, "meta": body["meta"]}
    return {**response, "body": shown}


async def response(client, sandbox, request):
    """Send a recorded request to the sandbox."""
    headers = {"Authorization": request["authorization"]} if request["authorization"] else {}
    async with client.request(request.get("method", "GET"), url_of(sandbox, request), headers=headers) as response:
        body = await response.read()
        return {
            "status": response.status,
            "content_type": response.headers.get("Content-Type"),
            "body": json.loads(body) if body else None,
        }


async def test_every_recorded_answer_is_given_again(client, recorded_procedures):
    """Status, content type and document are those of TofuPilot's own REST layer. The README says how many there are."""
    responses, recorded = {}, {}
    for name in ("procedures", "procedures-requests"):
        cases = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
        recorded |= {case["name"]: compared(case["response"]) for case in cases}
        async with sandbox_like(name, recorded_procedures) as sandbox:
            for case in cases:
                responses[case["name"]] = compared(await response(client, sandbox, case["request"]))
    assert responses == recorded
    assert told("TofuPilot's REST layer") == f"{len(recorded)} requests"
