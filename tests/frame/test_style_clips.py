"""Which style clips a test clip is asked for with, from labels alone."""

from dataclasses import dataclass

import pytest

from erlnet.data.clip import Labels
from erlnet.runs.drive_stages import style_clips, wanted_styles


def labels(speaker: str, style: str) -> Labels:
    return Labels(speaker, style, "", "", "")


@dataclass(frozen=True)
class Labelled:
    """What of a clip is looked at."""

    name: str
    labels: Labels


def clip(name: str, speaker: str = "a", style: str = "") -> Labelled:
    return Labelled(name, labels(speaker, style))


TRAIN = [
    clip("a1", style="calm"), clip("a2", style="happy"), clip("b1", "b", "sad"), clip("a3", style="calm"), clip("a4"),
]  # fmt: skip


def wanted(speaker, style):
    of = labels(speaker, style)
    found = wanted_styles(TRAIN, of, style_clips(TRAIN, of))
    return {name: tuple(c.name for c in halves) for name, halves in found.items()}


def test_every_style_is_shown_by_its_first_training_clip_of_the_same_speaker():
    assert {s: c.name for s, c in style_clips(TRAIN, labels("a", "happy")).items()} == {"calm": "a1", "happy": "a2"}


def test_halves_are_swapped_with_another_style_and_the_twin_is_of_the_own():
    assert wanted("a", "calm") == {
        "asked-calm": ("a1", "a1"), "asked-happy": ("a2", "a2"), "swap-expression": ("a2", "a1"),
        "swap-pose": ("a1", "a2"), "swap-same": ("a3", "a3"),
    }  # fmt: skip


def test_a_style_with_a_single_clip_has_no_twin():
    assert "swap-same" not in wanted("a", "happy")
    assert wanted("a", "happy")["swap-expression"] == ("a1", "a2")


@pytest.mark.parametrize("own", ["", "furious"])
def test_a_test_clip_of_no_style_or_one_never_shown_goes_from_the_first_style(own):
    found = wanted("a", own)
    assert "asked-" not in found  # a training clip without a label is no style
    assert found["swap-expression"] == ("a2", "a1")


@pytest.mark.parametrize("speaker", ["b", "nobody"])
def test_a_speaker_of_one_style_or_without_training_clips_is_asked_for_nothing(speaker):
    assert wanted(speaker, "sad") == {}
