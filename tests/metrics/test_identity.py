"""Identity: its algebra, what it counts, and known answers on filmed faces."""

import json
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_fakes import ArrayClip, face
from scipy.ndimage import gaussian_filter

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.metrics.detectors import FACE_EMBEDDERS, FaceEmbedder, face_embedder
from erlnet.metrics.dlib_embedder import DlibEmbedder
from erlnet.metrics.identity import IdentityFamily, cosine, distance
from erlnet.metrics.identity_cards import IDENTITY_CARDS, identity_fingerprint
from erlnet.metrics.pairs import ClipPair, Row, Unavailable

GRID = Path(__file__).resolve().parents[3] / "shared/data/clips/grid"


def clip_pair(reference: np.ndarray, rendered: np.ndarray) -> ClipPair:
    landmarks = np.tile(face(), (len(reference), 1, 1))
    sides = [ArrayClip(side, landmarks) for side in (reference, rendered)]
    return ClipPair("c", "a", *sides, np.zeros((len(reference), *reference.shape[2:]), np.uint8), landmarks)


def values(rows: list[Row], metric: str) -> list[float | None]:
    return [row.value for row in rows if row.metric == metric]


def test_cosine_and_distance_by_hand():
    a = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0], [np.nan, 1.0]])
    b = np.array([[4.0, 3.0], [0.0, 2.0], [1.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(cosine(a, b), [24 / 25, 0, np.nan, np.nan])
    np.testing.assert_allclose(distance(a, b)[:3], [np.sqrt(2), np.sqrt(5), np.sqrt(2)])


@given(st.lists(st.floats(-9, 9).filter(lambda x: abs(x) > 1e-3), min_size=4, max_size=4), st.floats(0.01, 100))
def test_cosine_knows_directions_alone(vector, scale):
    a = np.array(vector)
    assert cosine(a, a * scale) == pytest.approx(1)
    assert cosine(a, -a) == pytest.approx(-1)


def numbered(numbers: list[int]) -> np.ndarray:
    frames = np.zeros((len(numbers), 3, 8, 8), np.uint8)
    frames[:, 0, 0, 0] = numbers
    return frames


def angle(frames: np.ndarray) -> np.ndarray:
    """A fake embedding: a direction, as many tenths of a turn as the frame says; 9 is no face."""
    turn = frames[:, 0, 0, 0] * 2 * np.pi / 10
    found = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.where(frames[:, 0, 0, :1] == 9, np.nan, found).astype(np.float32)


def test_each_frame_is_held_against_its_own_and_missing_faces_are_counted():
    reference, rendered = numbered([0, 1, 2, 9, 4]), numbered([0, 2, 9, 3, 9])
    rows = IdentityFamily(embed=angle).score([clip_pair(reference, rendered)])
    turn = np.cos(2 * np.pi / 10)
    assert values(rows, "identity") == [pytest.approx(1), pytest.approx(turn, abs=1e-6), None, None, None]
    assert values(rows, "identity_distance")[1] == pytest.approx(2 * np.sin(np.pi / 10), abs=1e-6)
    assert values(rows, "identity_missed") == [pytest.approx(2 / 4)]
    assert values(rows, "identity_unseen") == [pytest.approx(1 / 5)]
    assert {row.metric for row in rows} == {card.id for card in IDENTITY_CARDS}


def test_embeddings_are_kept_for_the_same_embedder_and_detector_alone(tmp_path):
    frames, file = numbered([0, 1, 1, 2]), tmp_path / "embeddings.npz"
    looked = []

    def embed(batch):
        looked.append(len(batch))
        return angle(batch)

    first = IdentityFamily(file, embed).score([clip_pair(frames, frames)])
    assert sum(looked) == 3
    assert IdentityFamily(file, lambda batch: 1 / 0).score([clip_pair(frames, frames)]) == first
    with pytest.raises(ZeroDivisionError):
        IdentityFamily(file, lambda batch: 1 / 0, detector="dlib").score([clip_pair(frames, frames)])


def test_an_embedder_goes_by_a_name_and_has_a_fingerprint():
    assert all(isinstance(face_embedder(name), FaceEmbedder) for name in FACE_EMBEDDERS)
    assert json.dumps(identity_fingerprint()) != json.dumps(identity_fingerprint(detector="dlib"))
    with pytest.raises(KeyError, match="no face embedder 'facenet'"):
        face_embedder("facenet")


def test_without_weights_or_package_it_is_unavailable_and_says_how_to_get_them(tmp_path, monkeypatch):
    frames, points = np.zeros((1, 3, 64, 64), np.uint8), face()[None]
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    monkeypatch.setitem(sys.modules, "dlib", type(sys)("dlib"))
    with pytest.raises(Unavailable) as caught:
        DlibEmbedder()(frames, points)
    assert caught.value.remedy == "python -m erlnet assets fetch identity"
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(Unavailable) as caught:
        DlibEmbedder()(frames, points)
    assert caught.value.remedy == "pip install 'erlnet[identity]'"


@pytest.fixture(scope="module")
def speakers() -> np.ndarray:
    """(4,2,3,H,W): four people, two frames of each."""
    pytest.importorskip("dlib", reason="the extra 'identity' is not installed")
    pytest.importorskip("mediapipe", reason="the extra 'track' is not installed")
    try:
        for asset in ("identity", "landmarks"):
            asset_path(asset, "this test")
    except AssetMissing as missing:
        pytest.skip(str(missing))
    if not GRID.is_dir():
        pytest.skip(f"{GRID} is not here")
    from erlnet.data.video import read_frames

    films = [list(islice(read_frames(path), 41)) for path in sorted(GRID.glob("*.mpg"))[:4]]
    return np.stack([np.stack([film[5], film[40]]) for film in films]).transpose(0, 1, 4, 2, 3)


def test_known_answers_on_filmed_faces(speakers, tmp_path):
    """The same person later, mirrored and blurred, and other people: each as the card says."""
    first, later = np.ascontiguousarray(speakers[:, 0]), np.ascontiguousarray(speakers[:, 1])
    mirrored = np.ascontiguousarray(first[..., ::-1])
    blurs = {sigma: gaussian_filter(first, (0, 0, sigma, sigma)) for sigma in (2, 4)}
    others = np.roll(first, 1, axis=0)
    renders = {"truth": first, "later": later, "mirrored": mirrored, "blur2": blurs[2], "blur4": blurs[4],
               "other": others, "black": np.zeros_like(first)}  # fmt: skip
    rows = {
        name: IdentityFamily(tmp_path / "e.npz").score([clip_pair(first, render)]) for name, render in renders.items()
    }
    read = {name: np.array(values(found, "identity"), float) for name, found in rows.items()}
    apart = {name: np.array(values(found, "identity_distance"), float) for name, found in rows.items()}
    np.testing.assert_allclose(read["truth"], 1)
    assert (read["later"] > 0.985).all()
    assert (read["mirrored"] > 0.985).all()
    assert (read["blur4"] < read["blur2"]).all()
    assert (read["blur2"] < 0.99).all()
    assert (read["other"] < 0.93).all()
    assert (apart["later"] < 0.3).all()
    assert (apart["other"] > 0.6).all()  # dlib's own threshold
    assert values(rows["black"], "identity") == [None] * 4
    assert values(rows["black"], "identity_missed") == [1.0]


def test_a_small_face_keeps_its_identity(speakers):
    frame = speakers[0, :1]
    from erlnet.metrics.detector import FaceLandmarker

    small = frame[:, :, :288, :360].reshape(1, 3, 144, 2, 180, 2).mean(axis=(3, 5)).round().astype(np.uint8)
    with FaceLandmarker() as look:
        found = [face_embedder("dlib")(side, look(side))[0] for side in (frame.copy(), small)]
    assert cosine(*found) > 0.97
