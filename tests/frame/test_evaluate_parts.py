"""Parts of `evaluate` against hand calculation."""

import sys
from pathlib import Path

import numpy as np
from evaluate_toys import openings, pictures, write_pictures, write_video
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "metrics"))
from metric_fakes import face

from erlnet.interfaces import REGIONS
from erlnet.runs.evaluate_frames import stage
from erlnet.runs.evaluate_regions import region_bits
from erlnet.runs.evaluate_sound import cut_sound
from erlnet.runs.evaluate_sources import Source, pictures_in
from erlnet.runs.evaluate_sources import given as paired
from erlnet.runs.evaluate_truth import TrueClip, block_bounds, frozen_mouth
from erlnet.runs.rendered import RenderedFrames


def staged(path, folder, fps=25, size=None):
    return stage(Source(path, path.is_dir()), folder, "--pred x", fps, size, lambda count: None)


def test_numbers_in_names_count_as_numbers(tmp_path):
    for name in ("frame10.png", "frame9.png", "frame1.PNG", ".frame0.png", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in pictures_in(tmp_path)] == ["frame1.PNG", "frame9.png", "frame10.png"]


def test_a_folder_of_ours_is_its_frames(tmp_path):
    write_pictures(tmp_path / "look/frames", pictures(openings(2)))
    (tmp_path / "look/render.json").write_text("{}")
    Image.new("RGB", (9, 9)).save(tmp_path / "look/sheet.png")
    pairs = paired([f"ours={tmp_path / 'look'}"], str(tmp_path / "look"))
    assert pairs.single
    assert pairs.reference["look"].path == tmp_path / "look/frames"
    assert pairs.methods[0].clips["look"].path == tmp_path / "look/frames"


@given(count=st.integers(1, 3000), fps=st.sampled_from([24, 25, 29.97, 30, 60]))
@settings(deadline=None)
def test_blocks_cover_every_frame_once_and_last_two_seconds(count, fps):
    bounds = block_bounds(count, fps)
    assert [frame for start, stop in bounds for frame in range(start, stop)] == list(range(count))
    lengths = [stop - start for start, stop in bounds]
    assert max(lengths) - min(lengths) <= 1
    if len(bounds) > 1:
        assert min(lengths) >= int(2 * fps)
    assert max(lengths) < 4 * fps + 1


def test_png_is_linked_and_everything_else_is_kept_lossless(tmp_path):
    frames = pictures(openings(3))
    linked = staged(write_pictures(tmp_path / "png", frames), tmp_path / "a")
    assert (tmp_path / "a/00002.png").is_symlink()
    assert (linked.codec, linked.lossy, linked.count, linked.size) == ("png", False, 3, (64, 64))
    jpeg = staged(write_pictures(tmp_path / "jpg", frames, "{:05d}.jpg"), tmp_path / "b")
    assert (jpeg.codec, jpeg.lossy) == ("jpg", True)
    assert RenderedFrames(tmp_path / "a").frames(1, 3).tolist() == frames[1:].transpose(0, 3, 1, 2).tolist()
    decoded = np.asarray(Image.open(tmp_path / "jpg/00001.jpg")).transpose(2, 0, 1)
    assert (RenderedFrames(tmp_path / "b").frame(1) == decoded).all()


def test_a_video_is_read_at_the_rate_that_is_asked_for(tmp_path):
    film = write_video(tmp_path / "film.mkv", pictures(openings(50)), rate=50)
    assert staged(film, tmp_path / "a").count == 25
    assert staged(film, tmp_path / "b", fps=50).count == 50
    found = staged(film, tmp_path / "c", fps=12.5)
    assert (found.count, found.rate, found.codec, found.lossy) == (12, 50, "ffv1", False)  # the 13th has no middle


def test_scaling_keeps_both_sizes_in_mind(tmp_path):
    found = staged(write_pictures(tmp_path / "png", pictures(openings(1))), tmp_path / "a", size=(32, 48))
    assert (found.size, found.own_size) == ((32, 48), (64, 64))
    assert RenderedFrames(tmp_path / "a").frame(0).shape == (3, 32, 48)


def mask(bits, name):
    return bits >> REGIONS.index(name) & 1 > 0


def test_regions_lie_where_landmarks_and_matte_say():
    """Eyes 40 px apart at (100, 80) in a frame that is wider than high; the person fills columns 40 to 160."""
    points = face(centre=(100, 90), eyes=40)
    points[:17] = [[60 + 5 * i, 80 + 60 * np.sin(np.pi * i / 16)] for i in range(17)]  # a jaw: chin at (100, 140)
    person = np.zeros((200, 300))
    person[10:, 40:160] = 1
    bits = region_bits((200, 300), points, person)
    assert mask(bits, "neck")[150, 100]
    assert not mask(bits, "neck")[190, 100]
    assert mask(bits, "neck")[150, 71]
    assert not mask(bits, "neck")[150, 69]
    assert mask(bits, "torso")[190, 100]
    assert mask(bits, "torso")[150, 45]
    assert not mask(bits, "torso")[150, 100]
    assert mask(bits, "head")[30, 100]
    assert mask(bits, "face")[100, 100]
    assert mask(bits, "mouth")[118, 100]
    assert mask(bits, "background")[:, 170:].all()
    assert not mask(bits, "background")[:, 45:155][12:].any()
    assert not (mask(bits, "neck") & (mask(bits, "torso") | mask(bits, "head"))).any()
    assert (bits != 0).all()


def test_without_a_matte_a_smaller_box_stands_for_the_neck_and_nothing_for_the_rest():
    points = face(centre=(100, 90), eyes=40)
    points[:17] = [[60 + 5 * i, 80 + 60 * np.sin(np.pi * i / 16)] for i in range(17)]
    bits = region_bits((200, 300), points, None)
    assert mask(bits, "neck")[160, 100]
    assert not mask(bits, "neck")[168, 100]
    assert mask(bits, "neck")[150, 81]
    assert not mask(bits, "neck")[150, 79]
    assert not any(mask(bits, name).any() for name in ("head", "torso", "background"))
    assert mask(bits, "unknown")[10, 250]


def test_a_frame_without_a_face_is_background_or_unknown():
    person = np.zeros((20, 30))
    person[5:, 10:20] = 1
    bits = region_bits((20, 30), np.full((68, 2), np.nan), person)
    assert (mask(bits, "background") == (person == 0)).all()
    assert (mask(bits, "unknown") == (person == 1)).all()


def true_clip(folder, opening, name="c", source="c"):
    frames = RenderedFrames(write_pictures(folder, pictures(opening)))
    points = np.stack([face(opening=o) for o in opening])
    return TrueClip(name, source, source, frames, folder, points, 25, None)


def test_the_shut_mouth_is_the_references_own(tmp_path):
    a = true_clip(tmp_path / "a", [0.3, 0.2], "a", "film")
    b = true_clip(tmp_path / "b", [0.1, 0.02, 0.3], "b", "film")
    wide = true_clip(tmp_path / "wide", [0.2, 0.3], "wide", "other")
    made = frozen_mouth([a, b, wide])
    assert set(made) == {"a", "b"}  # the other film shows no shut mouth
    assert (made["a"].shut == b.frame(1)).all()
    assert frozen_mouth([wide]) is None


def test_sound_is_cut_on_the_frames_clock():
    samples = np.arange(16_000, dtype=np.float32)
    assert cut_sound(samples, 25, 5, 7).tolist() == list(range(3200, 4480))
    late = cut_sound(samples, 25, 24, 26)  # one frame of sound, then silence
    assert late[:640].tolist() == list(range(15_360, 16_000))
    assert not late[640:].any()
    assert cut_sound(None, 25, 0, 1) is None
