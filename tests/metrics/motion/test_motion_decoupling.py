"""The decoupling score against toy ADFs whose answer is known."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from motion_makers import toy_motion

from erlnet.metrics.motion.decoupling import HIGHEST, Swap, decoupling, stream_scales
from erlnet.metrics.motion.record import Motion

STYLES = ("angry", "happy", "neutral")


def asked(adf, clips) -> list[Swap]:
    """Every clip of every style as sound, with style clips of its own style and of both others."""
    by_style = {s: [c for c in clips if c.style == s] for s in dict.fromkeys(c.style for c in clips)}
    swaps = []
    for a in by_style:
        for b in by_style:
            for i, sound in enumerate(by_style[a]):
                if a == b:
                    continue
                own, third = (by_style[a][(i + k) % len(by_style[a])] for k in (1, 2))
                other = by_style[b][i % len(by_style[b])]
                made = [adf(sound, *pair) for pair in ((own, own), (other, own), (own, other), (third, third))]
                swaps.append(Swap(own, other, *made))
    return swaps


def passthrough(sound: Motion, face: Motion, head: Motion) -> Motion:
    """Each stream copied from its own style stream."""
    return sound.with_streams(face.stream, head.pose)


def deaf_to_style(sound: Motion, face: Motion, head: Motion) -> Motion:
    return sound


@pytest.fixture(scope="module")
def demo(bank):
    return [m for m in bank if m.speaker in ("2", "3", "4", "5")]


@pytest.fixture(scope="module")
def scales(bank):
    return stream_scales([m for m in bank if m.speaker in ("0", "1")])


def test_a_passthrough_is_fully_decoupled_on_the_demos_own_motion(demo, scales):
    for stream, found in decoupling(asked(passthrough, demo), scales).items():
        assert found.score == 0, stream
        assert found.own_gain == pytest.approx(1)
        assert found.own > 3 * found.noise
        assert found.by_clip == [0.0] * len(demo)


def test_an_adf_that_ignores_style_has_no_score(demo, scales):
    for found in decoupling(asked(deaf_to_style, demo), scales).values():
        assert found.score is None
        assert "ignores style" in found.reason
        assert (found.own, found.other, found.by_clip) == (0, 0, None)


def test_an_adf_that_only_makes_noise_has_no_score(demo, scales):
    dice = np.random.default_rng(0)

    def drawn(sound, face, head):
        return replace(demo[dice.integers(len(demo))], name=sound.name)

    for found in decoupling(asked(drawn, demo), scales).values():
        assert found.score is None
        assert "noise" in found.reason


# A toy in which the styles of face and head are plain numbers: every channel sits at a level and swings by an amount.


@dataclass(frozen=True)
class Manner:
    level: float
    swing: float


FACE = {"angry": Manner(0.0, 1.0), "happy": Manner(2.0, 2.0), "neutral": Manner(-1.0, 0.5)}
HEAD = {"angry": Manner(1.0, 0.5), "happy": Manner(0.0, 2.0), "neutral": Manner(-2.0, 1.0)}


def show(manner: Manner, waves: np.ndarray) -> np.ndarray:
    return 0.1 * (manner.level + manner.swing * waves)


def seen(stream: np.ndarray) -> Manner:
    """The manner back from a stream: what a style encoder would learn."""
    waves = stream / 0.1
    return Manner(float(waves.mean()), float(waves.std(axis=0).mean()))


def toy_clips() -> list[Motion]:
    clips = []
    for style in STYLES:
        for i in range(6):
            base = toy_motion(100 * STYLES.index(style) + i, name=f"{style}-{i}", style=style)
            clips.append(made(base, FACE[style], HEAD[style]))
    return clips


def made(sound: Motion, face: Manner, head: Manner) -> Motion:
    """That clip's own waves, shown in that manner."""
    rng = np.random.default_rng(sum(sound.name.encode()))
    waves = [rng.normal(size=(len(sound), n)) for n in (7, 6)]
    waves = [(w - w.mean(0)) / w.std(0) for w in waves]
    stream = np.c_[show(face, waves[0]), np.zeros((len(sound), 2))]
    return sound.with_streams(stream, show(head, waves[1]))


def mixing(share: float):
    """Each stream's manner is by `share` the counterpart of the other stream's style, and the rest its own."""
    to_face = {h: FACE[s] for s, h in HEAD.items()}
    to_head = {f: HEAD[s] for s, f in FACE.items()}

    def nearest(manner: Manner, known) -> Manner:
        return min(known, key=lambda m: abs(m.level - manner.level) + abs(m.swing - manner.swing))

    def mix(own: Manner, other: Manner) -> Manner:
        return Manner((1 - share) * own.level + share * other.level, (1 - share) * own.swing + share * other.swing)

    def adf(sound, face, head):
        f, h = nearest(seen(face.stream[:, :-2]), to_head), nearest(seen(head.pose), to_face)
        return made(sound, mix(f, to_face[h]), mix(h, to_head[f]))

    return adf


@pytest.fixture(scope="module")
def toys():
    clips = toy_clips()
    return clips, stream_scales(clips)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_streams_mixed_by_a_share_read_that_share(toys, share):
    clips, scales = toys
    for found in decoupling(asked(mixing(share), clips), scales).values():
        assert found.score == pytest.approx(share / (1 - share), rel=0.25, abs=1e-9)


def test_swapped_streams_read_far_above_one(toys):
    clips, scales = toys
    for found in decoupling(asked(mixing(1.0), clips), scales).values():
        assert found.score == HIGHEST
    for found in decoupling(asked(mixing(0.9), clips), scales).values():
        assert 5 < found.score < 14


def test_styles_that_do_not_differ_in_the_swapped_stream_tell_nothing(toys):
    clips, scales = toys
    alike = [replace(c, pose=clips[0].pose) for c in clips]
    found = decoupling(asked(passthrough, alike), scales)
    assert found["expression"].score is None
    assert "hardly differ" in found["expression"].reason


def test_noise_is_what_a_mean_of_changes_without_meaning_reads(toys):
    """Changes drawn at random: the effect of a swap that does nothing but draw anew is the noise, by definition."""
    clips, scales = toys
    dice = np.random.default_rng(1)

    def restless(sound, face, head):
        return sound.with_streams(sound.stream + 0.05 * dice.normal(size=(1, 9)), sound.pose)

    found = [decoupling(asked(restless, clips), scales)["expression"] for _ in range(20)]
    assert np.mean([f.own for f in found]) == pytest.approx(np.mean([f.noise for f in found]), rel=0.15)
    assert np.mean([f.other for f in found]) == pytest.approx(np.mean([f.noise for f in found]), rel=0.15)


def test_more_style_clips_mean_less_noise_and_the_same_clip_again_does_not(demo, scales):
    swaps = asked(passthrough, demo)
    one = {}  # every item of a pair of styles with the style clips of its first
    for swap in swaps:
        one.setdefault((swap.style_clip.style, swap.other_clip.style), swap)
    again = [one[swap.style_clip.style, swap.other_clip.style] for swap in swaps]
    many, few, repeated = (decoupling(part, scales) for part in (swaps, list(one.values()), again))
    for stream in ("expression", "pose"):
        assert many[stream].noise < few[stream].noise / 2.5
        assert repeated[stream].noise == pytest.approx(few[stream].noise)


def test_a_swap_within_one_style_is_no_swap(demo):
    clip = demo[0]
    with pytest.raises(ValueError, match="two styles"):
        Swap(clip, demo[1], clip, clip, clip, clip)
    with pytest.raises(ValueError, match="at least one"):
        decoupling([], None)
