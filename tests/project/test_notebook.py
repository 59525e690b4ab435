"""The notebook of the cookbook runs in a real kernel, and shows what it says. `.ci/run site` installs the kernel."""

import re

import pytest
from fakes.guides import blocks

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve

nbclient = pytest.importorskip("nbclient", reason="it is in the group docs")
nbformat = pytest.importorskip("nbformat", reason="likewise")


@pytest.fixture(scope="module")
def outputs():
    """Run the cells of the guide in one notebook; return what each of them shows, by MIME type, and its streams."""
    texts = [block.text for block in blocks("python cell")]
    labels = "chart.figure.canvas.draw()\n[label.get_text() for label in chart.get_xticklabels()]"
    longer = f"import pandas as pd\nframe['started_at'] -= pd.to_timedelta(frame.index % 60, 'D')\n{texts[2]}"
    cells = [nbformat.v4.new_code_cell(text) for text in (*texts, labels, longer, labels)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with serve(Sandbox(procedures=5, runs=450)) as sandbox, pytest.MonkeyPatch.context() as patched:
        patched.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
        patched.setenv("TOFUPILOT_URL", sandbox.url)
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
        connections = sandbox.connections
    assert connections == 0
    return [told(cell.outputs) for cell in notebook.cells]


def told(outputs):
    shown = {"streams": ""}
    for output in outputs:
        if output.output_type == "stream":
            shown["streams"] += output.text
        else:
            shown |= output.data
    return shown


def test_a_listing_shows_its_filters_and_options(outputs):
    html = outputs[0]["text/html"]
    assert "<caption>Listing of runs. Nothing is sent before it is used.</caption>" in html
    assert "<tr><th>on_drift</th><td>default</td></tr>" in html
    assert outputs[0]["text/plain"] == "<Paginator of runs from 0, limit=100>"


def test_the_bar_counts_every_run_and_the_frame_has_flat_columns(outputs):
    assert "450/450" in outputs[1]["streams"]
    for column in ("started_at", "procedure.name", "unit.serial_number"):
        assert f"<th>{column}</th>" in outputs[1]["text/html"]


def test_the_chart_is_a_picture_and_its_days_are_dates(outputs):
    """The runs are of three days, and matplotlib alone would label hours too. Of two months, few days are labelled."""
    assert len(outputs[2]["image/png"]) > 5_000
    assert outputs[2]["streams"] == ""
    assert outputs[-3]["text/plain"] == "['2026-01-31', '2026-02-01', '2026-02-02']"
    assert 5 <= outputs[-1]["text/plain"].count("'20") <= 8


def test_one_run_shows_what_it_has(outputs):
    html = outputs[3]["text/html"]
    assert "<caption>RunDetails</caption>" in html
    assert re.search(r"<th>phases</th><td>\d+ values?</td>", html)
