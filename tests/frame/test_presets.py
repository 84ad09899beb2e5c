import pytest

from erlnet.errors import UserError
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve
from erlnet.presets import PAPER_GUESSES, PRESETS, preset_values


@pytest.mark.parametrize("dataset", ["demo", "bank"])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_value_of_a_preset_reaches_the_variant(preset, dataset):
    (variant,) = resolve(parse_assignments([f"preset={preset}", f"dataset={dataset}"])).variants
    flat = variant.options | {f"{variant.config[s]}.{o.split('.')[1]}": v for o, v in variant.options.items()
                              if (s := o.split(".")[0]) in variant.config}  # fmt: skip
    flat |= variant.config
    elsewhere = {"demo", "bank"} - {dataset}
    for name, value in preset_values(preset).items():
        if name.split(".")[0] not in elsewhere:
            assert flat[name] == value, name


def test_a_word_overrides_the_component_that_a_preset_names():
    paper, logmel = (
        resolve(parse_assignments(["preset=paper", *more])).variants[0].config["audio"]
        for more in ([], ["audio=logmel"])
    )
    assert (paper, logmel) == ("wav2vec2", "logmel")


def test_what_the_paper_does_not_say_is_marked_as_a_guess():
    values = preset_values("paper")
    assert PAPER_GUESSES
    assert all(values[name] == value and whose for name, (value, whose) in PAPER_GUESSES.items())


def test_a_word_overrides_the_preset():
    (variant,) = resolve(parse_assignments(["preset=smoke", "renderer.steps=3"])).variants
    assert variant.settings["renderer"].steps == 3


def test_presets_grow():
    steps = [preset_values(p)["renderer.steps"] for p in ("smoke", "demo", "study", "fast", "full")]
    assert steps == sorted(steps)


def test_an_unknown_preset_is_answered_with_a_guess():
    with pytest.raises(UserError, match="did you mean 'smoke'"):
        preset_values("smok")
