"""Rows that are made up when they are asked for, and changed at will."""

from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from aiotofupilot.sandbox import Rows


class Made:
    """Makes a text for each number, and counts."""

    def __init__(self):
        self.numbers = []

    def __call__(self, number):
        self.numbers.append(number)
        return f"made {number}"

    @staticmethod
    def number(identity):
        kind, _, number = identity.partition(" ")
        return int(number) if kind == "made" else None


def rows(count, make=None):
    return Rows(count=count, make=make or Made(), number=Made.number)


CHANGES = st.one_of(
    st.tuples(st.just("insert"), st.integers(-12, 12), st.text(max_size=2)),
    st.tuples(st.just("set"), st.integers(-12, 12), st.text(max_size=2)),
    st.tuples(st.just("delete"), st.integers(-12, 12)),
    st.tuples(st.just("set slice"), st.slices(10), st.lists(st.text(max_size=2), max_size=3)),
    st.tuples(st.just("delete slice"), st.slices(10)),
    st.tuples(st.just("append"), st.text(max_size=2)),
    st.tuples(st.just("clear")),
)


def change(items, kind, *details):
    """Change a list or rows; a list's complaints are part of what is compared."""
    try:
        match kind, details:
            case "insert", (index, item):
                items.insert(index, item)
            case "set" | "set slice", (index, item):
                items[index] = item
            case "delete" | "delete slice", (index,):
                del items[index]
            case "append", (item,):
                items.append(item)
            case _:
                items.clear()
    except (IndexError, ValueError) as error:
        return type(error)
    return None


@given(count=st.integers(0, 9), changes=st.lists(CHANGES, max_size=12), cut=st.slices(10))
def test_rows_are_a_list(count, changes, cut):
    """After any changes, rows hold the same as a list."""
    made = rows(count)
    plain = [f"made {number}" for number in range(count - 1, -1, -1)]
    for details in changes:
        assert change(made, *details) == change(plain, *details)
        assert made == plain
        assert (len(made), list(made), made[cut]) == (len(plain), plain, plain[cut])
        assert [made[index] for index in range(-len(plain), len(plain))] == [*plain, *plain]
        with pytest.raises(IndexError):
            made[len(plain)]


def test_a_million_rows_make_what_is_asked_for():
    """Nothing is made before it is asked for, and what was made is kept for a while."""
    make = Made()
    made = rows(1_000_000, make)
    made.insert(500_000, "given")
    del made[10]
    assert len(made) == 1_000_000
    assert make.numbers == []
    assert made[8:11] == ["made 999991", "made 999990", "made 999988"]
    assert made[8:11] == ["made 999991", "made 999990", "made 999988"]
    assert made[499_999] == "given"
    assert make.numbers == [999_991, 999_990, 999_988]


def test_rows_are_equal_to_a_list_or_rows_of_the_same_items():
    assert rows(2) == ["made 1", "made 0"] == rows(2)
    assert rows(2) == rows(2)
    assert rows(2) != ["made 1"]
    assert rows(2) != ["made 1", "made 2"]
    assert rows(1) != "made 0"
    with pytest.raises(TypeError, match="unhashable"):
        hash(rows(1))


def test_a_repr_shows_the_first_rows_and_their_number():
    assert repr(Rows()) == "<0 rows: >"
    assert repr(rows(1)) == "<1 rows: 'made 0'>"
    assert repr(rows(1234)) == "<1,234 rows: 'made 1233', 'made 1232', 'made 1231', ...>"


def test_a_row_is_found_by_its_id_unless_it_was_removed():
    """If it was replaced, the new item is found."""
    made = rows(5)
    new = SimpleNamespace(id="made 3")
    other = SimpleNamespace(id="other")
    made[1] = new
    made.append(other)
    del made[0]
    assert (made.find("made 2"), made.find("made 3"), made.find("other")) == ("made 2", new, other)
    assert (made.find("made 4"), made.find("made 5"), made.find("else 1")) == (None, None, None)
    assert [made.number_of(identity) for identity in ("made 4", "made 5", "other")] == [4, None, None]
    assert Rows([other]).find("other") is other
    assert Rows([other]).number_of("other") is None
    with pytest.raises(IndexError):
        Rows([other])[1]


def test_new_made_up_rows_come_first():
    """This is so after any changes of the others."""
    made = rows(2)
    before = made.pieces
    made.grow(4)
    assert made == ["made 3", "made 2", "made 1", "made 0"]
    assert list(before) == ["made 1", "made 0"]
    assert len(made.pieces.parts) == 1
    made.insert(0, "given")
    made.grow(5)
    assert made == ["made 4", "given", "made 3", "made 2", "made 1", "made 0"]
    made.clear()
    made.grow(6)
    made.grow(6)
    assert made == ["made 5"]


def test_growth_makes_again_what_may_have_changed():
    """An item may tell of what came later, so it is made anew."""
    make = Made()
    made = rows(1, make)
    assert (made[0], made[0], make.numbers) == ("made 0", "made 0", [0])
    made.grow(2)
    assert (made[1], make.numbers) == ("made 0", [0, 0])
