"""Clips without pictures, and what asking them for some says."""

import json

import numpy as np
import pytest

from erlnet.data.clip import Camera, ClipFacts, ClipWriter, Coefficients, Labels, open_clip
from erlnet.data.motion_clip import NO_CAMERA, write_motion_clip
from erlnet.errors import UserError

T = 12
LABELS = Labels("s", "happy", "bank", "train", "a")


def coefficients() -> Coefficients:
    rng = np.random.default_rng(0)
    return Coefficients(
        expression=rng.normal(size=(T, 7)), jaw=rng.normal(size=(T, 3)), lids=rng.uniform(size=(T, 2)),
        head_to_world=np.tile(np.eye(4), (T, 1, 1)), root=np.eye(4), torso_offset=np.zeros((T, 2)),
        eyes=np.zeros((T, 6)), shape=np.zeros(0), valid=np.ones(T, bool),
    )  # fmt: skip


@pytest.fixture
def silent(tmp_path):
    write_motion_clip(tmp_path / "a", "a", LABELS, NO_CAMERA, coefficients(), None, ClipFacts({"a.mat": "0" * 64}))
    return open_clip(tmp_path / "a")


@pytest.fixture
def heard(tmp_path):
    audio = np.sin(np.arange(T * 640) / 9) * 0.5
    camera = Camera(768, 768, 128, 128, 256, 256)
    write_motion_clip(tmp_path / "b", "b", LABELS, camera, coefficients(), audio, head_model="makehuman")
    return open_clip(tmp_path / "b"), audio


def test_motion_comes_back_and_says_what_it_has_not(silent):
    assert (len(silent), silent.has_frames, silent.has_sound, silent.head_model) == (T, False, False, "none")
    assert silent.labels == LABELS
    np.testing.assert_allclose(silent.coefficients.expression, coefficients().expression, rtol=1e-6)
    assert silent.coefficients.shape.shape == (0,)


@pytest.mark.parametrize(
    "ask",
    [
        lambda clip: clip.frame(0),
        lambda clip: clip.frames(),
        lambda clip: clip.regions(),
        lambda clip: clip.landmarks,
        lambda clip: clip.cut(1, 4, "part").frames(),
    ],
)
def test_asking_for_pictures_says_what_can_be_done(silent, ask):
    with pytest.raises(
        UserError, match=r"clip '(a|part)' has no (frames|regions|landmarks), .* take data with pictures"
    ):
        ask(silent)


def test_asking_for_sound_says_so_too(silent):
    with pytest.raises(UserError, match=r"clip 'a' has no sound: .* take data with sound"):
        silent.audio  # noqa: B018


def test_sound_is_cut_with_the_motion(heard):
    clip, audio = heard
    assert (clip.has_frames, clip.has_sound, clip.head_model) == (False, True, "makehuman")
    part = clip.cut(2, 5, "part")
    np.testing.assert_allclose(part.audio, audio[2 * 640 : 5 * 640], atol=1 / 32767)
    np.testing.assert_array_equal(part.coefficients.jaw, clip.coefficients.jaw[2:5])
    assert (part.has_frames, part.has_sound) == (False, True)


def test_there_is_nothing_to_reduce(silent, heard):
    assert silent.reduced_to(64) is silent
    assert heard[0].reduced_to(64) is heard[0]
    assert heard[0].reduced_to(63) is heard[0]  # which a clip with frames refuses


def test_a_clip_that_does_not_say_has_frames_and_sound(tmp_path):
    writer = ClipWriter(tmp_path / "old", "old", LABELS, Camera(9, 9, 4, 4, 8, 8))
    for _ in range(T):
        writer.add_frame(np.zeros((8, 8, 3), np.uint8))
        writer.add_regions(np.zeros((8, 8), np.uint8))
    writer.close(np.zeros(T * 640), coefficients(), np.zeros((T, 68, 2)))
    assert "has_frames" not in json.loads((tmp_path / "old" / "clip.json").read_text())
    clip = open_clip(tmp_path / "old")
    assert (clip.has_frames, clip.has_sound, clip.head_model) == (True, True, "")


def test_the_folder_is_there_whole_or_not_at_all(tmp_path, heard):
    with pytest.raises(TypeError):  # by then the coefficients are written
        write_motion_clip(tmp_path / "c", "c", LABELS, NO_CAMERA, coefficients(), "no sound")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    with pytest.raises(OSError, match="b"):
        write_motion_clip(tmp_path / "b", "b", LABELS, NO_CAMERA, coefficients(), None)
    assert open_clip(tmp_path / "b").has_sound
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
