"""What a server returns by itself has secrets, and none of them is written to a table, a file or a database.

- No file, table or flat row has the address of an attachment or artifact, or the beginning of a station's key.
"""

import attrs
import pytest
from fakes.wire_details import DETAILS, EXAMPLES, MODELS
from msgspec import json

from aiotofupilot import from_wire, models, to_wire
from aiotofupilot.arrow import record_batch
from aiotofupilot.arrow.rows import database_rows
from aiotofupilot.arrow.streaming import stream_head, stream_part
from aiotofupilot.cli.formats import csv_rows, json_array, json_lines
from aiotofupilot.models.fields import fields_of, shown_fields

SECRETS = {"download_url", "artifact_url", "api_key"}
HAVING_SECRETS = ("runs", "units", "deployments", "stations")


def test_the_secrets_are_these():
    """A field that no repr shows is a secret."""
    every = {model for name in dir(models) if attrs.has(model := getattr(models, name)) and not name.startswith("Page")}
    secrets = {(model.__name__, field.name) for model in every for field in fields_of(model) if field.is_secret}
    assert secrets == {
        ("Attachment", "download_url"),
        ("DeploymentDetails", "artifact_url"),
        ("StationDetails", "api_key"),
    }
    assert {name for _, name in secrets} == SECRETS
    for model in every:
        hidden = SECRETS if any(field.is_secret for field in fields_of(model)) else set()
        shown = [field for field in fields_of(model) if field.name not in hidden]
        assert list(shown_fields(model)) == shown


def told(name):
    """Return an item with secrets, and the texts of these."""
    document = EXAMPLES[name][0]
    secrets = [document.get("artifact_url"), document.get("api_key")]
    secrets += [attachment.get("download_url") for attachment in document.get("attachments", ())]
    secrets = [secret for secret in secrets if secret]
    item = from_wire(document, MODELS[name])
    assert all(secret.encode() in json.encode(to_wire(item)) for secret in secrets)
    assert secrets
    return item, secrets


@pytest.mark.parametrize("name", HAVING_SECRETS)
def test_no_row_has_a_secret(name):
    item, secrets = told(name)
    model = type(item)
    written = [
        json.encode(to_wire(item, with_secrets=False)),
        *(form.head + form.page([item]) for form in (json_lines(), json_array(), csv_rows(model))),
        stream_head(model) + stream_part([item], model),
        str(record_batch([item], model).to_pylist()).encode(),
        str(database_rows(model).batch([item]).to_pylist()).encode(),
    ]
    for text in written:
        assert item.id.encode() in text
        assert not any(secret.encode() in text for secret in secrets)
        assert not any(name.encode() in text for name in SECRETS)


def without_secrets(document):
    """Return JSON without the fields that are secrets."""
    if isinstance(document, list):
        return [without_secrets(member) for member in document]
    if isinstance(document, dict):
        return {key: without_secrets(member) for key, member in document.items() if key not in SECRETS}
    return document


@pytest.mark.parametrize(("name", "model", "example"), DETAILS)
def test_everything_else_is_there(name, model, example):
    item = from_wire(example, model)
    shown = json.decode(json.encode(to_wire(item, with_secrets=False)))
    assert shown == without_secrets(json.decode(json.encode(to_wire(item)))), name
