"""The benchmarks' data are of several kinds, vary as real ones do, and mean the same to every decoder."""

import attrs
import pytest
from fakes.wire_listings import MODELS
from msgspec import json

from aiotofupilot.models import wire_name
from benchmarks.decoders import DECODERS
from benchmarks.kinds import KINDS
from benchmarks.pages import page_body


def listed(kind, items):
    """Return the items of one large page, as dicts."""
    return json.decode(page_body(kind, items, items, 0))["data"]


@pytest.mark.parametrize("kind", KINDS)
class TestPages:
    def test_pages_are_those_of_one_listing(self, kind):
        """Pages of any size hold the same items, and each item has its own ID."""
        hundreds = [json.decode(page_body(kind, 250, 100, cursor)) for cursor in (0, 100, 200)]
        sevens = [json.decode(page_body(kind, 250, 7, cursor)) for cursor in range(0, 250, 7)]
        items = [item for page in hundreds for item in page["data"]]

        assert [item for page in sevens for item in page["data"]] == items
        assert len({item["id"] for item in items}) == 250
        assert [page["meta"] for page in hundreds] == [
            {"has_more": True, "next_cursor": 100},
            {"has_more": True, "next_cursor": 200},
            {"has_more": False, "next_cursor": None},
        ]

    def test_beyond_the_end_there_is_an_empty_page(self, kind):
        """TofuPilot sends such a page too."""
        page = json.decode(page_body(kind, 250, 100, 300))
        assert page == {"data": [], "meta": {"has_more": False, "next_cursor": None}}

    def test_a_long_listing_has_no_id_twice(self, kind):
        """The items repeat after some thousands, and their IDs do not."""
        assert len({item["id"] for item in listed(kind, 12_000)}) == 12_000


class TestData:
    def test_few_creators_and_repositories_repeat(self):
        """This is the data that a cache would like."""
        procedures = listed("few", 2_000)
        assert len({item["created_by_user"]["id"] for item in procedures}) == 12
        assert len({item["linkedRepository"]["id"] for item in procedures if item["linkedRepository"]}) == 20

    def test_new_creators_and_repositories_never_repeat(self):
        """No cache helps, however long the listing is."""
        procedures = listed("new", 12_000)
        repositories = [item["linkedRepository"] for item in procedures if item["linkedRepository"]]
        ids = [person_or_source["id"] for item in procedures for person_or_source in (item, item["created_by_user"])]
        ids += [repository["id"] for repository in repositories]

        assert len(repositories) > 10_000
        assert len(set(ids)) == len(ids)

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_field_is_there_and_optional_ones_are_sometimes_null(self, kind):
        """The wire names of the model are the keys of each item, and none of them is null throughout."""
        items = listed(kind, 2_000)
        fields = attrs.fields(MODELS[KINDS[kind].listing])

        for field in fields:
            values = [item[wire_name(field)] for item in items]
            assert any(value is not None for value in values), field.name
            assert all(len(item) == len(fields) for item in items)

    def test_runs_hold_everything_that_can_be_nested(self):
        """A part with its revision and the procedure's version stand two levels down."""
        runs = listed("runs", 500)

        assert all(run["unit"]["part"]["revision"]["number"] for run in runs)
        assert all(run["sequences"] and run["metadata"] and run["operated_by"] for run in runs)
        assert any(run["procedure"]["version"] for run in runs)
        assert any(run["unit"]["batch"] for run in runs)
        assert {type(value) for run in runs for value in run["metadata"].values()} == {str, int, float, bool}

    def test_measurements_are_of_every_type_with_every_kind_of_validator(self):
        """The expected value of a validator can be a scalar, an array or null."""
        measurements = listed("measurements", 2_000)
        validators = [validator for item in measurements for validator in item["validators"] or ()]
        expected = [validator["expected_value"] for validator in validators]

        assert {item["measurement_type"] for item in measurements} == {
            *("numeric", "boolean", "string"),
            *("multidimensional", "json", "empty"),
        }
        assert {type(value) for value in expected} == {bool, int, float, str, list, type(None)}
        assert {type(value[0]) for value in expected if isinstance(value, list)} == {float, str}

    def test_names_are_not_all_ascii(self):
        """Parsers are slower with accents and escapes, and real data has some of both."""
        body = page_body("few", 1_000, 1_000, 0)
        assert not body.isascii()
        assert b'\\"' in body


@pytest.mark.parametrize("kind", KINDS)
class TestDecoders:
    @pytest.mark.parametrize("name", [name for name, decoder in DECODERS.items() if decoder.installed])
    def test_every_decoder_hands_out_every_item(self, name, kind, monkeypatch):
        """A decoder that does less than the others cannot be compared with them."""
        monkeypatch.setenv("DISABLE_TELEMETRY", "true")
        body = page_body(kind, 1_000, 100, 300)

        page = DECODERS[name].make(kind)(body)

        items = page["data"] if name == "dicts" else page.data
        ids = [item["id"] if name == "dicts" else item.id for item in items]
        assert ids == [item["id"] for item in json.decode(body)["data"]]

    def test_plain_cattrs_makes_the_same_models(self, kind):
        """It takes another way to the same values."""
        body = page_body(kind, 1_000, 100, 300)
        assert DECODERS["cattrs"].make(kind)(body).data == DECODERS["ours"].make(kind)(body).data
