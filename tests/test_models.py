"""The models are values: they compare, hash, pickle and copy by what they hold."""

import pickle
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from fakes.wire_details import DETAILS

from aiotofupilot import from_wire, models
from aiotofupilot.models import Page, PageMeta, PartRef, RawItem, Revision, Run, RunProcedure, RunUnit, UnitRef
from aiotofupilot.testing import make

MODELS = [model for name in models.__all__ if attrs.has(model := getattr(models, name))]

MOMENT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def run(**fields):
    unit = RunUnit(id="u", serial_number="INV-42", part=PartRef("p", "INV", "Inverter", Revision("r", "C")))
    return Run(
        **{
            "id": "run",
            "created_at": MOMENT,
            "started_at": MOMENT,
            "ended_at": MOMENT,
            "duration": timedelta(seconds=90.732),
            "outcome": "FAIL",
            "procedure": RunProcedure("p", "FVT", None),
            "unit": unit,
            **fields,
        }
    )


def test_wire_names_differ_from_field_names_only_for_linked_repository_and_full_name():
    """Every other field is spelled on the wire as it is here."""
    renamed = {
        f"{model.__name__}.{field.name}": field.metadata["wire"]
        for model in MODELS
        for field in attrs.fields(model)
        if "wire" in field.metadata
    }
    assert renamed.pop("Attachment.owner") is None, "it is not on the wire"
    assert renamed == {"Procedure.linked_repository": "linkedRepository", "Repository.full_name": "fullName"}


def test_a_model_is_never_equal_to_what_has_fewer_of_its_fields():
    """A unit of a run is a reference to a unit, but it says more."""
    tested = run().unit
    reference = UnitRef(tested.id, tested.serial_number)
    assert isinstance(tested, UnitRef)
    assert tested != reference
    assert reference != tested
    assert {reference: "known"}.get(tested) is None


def test_a_model_is_a_kind_of_another_one_only_if_it_says_more_of_the_same():
    """`isinstance` and `match` tell them apart: a member of the organization does not refer to one."""
    kinds = {(one.__name__, base.__name__) for one in MODELS for base in one.__mro__[1:] if base in MODELS}
    assert kinds == {
        *((name, "UnitRef") for name in ("Unit", "UnitDetails", "RunUnit", "BatchUnit", "RelatedUnit", "SubUnit")),
        *((name, "BatchRef") for name in ("Batch", "BatchDetails")),
        *((name, "Revision") for name in ("PartRevision", "RevisionDetails")),
        ("RunProcedure", "ProcedureRef"),
        ("VersionDetails", "ProcedureVersion"),
        ("MeasurementDetails", "RunMeasurement"),
        ("PhaseDetails", "RunPhase"),
    }


@pytest.mark.parametrize("name", ["Run", "RunDetails", "RunSequence", "Log", "Measurement", "Deployment", "Validator"])
def test_a_model_of_many_fields_takes_keywords_only(name):
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        getattr(models, name)("id")


def test_an_item_with_metadata_has_a_hash():
    """Metadata is compared, but left out of the hash because a mapping has none."""
    for model in [model for model in MODELS if "metadata" in attrs.fields_dict(model)]:
        examples = [example for _, other, example in DETAILS if other is model]
        changes = {"metadata": {"bay": 4}}
        one = from_wire(examples[0] | changes, model) if examples else make(model, **changes)
        other = attrs.evolve(one, metadata={"bay": 5})
        assert hash(one) == hash(other)
        assert one != other
        assert len({one, other, attrs.evolve(one, metadata={"bay": 4})}) == 2


def test_a_page_has_a_hash():
    """The items are compared, but left out of the hash because a list has none."""
    page = Page([run()], PageMeta(has_more=False))
    assert hash(page) == hash(Page([], PageMeta(has_more=False)))
    assert page == Page([run()], PageMeta(has_more=False))
    assert page != Page([], PageMeta(has_more=False))
    assert hash(page) != hash(Page([run()], PageMeta(has_more=False), cursor=50))


@pytest.mark.parametrize(
    ("meta", "following"),
    [
        (PageMeta(has_more=True, next_cursor=50), 50),
        (PageMeta(has_more=True, next_cursor=0), 0),
        (PageMeta(has_more=False, next_cursor=50), None),
        (PageMeta(has_more=True), None),
        (PageMeta(has_more=False), None),
    ],
)
def test_a_page_names_where_the_next_one_begins(meta, following):
    """The cursor is the server's own, and a page without more items names none."""
    assert Page([], meta).following == following


def test_an_item_survives_pickling():
    """Items travel between processes."""
    original = run(metadata={"bay": 4})
    assert pickle.loads(pickle.dumps(original)) == original  # noqa: S301 - our own bytes


def test_an_item_without_a_model_has_its_id_like_others():
    """It is a dict otherwise."""
    item = RawItem(id="u-1", name="Ada Park")
    assert item.id == "u-1"
    assert item == {"id": "u-1", "name": "Ada Park"}
