import pytest

from erlnet.errors import UserError
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve
from erlnet.presets import PRESETS, preset_values


@pytest.mark.parametrize("preset", PRESETS)
def test_every_value_of_a_preset_reaches_the_variant(preset):
    (variant,) = resolve(parse_assignments([f"preset={preset}"])).variants
    flat = variant.options | {f"{variant.config[s]}.{o.split('.')[1]}": v for o, v in variant.options.items()
                              if (s := o.split(".")[0]) in variant.config}  # fmt: skip
    for name, value in preset_values(preset).items():
        assert flat[name] == value, name


def test_a_word_overrides_the_preset():
    (variant,) = resolve(parse_assignments(["preset=smoke", "renderer.steps=3"])).variants
    assert variant.settings["renderer"].steps == 3


def test_presets_grow():
    steps = [preset_values(p)["renderer.steps"] for p in ("smoke", "demo", "study", "fast", "full")]
    assert steps == sorted(steps)


def test_an_unknown_preset_is_answered_with_a_guess():
    with pytest.raises(UserError, match="did you mean 'smoke'"):
        preset_values("smok")
