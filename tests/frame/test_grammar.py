import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlnet.errors import UserError
from erlnet.grammar import parse_assignments, parse_seeds, split_values


def test_commas_inside_brackets_belong_to_one_value():
    assert split_values("[a,b],c,range(1,3)") == ["[a,b]", "c", "range(1,3)"]


@given(st.lists(st.from_regex(r"[a-z0-9_./]+", fullmatch=True), min_size=1, max_size=6, unique=True))
def test_values_without_commas_come_back_as_they_went_in(values):
    assert parse_assignments(["x=" + ",".join(values)]) == {"x": values}


@pytest.mark.parametrize("word", ["fusion", "fusion=", "=pixel", "fusion=pixel,", "fusion=a,,b", "fusion=a,a"])
def test_a_word_that_is_no_assignment_is_refused_by_name(word):
    with pytest.raises(UserError, match=word.split("=")[0] or "=pixel"):
        parse_assignments([word])


def test_a_name_given_twice_is_refused_with_the_sweep_that_was_meant():
    with pytest.raises(UserError, match="write fusion=pixel,feature to sweep"):
        parse_assignments(["fusion=pixel", "fusion=feature"])


def test_seeds_are_numbers_or_ranges():
    assert parse_seeds(["0", "5"]) == (0, 5)
    assert parse_seeds(["range(3)"]) == (0, 1, 2)
    assert parse_seeds(["range(2,4)", "7"]) == (2, 3, 7)


@pytest.mark.parametrize("values", [["-1"], ["x"], ["range(0)"], ["1", "1"], ["1.5"]])
def test_anything_else_is_no_seed(values):
    with pytest.raises(UserError, match="seed="):
        parse_seeds(values)
