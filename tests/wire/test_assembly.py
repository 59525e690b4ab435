"""Models are put together from shapes, field by field."""

from datetime import timedelta
from types import SimpleNamespace

import attrs
import pytest

from aiotofupilot._wire.assembly import array_assembler, model_assembler, one_kind_of_array
from aiotofupilot._wire.codec import PageDecoder


@attrs.define
class Inner:
    """A part of an item."""

    name: str


@attrs.define(kw_only=True)
class Outer:
    """An item."""

    id: str
    count: int | None = None
    took: timedelta | None = None
    inner: Inner | None = None


def find_hook(kind):
    return lambda value, wanted: (kind, wanted, value)


def test_a_model_takes_over_values_and_converts_the_others():
    """A hook converts only values that have another form in the model. Null is not converted."""
    assemble = model_assembler(Outer, find_hook)
    shape = SimpleNamespace(id="x", count=50.0, took=timedelta(seconds=1), inner=None)
    assert assemble(shape, Outer) == Outer(id="x", count=(int, int, 50.0), took=timedelta(seconds=1), inner=None)
    inner = SimpleNamespace(name="n")
    shape = SimpleNamespace(id="x", count=None, took=None, inner=inner)
    assert assemble(shape, Outer) == Outer(id="x", count=None, took=None, inner=(Inner, Inner, inner))


@pytest.mark.parametrize("kind", [list, tuple])
def test_an_array_goes_through_the_hook_of_its_items(kind):
    """A page is a list, and an array in an item is a tuple."""
    array = list[Inner] if kind is list else tuple[Inner, ...]
    assert array_assembler(array, find_hook)(["a", "b"], array) == kind([(Inner, Inner, "a"), (Inner, Inner, "b")])


@pytest.mark.parametrize("value", [(), (1, 2.5), ("a",), "text", None, True])
def test_an_array_of_one_kind_passes(value):
    """So does a value that is no array."""
    assert one_kind_of_array([str, tuple[float, ...], tuple[str, ...]])(value, None) is value


@pytest.mark.parametrize("value", [(1, "a"), (None,), ((),)])
def test_an_array_of_several_kinds_is_refused(value):
    """Each of the arrays in the union is of one kind."""
    with pytest.raises(TypeError, match=r"^the items of the array differ in type$"):
        one_kind_of_array([tuple[float, ...], tuple[str, ...]])(value, None)


@attrs.define
class Converting:
    """A model that changes what it is given."""

    name: str = attrs.field(converter=str.upper)


@attrs.define
class Checking:
    """A model that checks what it is given."""

    name: str = attrs.field(validator=attrs.validators.min_len(1))


@attrs.define
class Computing:
    """A model that does something when it is made."""

    name: str

    def __attrs_post_init__(self):
        self.name = ""


@attrs.define
class Making:
    """A model that makes a default."""

    names: list[str] = attrs.field(factory=list)


@pytest.mark.parametrize("model", [Converting, Checking, Computing, Making], ids=lambda model: model.__name__)
def test_a_model_whose_constructor_does_more_is_refused(model):
    """Its items would otherwise differ from those that its constructor makes, and nobody would notice."""
    with pytest.raises(TypeError, match=f"^the constructor of {model.__name__} does more than setting its fields$"):
        model_assembler(model, find_hook)


def test_a_decoder_of_a_model_that_cannot_be_decoded_says_so():
    """The error is about the model, and it does not become a fault of the page."""
    with pytest.raises(TypeError, match=r"^the constructor of Converting "):
        PageDecoder(Converting)(b'{"data":[],"meta":{"has_more":false}}', 0)
