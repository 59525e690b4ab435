"""Rows become the same record batch, however they are cut, and whether they are models or structs."""

from itertools import pairwise

import orjson
import pytest
from fakes.wire_listings import ENDPOINTS, EVERYTHING, EXAMPLES, MODELS, body, is_bare
from hypothesis import given, strategies as st

from aiotofupilot._wire.codec import PageDecoder, StructDecoder
from aiotofupilot.arrow import record_batch, schema
from aiotofupilot.arrow.rows import Rows

COUNT = 12


def items(name, kind):
    """Return items that differ in what they lack."""
    minimal = ENDPOINTS[name].get("example_item_minimal", EXAMPLES[name])
    documents = [EXAMPLES[name], EVERYTHING[name], minimal] * (COUNT // 3)
    return kind(MODELS[name], bare=is_bare(name))(orjson.dumps(body(name, *documents)), 0).data


MODEL_ITEMS = {name: items(name, PageDecoder) for name in MODELS}
STRUCTS = {name: items(name, StructDecoder) for name in MODELS}

places = st.lists(st.integers(0, COUNT), max_size=4).map(sorted)


@pytest.mark.parametrize("name", MODELS)
@given(places, st.sets(st.integers(0, COUNT - 1)))
def test_any_cut_of_any_mixture_makes_the_same_batch(name, places, structs):
    """A page in a spelling that is seldom met has models, among pages of structs."""
    mixed = [STRUCTS[name][at] if at in structs else item for at, item in enumerate(MODEL_ITEMS[name])]
    gathered = Rows(MODELS[name], schema(MODELS[name]))
    for start, stop in pairwise([0, *places, COUNT]):
        gathered.add(mixed[start:stop])
    batch = gathered.build()
    batch.validate(full=True)
    assert batch.equals(record_batch(MODEL_ITEMS[name], MODELS[name]))
