"""The verdict sentence under simulation; the whole table, 1,000 studies a cell, is docs/statistics.md's."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "simulate_statistics.py"


@pytest.fixture(scope="module")
def made_up():
    import sys

    spec = importlib.util.spec_from_file_location("simulate_statistics", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def share(made_up, word, studies, *cells):
    return sum(made_up.simulate(cell, studies)[word] for cell in cells) / len(cells)


def test_a_sentence_without_a_difference_to_find_seldom_calls_a_winner(made_up):
    cells = [made_up.Cell("no difference", clips, seeds) for clips in (4, 12) for seeds in (3, 5)]
    assert share(made_up, "called", 50, *cells) <= 0.12  # 200 studies: at a true rate of .07 more is 1 in 100


def test_nor_does_one_over_three_variants(made_up):
    assert share(made_up, "called", 60, made_up.Cell("no difference", 12, 3, variants=3)) <= 0.17


def test_a_planted_difference_is_found_and_has_its_sign(made_up):
    cells = [made_up.Cell("planted", 12, 5, difference=sign * 0.03) for sign in (1, -1)]
    assert share(made_up, "better", 20, cells[0]) >= 0.95
    assert share(made_up, "worse", 20, cells[1]) >= 0.95


def test_the_larger_design_finds_more(made_up):
    small, large = (made_up.Cell("difference", c, s, difference=0.012) for c, s in ((4, 3), (12, 5)))
    found = [share(made_up, "better", 100, cell) for cell in (small, large)]
    assert 0.23 < found[0] < 0.53  # .38 expected, three standard errors to each side
    assert 0.78 < found[1] < 0.98  # .88


def test_small_differences_of_small_spread_are_called_equivalent(made_up):
    assert share(made_up, "equivalent", 20, made_up.Cell("alike", 12, 5, (0.001, 0.001, 0.001))) == 1


def test_one_seed_calls_what_training_alone_did(made_up):
    # Why the sentence says that one seed does not cover training's randomness.
    assert share(made_up, "called", 60, made_up.Cell("no difference", 12, 1)) > 0.3


def test_the_same_seed_gives_the_same_table(made_up):
    cell = made_up.Cell("no difference", 4, 3)
    assert made_up.simulate(cell, 10) == made_up.simulate(cell, 10)


def test_the_words_of_a_summed_up_headline_are_read(made_up):
    text = "No variant is better than base on x. Of 3 compared with base: 1 equivalent, 2 worse."
    assert made_up.words(text) == {"equivalent", "worse"}
