"""Rows become the same record batch, however many of them are converted at once."""

from datetime import timedelta

import attrs
import orjson
import pytest
from fakes.in_process import InProcess
from fakes.wire_listings import EVERYTHING, EXAMPLES, MODELS, body, is_bare

from aiotofupilot import DecodeError, Procedure, Repository, Run
from aiotofupilot._wire.codec import PageDecoder, StructDecoder
from aiotofupilot.arrow import batches, record_batch, rows, schema, table
from aiotofupilot.arrow.files import stream_part
from aiotofupilot.arrow.rows import Rows
from aiotofupilot.listings.runs import Runs
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import make, make_run


@pytest.fixture
def converting(monkeypatch):
    """Return what sets how many values are converted at once."""

    def convert(values):
        monkeypatch.setattr(rows, "_AT_ONCE", values)

    return convert


@pytest.mark.parametrize("at_once", [1, 60, 5_000])
@pytest.mark.parametrize("name", MODELS)
def test_it_does_not_matter_how_much_is_converted_at_once(converting, name, at_once):
    """Nor does what a batch before has held."""
    document = orjson.dumps(body(name, *[EXAMPLES[name], EVERYTHING[name]] * 4))
    models, items = (kind(MODELS[name], bare=is_bare(name))(document, 0).data for kind in (PageDecoder, StructDecoder))
    whole = record_batch(models, MODELS[name])
    converting(at_once)
    gathered = Rows(MODELS[name], schema(MODELS[name]))
    for _ in range(2):
        for item in items:
            gathered.add([item])
        assert gathered.count == len(items)
        batch = gathered.build()
        batch.validate(full=True)
        assert batch.equals(whole)
        assert (gathered.count, gathered.size) == (0, 0)


@pytest.mark.parametrize("name", MODELS)
def test_no_rows_are_an_empty_batch(name):
    batch = Rows(MODELS[name], schema(MODELS[name])).build()
    batch.validate(full=True)
    assert (batch.num_rows, batch.schema) == (0, schema(MODELS[name]))


def test_the_size_is_that_of_the_rows_that_are_converted(converting):
    converting(20)  # of ten columns
    gathered = Rows(Procedure, schema(Procedure))
    gathered.add([make(Procedure, name="x" * 1_000)])
    assert gathered.size == 0
    gathered.add([make(Procedure, name="x" * 1_000)])
    assert 2_000 < gathered.size < 4_000


def test_a_column_holds_no_memory_of_other_columns(converting):
    """Columns share arrays only until the batch is built."""
    converting(20)
    batch = record_batch([make(Procedure, name="x" * 100_000)] * 5, Procedure)
    buffers = {name: batch.column(name).get_total_buffer_size() for name in batch.schema.names}
    assert buffers["name"] > 500_000
    assert sum(buffers.values()) - buffers["name"] < 5_000


def test_items_without_anything_nested_have_null_there():
    """No other item of theirs tells of which class what is nested would be."""
    bare = make(Procedure, created_by_user=None, linked_repository=None)
    row = record_batch([bare], Procedure).to_pylist()[0]
    assert (row["created_by_user"], row["linked_repository"]) == (None, None)


def test_nested_models_may_be_of_a_subclass():
    """It may ask for more than the model does when one is made."""

    class Noted(Repository):
        def __init__(self, note):
            super().__init__("r", note, f"o/{note}")

    repositories = [Noted("mine"), None, make(Repository, full_name="o/theirs")]
    items = [make(Procedure, linked_repository=repository) for repository in repositories]
    column = record_batch(items, Procedure).column("linked_repository").to_pylist()
    assert [row and row["name"] for row in column] == ["mine", None, "theirs"]


def test_integers_among_numbers_of_other_columns_become_the_nearest_doubles(converting):
    """An integer that no double has exactly changes nothing for the column beside it."""
    model = attrs.make_class("Pair", {name: attrs.field(type=int | float | None) for name in ("a", "b")})
    converting(4)
    batch = record_batch([model(2**53 + 1, 0.5), model(None, 7), model(-1, None)], model)
    assert batch.to_pylist() == [{"a": 2.0**53, "b": 0.5}, {"a": None, "b": 7.0}, {"a": -1.0, "b": None}]


def test_rows_with_a_duration_that_arrow_cannot_hold_stay(converting):
    """They are told of as often as they are to be converted."""
    converting(1)
    gathered = Rows(Run, schema(Run))
    gathered.add([make_run()])
    for count in (2, 3):
        with pytest.raises(OverflowError, match="Arrow holds a duration of at most"):
            gathered.add([attrs.evolve(make_run(), duration=timedelta.max)])
        with pytest.raises(OverflowError, match="Arrow holds a duration of at most"):
            gathered.build()
        assert gathered.count == count


def test_a_part_of_a_stream_tells_of_such_a_duration_with_an_error_of_this_package():
    with pytest.raises(DecodeError, match="Arrow holds a duration of at most"):
        stream_part([attrs.evolve(make_run(), duration=timedelta.max)], Run)


async def test_such_a_duration_in_a_later_page_costs_no_row_before_it(converting):
    """No shorter batch is yielded, whose checkpoint would stand after the rows at fault."""
    converting(1)
    too_long = b'"duration":"P%dDT' % timedelta.max.days

    class Lying(InProcess):
        answered = 0

        async def _answer(self, target):
            answer = await super()._answer(target)
            self.answered += 1
            if self.answered < 3:
                return answer
            return attrs.evolve(answer, body=answer.body.replace(b'"duration":"PT', too_long, 1))

    stream = batches(Runs(Lying(Sandbox(procedures=3, runs=40))).list(limit=10), rows=15)
    assert (await anext(stream)).num_rows == 15
    after = stream.checkpoint
    for _ in range(3):
        with pytest.raises(DecodeError, match="Arrow holds a duration of at most") as refused:
            await anext(stream)
        assert refused.value.checkpoint == stream.checkpoint == after
    rest = await table(Runs(InProcess(Sandbox(procedures=3, runs=40))).list(cursor=after))
    assert rest.num_rows == 25
