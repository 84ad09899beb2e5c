"""Profiles against second implementations of what the published scripts do, written here from their description."""

import math

import numpy as np
import pytest
import torch
from metric_fakes import ArrayClip, face, noise_frames
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from test_lpips import random_weights

from erlnet.metrics.cards import CARDS, FAMILIES, fingerprint
from erlnet.metrics.lpips import Lpips, frame_distance
from erlnet.metrics.pairs import ClipPair
from erlnet.metrics.profiles.eat import EatFamily
from erlnet.metrics.profiles.er_nerf import ErNerfFamily
from erlnet.metrics.profiles.known import EAT, ER_NERF, PROFILES
from erlnet.metrics.profiles.landmarks import ALL, centred_distance


def clip_pair(reference, rendered, name="c"):
    n, _, height, width = reference.shape
    bits, points = np.zeros((n, height, width), np.uint8), np.full((n, 68, 2), np.nan)
    return ClipPair(name, "a", ArrayClip(reference, points), ArrayClip(rendered, points), bits, points)


def told_by_brightness(frames):
    """A detector whose face depends on the frame alone; a black frame has none."""
    found = [
        face((32 + f.mean() / 50, 30 - f.mean() / 70), 20, f[0].mean() / 400) if f.any() else np.full((68, 2), np.nan)
        for f in frames
    ]
    return np.stack(found).astype(np.float32)


def looped_distance(reference, rendered, first, last):
    """By the scripts' words: each side less its own mean, point by point."""
    a, b = (
        [(x - side[first:last, 0].mean(), y - side[first:last, 1].mean()) for x, y in side[first:last]]
        for side in (reference.astype(float), rendered.astype(float))
    )
    return sum(math.hypot(p[0] - q[0], p[1] - q[1]) for p, q in zip(a, b)) / (last - first)


def values(rows, metric):
    return [row.value for row in rows if row.metric == metric]


@pytest.fixture(scope="module")
def frames():
    reference = noise_frames(5, 64)
    return reference, np.clip(reference.astype(int) + noise_frames(5, 64, seed=1) // 8 - 12, 0, 255).astype(np.uint8)


def test_er_nerf_gives_what_its_meters_give(frames):
    reference, rendered = frames
    judge = Lpips(random_weights())
    rows = ErNerfFamily(detect=told_by_brightness, judge=judge).score([clip_pair(*frames)])
    expected = [-10 * math.log10(np.mean((a / 255 - b / 255) ** 2)) for a, b in zip(reference, rendered)]
    assert values(rows, "er_nerf_psnr") == pytest.approx(expected, abs=1e-4)
    for t in range(5):
        layers = [judge.features(torch.from_numpy(x[t : t + 1]) / 255, data_range=1.0) for x in frames]
        whole = frame_distance(judge.layer_maps(*layers)).item()
        assert values(rows, "er_nerf_lpips")[t] == pytest.approx(whole, rel=1e-4)
    points = [told_by_brightness(x) for x in frames]
    assert values(rows, "er_nerf_lmd") == pytest.approx(
        [looped_distance(a, b, 48, 68) for a, b in zip(*points)], abs=1e-5
    )
    assert {row.metric for row in rows} == {card.id for card in ER_NERF.cards}


def test_eat_gives_what_its_scripts_give(frames):
    rows = EatFamily(detect=told_by_brightness).score([clip_pair(*frames)])
    reference, rendered = (x.transpose(0, 2, 3, 1) for x in frames)
    expected = [structural_similarity(a, b, channel_axis=2) for a, b in zip(reference, rendered)]
    assert values(rows, "eat_ssim") == pytest.approx(expected, abs=1e-5)
    expected = [peak_signal_noise_ratio(a, b) for a, b in zip(reference, rendered)]
    assert values(rows, "eat_psnr") == pytest.approx(expected, abs=1e-4)
    points = [told_by_brightness(x) for x in frames]
    for metric, first in (("eat_m_lmd", 48), ("eat_f_lmd", 0)):
        expected = [looped_distance(a, b, first, 68) for a, b in zip(*points)]
        assert values(rows, metric) == pytest.approx(expected, abs=1e-5)
    assert {row.metric for row in rows} == {card.id for card in EAT.cards}


def test_a_mouth_elsewhere_reads_nothing_and_an_open_one_its_points_ways():
    shut, shifted = face(opening=0.0), face(centre=(37, 28), opening=0.0)
    assert centred_distance(shut, shifted) == pytest.approx(0, abs=1e-12)
    # Twenty points; three upper and three lower inner lip points go 2 px each, so the mean stays where it was.
    assert centred_distance(shut, face(opening=0.2)) == pytest.approx(6 * 2 / 20)
    # All 68: the rest of the face has not moved.
    assert centred_distance(shut, face(opening=0.2), ALL) == pytest.approx(6 * 2 / 68)


@pytest.mark.parametrize("family", [EatFamily, ErNerfFamily])
def test_a_frame_without_a_face_has_no_landmark_distance_but_keeps_the_rest(family, frames):
    made = frames[1].copy()
    made[2] = 0
    extra = {"judge": Lpips(random_weights())} if family is ErNerfFamily else {}
    rows = family(detect=told_by_brightness, **extra).score([clip_pair(frames[0], made)])
    without = {row.metric for row in rows if row.value is None}
    assert all(row.frame == 2 for row in rows if row.value is None)
    assert without == ({"er_nerf_lmd"} if family is ErNerfFamily else {"eat_m_lmd", "eat_f_lmd"})


def test_identical_frames_read_a_finite_psnr(frames):
    rows = EatFamily(detect=told_by_brightness).score([clip_pair(frames[0], frames[0])])
    assert values(rows, "eat_psnr") == [100] * 5
    assert values(rows, "eat_ssim") == pytest.approx([1] * 5)
    assert values(rows, "eat_m_lmd") == [0] * 5


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_a_profile_shares_neither_names_nor_fingerprint_with_ours(profile):
    assert not {card.id for card in profile.cards} & set(CARDS)
    assert profile.name not in FAMILIES
    assert {card.family for card in profile.cards} == {profile.name}
    assert profile.averages.keys() == {card.id for card in profile.cards}
    ours = [fingerprint(family) for family in FAMILIES]
    assert profile.fingerprint() not in ours
    assert profile.fingerprint()["model_sha256"] == fingerprint("landmarks")["model_sha256"]


def test_the_two_profiles_have_different_fingerprints():
    assert ER_NERF.fingerprint() != EAT.fingerprint()


def test_lpips_of_er_nerf_is_unavailable_without_weights(tmp_path, monkeypatch, frames):
    from erlnet.metrics.pairs import Unavailable

    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    with pytest.raises(Unavailable, match="lpips"):
        ER_NERF.build(detect=told_by_brightness).score([clip_pair(*frames)])
