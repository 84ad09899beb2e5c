"""Names of an index's items: safe as folders, and no two alike."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlnet.data.items import Item, safe_name, unique_names, uniquely_named


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (["x y", "x-y"], ["x-y", "x-y-2"]),
        (["a", "b"], ["a", "b"]),
        (["x y", "x-y", "x-y-2"], ["x-y", "x-y-3", "x-y-2"]),  # the third keeps the name that it wants
        (["a", "a", "a"], ["a", "a-2", "a-3"]),
        (["?", "!"], ["clip", "clip-2"]),
    ],
)
def test_names_that_are_alike_as_folders_are_numbered(wanted, names):
    assert unique_names(wanted) == names


@given(st.lists(st.text("ab -2.", max_size=4), max_size=12))
def test_no_two_names_are_alike_and_each_is_safe(wanted):
    names = unique_names(wanted)
    assert len(set(names)) == len(wanted)
    assert all(name == safe_name(name) for name in names)
    assert {safe_name(text) for text in wanted} <= set(names)  # the first of its kind is not renamed


def test_items_are_named_alike_in_whatever_order_they_were_found():
    items = [Item(name, Path(f"{name}.mp4"), "anna", "", name) for name in ("x-y", "x y", "w")]
    named = uniquely_named(items)
    assert [(item.name, item.source) for item in named] == [("w", "w"), ("x-y", "x y"), ("x-y-2", "x-y")]
    assert uniquely_named(items[::-1]) == named
