from dataclasses import replace

import pytest

from erlnet.metrics.gain import best_floor, gain
from erlnet.metrics.guard import MouthEvidence, mouth_guard

GOOD = MouthEvidence(
    r=[0.9, 0.85],
    slope=[0.9, 1.0],
    lag=[0.0, 1.0],
    faces_missed=[0.0, 0.0],
    mouth_ssim=0.9,
    floors_mouth_ssim=[0.5, 0.6],
)


def test_a_mouth_that_follows_passes():
    guard = mouth_guard("tracked", GOOD)
    assert guard.status == "passed"
    assert guard.values["mouth_open_r"] == pytest.approx(0.875)
    assert guard.values["mouth_ssim_gain"] == pytest.approx(0.75)
    assert guard.values["failed"] == []
    assert guard.values["not_checked"] == {}


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({"r": [0.7, 0.8]}, "mouth_open_r"),
        ({"slope": [0.5, 0.6]}, "mouth_open_slope"),
        ({"slope": [1.4, 1.5]}, "mouth_open_slope"),
        ({"lag": [5.0, 5.0]}, "mouth_lag"),
        ({"lag": [-2.0, -2.0]}, "mouth_lag"),
        ({"mouth_ssim": 0.58}, "mouth_ssim_gain"),
        ({"faces_missed": [0.0, 0.05]}, "faces_missed"),
    ],
)
def test_one_fault_fails_it_and_is_named(change, failed):
    guard = mouth_guard("tracked", replace(GOOD, **change))
    assert guard.status == "failed"
    assert guard.values["failed"] == [failed]


def test_one_units_stray_lag_does_not_decide():
    assert mouth_guard("tracked", replace(GOOD, lag=[0.0, 0.0, 0.0, 0.0, -14.0])).status == "passed"


def test_a_render_that_never_moves_fails_though_it_has_no_lag():
    guard = mouth_guard("tracked", replace(GOOD, r=[0.0, 0.0], slope=[0.0, 0.0], lag=[None, None]))
    assert guard.status == "failed"
    assert set(guard.values["failed"]) == {"mouth_open_r", "mouth_open_slope"}


def test_sound_driven_motion_may_be_looser_but_must_beat_the_ridge():
    loose = replace(GOOD, r=[0.5], slope=[1.35], mouth_ssim=0.1, mesh_r=[0.6, 0.5], ridge_r=[0.5])
    assert mouth_guard("tracked", loose).status == "failed"
    guard = mouth_guard("audio", loose)
    assert guard.status == "passed"
    assert guard.values["mesh_r_above_ridge"] == pytest.approx(0.05)
    assert mouth_guard("audio", replace(loose, ridge_r=[0.56])).values["failed"] == ["mesh_r_above_ridge"]
    assert mouth_guard("audio", replace(loose, slope=[1.5])).status == "failed"
    assert mouth_guard("audio", replace(loose, lag=[3.0])).status == "failed"
    unknown = mouth_guard("audio", replace(loose, ridge_r=[]))
    assert unknown.status == "n/a"
    assert "mesh_r_above_ridge" in unknown.values["not_checked"]


def test_without_a_mesh_the_pictures_mouth_must_beat_the_ridge():
    heard = replace(GOOD, r=[0.6], ridge_r=[0.5])
    guard = mouth_guard("audio", heard)
    assert guard.status == "passed"
    assert guard.values["mouth_open_r_above_ridge"] == pytest.approx(0.1)
    assert mouth_guard("audio", replace(heard, r=[0.4])).values["failed"] == ["mouth_open_r_above_ridge"]
    assert mouth_guard("audio", replace(heard, r=[None])).status == "n/a"


def test_without_frames_no_picture_is_judged():
    motion = MouthEvidence(r=[0.9], slope=[1.0], lag=[0.0], mesh_r=[0.9], ridge_r=[0.8], faces_missed=None)
    assert mouth_guard("audio", motion).status == "passed"
    assert mouth_guard("reconstructed", motion).status == "passed"
    assert mouth_guard("reconstructed", replace(motion, r=[0.7])).values["failed"] == ["mouth_open_r"]


def test_a_part_that_has_no_value_is_no_pass():
    guard = mouth_guard("tracked", replace(GOOD, mouth_ssim=None))
    assert guard.status == "n/a"
    assert guard.values["not_checked"] == {"mouth_ssim_gain": "no value"}


def test_a_reference_that_does_not_speak_or_is_absent_gives_no_verdict():
    silent = replace(GOOD, r=[None], slope=[None], lag=[None])
    assert mouth_guard("tracked", silent).status == "n/a"
    assert mouth_guard("audio_free", GOOD).status == "n/a"


def test_gain_is_zero_at_the_floor_and_one_at_the_truth():
    assert gain(0.8, floor=0.6, perfect=1.0) == pytest.approx(0.5)
    assert gain(0.6, floor=0.6, perfect=1.0) == 0
    assert gain(0.5, floor=0.6, perfect=1.0) < 0
    assert gain(0.1, floor=0.4, perfect=0.0) == pytest.approx(0.75)  # less is better
    assert gain(0.9, floor=1.0, perfect=1.0) is None


def test_the_best_floor_is_the_hardest_to_beat():
    assert best_floor([0.5, 0.7], higher_is_better=True) == 0.7
    assert best_floor([0.5, 0.7], higher_is_better=False) == 0.5
    assert best_floor([], higher_is_better=True) is None
