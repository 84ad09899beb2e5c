import numpy as np
import pytest
from metric_fakes import ArrayClip, face

from erlnet.metrics.detector import RememberedDetector, frame_digest
from erlnet.metrics.landmark_family import LandmarkFamily
from erlnet.metrics.pairs import ClipPair, Row

SIZE = 64


def draw(opening: float | None, shift: int = 0, lids: float = 0.25) -> np.ndarray:
    """A "frame" that the fake detector can read: all of it is written into its pixels, an opening None is no face."""
    frame = np.zeros((3, SIZE, SIZE), np.uint8)
    frame[0, 0, :4] = [0, 0, 0, 0] if opening is None else [1, round(opening * 500), shift, round(lids * 500)]
    return frame


def read(frames: np.ndarray) -> np.ndarray:
    """The fake detector."""
    found = []
    for present, opening, shift, lids in frames[:, 0, 0, :4].astype(float):
        points = face(opening=opening / 500, lids=lids / 500) + np.array([shift, 0])
        found.append(points if present else np.full((68, 2), np.nan))
    return np.array(found, np.float32)


def clip_pair(reference: list[np.ndarray], rendered: list[np.ndarray], name: str = "c", speaker: str = "a") -> ClipPair:
    landmarks = np.tile(face(), (len(reference), 1, 1))
    sides = [ArrayClip(np.stack(side), landmarks) for side in (reference, rendered)]
    return ClipPair(name, speaker, *sides, np.zeros((len(reference), SIZE, SIZE), np.uint8), landmarks)


def score(*pairs: ClipPair) -> list[Row]:
    return LandmarkFamily(detect=read).score(list(pairs))


def values(rows: list[Row], metric: str) -> list[float | None]:
    return [row.value for row in rows if row.metric == metric]


def talk(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.02, 0.4, frames).round(2)


def test_truth_has_no_distance_and_follows_perfectly():
    frames = [draw(opening) for opening in talk(60)]
    rows = score(clip_pair(frames, frames))
    assert values(rows, "lmd") == [0.0] * 60
    assert values(rows, "mouth_open_r") == [pytest.approx(1)]
    assert values(rows, "mouth_open_slope") == [pytest.approx(1)]
    assert values(rows, "mouth_lag") == [0]
    assert values(rows, "faces_missed") == [0]


def blinking(frames: int, every: int = 20) -> np.ndarray:
    """Eyes at .25, shut to .05 for three frames of every 20."""
    return np.where(np.arange(frames) % every < 3, 0.05, 0.25)


def test_eyes_that_blink_half_as_far_read_half_and_eyes_that_do_not_blink_read_nothing():
    truth = [draw(0.2, lids=lids) for lids in blinking(60)]
    half = [draw(0.2, lids=(lids + 0.25) / 2) for lids in blinking(60)]
    rows = score(clip_pair(truth, half))
    assert values(rows, "eye_open_r") == [pytest.approx(1, abs=1e-3)]
    assert values(rows, "eye_open_slope") == [pytest.approx(0.5, abs=0.01)]
    staring = score(clip_pair(truth, [draw(0.2)] * 60))
    assert values(staring, "eye_open_r") == [0]
    assert values(staring, "eye_open_slope") == [pytest.approx(0, abs=1e-6)]


def test_a_reference_that_never_blinks_asks_for_nothing():
    rows = score(clip_pair([draw(0.2)] * 60, [draw(0.2, lids=lids) for lids in blinking(60)]))
    assert values(rows, "eye_open_r") == [None]
    assert values(rows, "mouth_open_r") == [None]


def test_a_shifted_head_costs_landmark_distance_alone():
    openings = talk(60)
    rows = score(clip_pair([draw(o) for o in openings], [draw(o, shift=5) for o in openings]))
    assert values(rows, "lmd")[0] == pytest.approx(5, abs=1e-4)
    assert values(rows, "lmd_relative")[0] == pytest.approx(5 / 20, abs=1e-4)
    assert values(rows, "lmd_mouth")[0] == pytest.approx(0, abs=1e-4)


def test_a_half_open_copy_three_frames_late_reads_so():
    openings = talk(80)
    rows = score(clip_pair([draw(o) for o in openings[3:]], [draw(o / 2) for o in openings[:-3]]))
    assert values(rows, "mouth_lag") == [3]
    aligned = score(clip_pair([draw(o) for o in openings], [draw(o / 2) for o in openings]))
    assert values(aligned, "mouth_open_slope") == [pytest.approx(0.5, abs=0.01)]


def test_frames_without_a_face_are_counted_and_have_no_value():
    openings = talk(50)
    reference = [draw(o) for o in openings]
    rendered = [draw(None) if t < 5 else draw(o) for t, o in enumerate(openings)]
    reference[49] = draw(None)  # no face in the reference is no fault of the render
    rows = score(clip_pair(reference, rendered))
    assert values(rows, "faces_missed") == [pytest.approx(5 / 49)]
    assert [value is None for value in values(rows, "lmd")] == [t < 5 or t == 49 for t in range(50)]
    assert values(rows, "mouth_open_r") == [pytest.approx(1)]


def test_a_reference_without_any_face_gives_no_values_at_all():
    rows = score(clip_pair([draw(None)] * 50, [draw(0.1)] * 50))
    assert {row.metric for row in rows if row.value is not None} == {"mouth_open", "eye_open"}  # the render's own


def test_the_opening_curves_are_given_out_for_the_report():
    rows = score(clip_pair([draw(0.2)] * 3, [draw(0.1)] * 3))
    assert values(rows, "mouth_open") == [pytest.approx(0.1, abs=1e-4)] * 3
    assert values(rows, "mouth_open_reference") == [pytest.approx(0.2, abs=1e-4)] * 3
    assert values(rows, "eye_open") == values(rows, "eye_open_reference") == [pytest.approx(0.25, abs=1e-3)] * 3


def test_short_clips_of_a_speaker_share_one_row_named_after_both():
    pairs = [clip_pair([draw(o) for o in talk(25, i)], [draw(o) for o in talk(25, i)], f"c{i}") for i in range(4)]
    rows = score(*pairs)
    assert [row.clip for row in rows if row.metric == "mouth_open_r"] == ["c0+c1", "c2+c3"]
    assert [row.clip for row in rows if row.metric == "faces_missed"] == ["c0", "c1", "c2", "c3"]


def test_each_distinct_frame_is_looked_at_once():
    looked = []
    detector = RememberedDetector(lambda frames: looked.append(len(frames)) or read(frames))
    still = np.stack([draw(0.1)] * 5 + [draw(0.2)])
    first = detector(still)
    np.testing.assert_array_equal(detector(still[::-1]), first[::-1])
    assert looked == [2]


def test_detections_outlive_the_process_in_a_file_of_the_same_detector(tmp_path):
    frames, file = np.stack([draw(0.1), draw(None), draw(0.3)]), tmp_path / "detections.npz"
    first = RememberedDetector(read, file, "detector 1")
    expected = first(frames)
    first.save()

    def never(frames):
        raise AssertionError("looked again")

    np.testing.assert_array_equal(RememberedDetector(never, file, "detector 1")(frames), expected)
    with pytest.raises(AssertionError, match="looked again"):
        RememberedDetector(never, file, "detector 2")(frames)
    assert [p.name for p in tmp_path.iterdir()] == ["detections.npz"]


def test_a_broken_memory_is_looked_up_again(tmp_path):
    file = tmp_path / "detections.npz"
    file.write_bytes(b"half a zip")
    detector = RememberedDetector(read, file, "x")
    assert np.isfinite(detector(draw(0.1)[None])).all()
    detector.save()
    assert len(RememberedDetector(read, file, "x").known) == 1


def test_frames_of_equal_bytes_but_another_shape_are_not_the_same():
    flat = np.zeros((3, 4, 9), np.uint8)
    assert frame_digest(flat) != frame_digest(flat.reshape(3, 6, 6))
    assert frame_digest(flat) == frame_digest(flat.copy(order="F"))
