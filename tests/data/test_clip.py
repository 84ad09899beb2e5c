from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from erlnet.data.clip import (
    Camera,
    ClipFacts,
    ClipWriter,
    Coefficients,
    Indexed,
    Labels,
    open_clip,
    open_index,
    write_index,
)
from erlnet.errors import UserError

T, H, W = 5, 8, 12


def coefficients(n: int = T) -> Coefficients:
    rng = np.random.default_rng(0)
    head = np.tile(np.eye(4), (n, 1, 1))
    head[:, :3, :3] = Rotation.from_rotvec(rng.normal(0, 0.2, (n, 3))).as_matrix()
    return Coefficients(
        expression=rng.normal(size=(n, 7)), jaw=rng.normal(size=(n, 3)), lids=rng.uniform(size=(n, 2)),
        head_to_world=head, root=np.eye(4), torso_offset=rng.normal(size=(n, 2)), eyes=np.zeros((n, 6)),
        shape=np.zeros(4), valid=np.ones(n, bool),
    )  # fmt: skip


@pytest.fixture
def written(tmp_path):
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (T, H, W, 3), np.uint8)
    regions = rng.integers(0, 256, (T, H, W), np.uint8)
    landmarks = rng.uniform(0, 8, (T, 68, 2))
    audio = np.sin(np.arange(T * 640) / 9) * 0.5
    writer = ClipWriter(
        tmp_path / "a", "a", Labels("s", "neutral", "folder", "", "x.mp4"), Camera(100, 100, 6, 4, W, H)
    )
    for frame, region in zip(frames, regions):
        writer.add_frame(frame)
        writer.add_regions(region)
    writer.close(audio, coefficients(), landmarks, ClipFacts({"x.mp4": "0" * 64}, {"reprojection_px": 0.5}))
    return tmp_path, frames, regions, landmarks, audio


def test_a_clip_comes_back_as_it_was_written(written):
    folder, frames, regions, landmarks, audio = written
    clip = open_clip(folder / "a")
    assert len(clip) == T
    assert clip.size == (H, W)
    np.testing.assert_array_equal(clip.frames(), frames.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(clip.regions(), regions)
    np.testing.assert_allclose(clip.landmarks, landmarks, rtol=1e-6)
    np.testing.assert_allclose(clip.audio, audio, atol=1 / 32767)
    np.testing.assert_allclose(clip.coefficients.jaw, coefficients().jaw, rtol=1e-6)


def test_a_cut_sees_the_same_frames_sound_and_motion(written):
    folder, frames, *_ = written
    clip = open_clip(folder / "a")
    part = clip.cut(1, 4, "part").cut(1, 3, "inner")
    np.testing.assert_array_equal(part.frames(), frames[2:4].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(part.audio, clip.audio[2 * 640 : 4 * 640])
    np.testing.assert_array_equal(part.coefficients.lids, clip.coefficients.lids[2:4])
    np.testing.assert_array_equal(part.landmarks, clip.landmarks[2:4])


def test_reducing_is_the_mean_of_blocks_and_scales_what_is_in_pixels(written):
    folder, frames, *_ = written
    clip = open_clip(folder / "a")
    half = clip.reduced_to(H // 2)
    blocks = frames.reshape(T, H // 2, 2, W // 2, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(half.frames(), blocks, atol=0.51)  # rounded to whole levels
    np.testing.assert_allclose(half.landmarks, clip.landmarks / 2)
    np.testing.assert_allclose(half.coefficients.torso_offset, clip.coefficients.torso_offset / 2)
    assert (half.camera.fx, half.camera.cx, half.camera.width) == (50, 3, W // 2)
    assert half.regions().shape == (T, H // 2, W // 2)


def test_a_size_that_is_no_whole_factor_is_refused(written):
    with pytest.raises(UserError, match="cannot be reduced to 3"):
        open_clip(written[0] / "a").reduced_to(3)


def test_the_neck_is_the_head_relative_to_the_torso(written):
    c = open_clip(written[0] / "a").coefficients
    np.testing.assert_allclose(c.root @ c.neck, c.head_to_world, atol=1e-6)


def test_a_folder_without_a_clip_is_named(tmp_path):
    with pytest.raises(UserError, match=r"is no prepared clip.*prepare"):
        open_clip(tmp_path)


def test_the_index_finds_clips_inside_and_elsewhere(written, tmp_path_factory):
    folder = written[0]
    write_index(folder, [Indexed(folder / "a")])
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_index(elsewhere, [Indexed(folder / "a")])
    assert [c.name for c in open_index(folder)] == [c.name for c in open_index(elsewhere)] == ["a"]


def test_the_same_content_has_the_same_bytes(written, tmp_path):
    folder, frames, regions, landmarks, audio = written
    writer = ClipWriter(
        tmp_path / "b", "a", Labels("s", "neutral", "folder", "", "x.mp4"), Camera(100, 100, 6, 4, W, H)
    )
    for frame, region in zip(frames, regions):
        writer.add_frame(frame)
        writer.add_regions(region)
    writer.close(audio, coefficients(), landmarks, ClipFacts({"x.mp4": "0" * 64}, {"reprojection_px": 0.5}))
    for file in ("regions.npz", "coefficients.npz", "landmarks.npz", "audio.wav", "clip.json", "frames/00000.png"):
        assert (folder / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_the_torso_goes_where_its_offset_says(written):
    clip = open_clip(written[0] / "a")
    root = np.eye(4)
    root[:3, 3] = 0.1, -0.2, 2.0
    motion = replace(clip.coefficients, root=root, torso_offset=np.array([[3.0, -5.0]] * T))
    camera = Camera(100, 80, 6, 4, W, H)
    moved = motion.torso_to_world(camera)
    np.testing.assert_allclose(moved[:, 0, 3], 0.1 + 3 * 2 / 100)
    np.testing.assert_allclose(moved[:, 1, 3], -0.2 - 5 * 2 / 80)
    np.testing.assert_allclose(moved[:, 2, 3], 2.0)
    np.testing.assert_array_equal(motion.root, root)
