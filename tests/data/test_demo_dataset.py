"""The demo's clips against what is known about them, and the design's precautions against circularity."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from erlnet.data.clip import Coefficients, open_index
from erlnet.data.components import Demo, Landmarks
from erlnet.data.demo import studio
from erlnet.data.demo.actor import act, cast, pose_vertices, rigid
from erlnet.data.demo.dataset import plan_clips
from erlnet.data.demo.filming import build_scene
from erlnet.data.demo.scene import SUPERSAMPLE
from erlnet.data.demo.speech import perform
from erlnet.data.demo.studio import LANDMARK_NOISE, observe, one_thread
from erlnet.data.demo.truth import DEPTH_UNIT, depth_map, region_map
from erlnet.data.silence import Silence
from erlnet.errors import UserError
from erlnet.head.components import MakeHuman
from erlnet.head.project import project
from erlnet.interfaces import REGIONS, Preparation, Tracked

MODEL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "models" / "face_landmarker.task"


@dataclass(frozen=True)
class Onlooker:
    """A tracker that keeps what it was shown and finds nothing: for tests of everything round the fit."""

    def build(self):
        def track(observation, model, progress):
            n = len(observation.landmarks)
            return Tracked(
                Coefficients(
                    expression=np.zeros((n, model.n_expression)), jaw=np.zeros((n, 3)), lids=np.zeros((n, 2)),
                    head_to_world=np.tile(observation.root, (n, 1, 1)), root=observation.root,
                    torso_offset=np.zeros((n, 2)), eyes=np.zeros((n, 6)), shape=np.zeros(model.n_shape),
                    valid=np.ones(n, bool),
                ),
                observation.focal,
                {"frames": float(n)},
            )  # fmt: skip

        return track


@pytest.fixture(scope="module")
def head():
    return MakeHuman().build()


@pytest.fixture(scope="module")
def actor(head):
    return cast(head, seed=0, speaker=0, size=128)


@pytest.fixture(scope="module")
def stage(actor):
    return build_scene(actor.stage)


def play(head, actor, style, n_frames, seed=5):
    performance = perform(seed, 0, style, n_frames, head.expression_names, actor.pivot)
    return performance, act(head, actor, performance)


def eye_distance(landmarks):
    return np.linalg.norm(landmarks[:, 36:42].mean(1) - landmarks[:, 42:48].mean(1), axis=1)


def opening(landmarks):
    gap = np.linalg.norm(landmarks[:, 61:64].mean(1) - landmarks[:, 65:68].mean(1), axis=1)
    return gap / eye_distance(landmarks)


def regions_of(bits):
    return {name: (bits >> i & 1).astype(bool) for i, name in enumerate(REGIONS)}


def test_the_default_demo_has_the_clips_that_the_design_asks_for():
    plan = Demo().build().plan
    clips = plan_clips(plan)
    train, test = ([c for c in clips if c.split == split] for split in ("train", "test"))
    assert [len(train), len(test)] == [8, 12]
    assert {c.n_frames for c in train} == {100}
    assert min(c.n_frames for c in test) == 24
    assert max(c.n_frames for c in test) == 30
    assert [c.style for c in test].count("angry") == [c.style for c in test].count("happy") == 4
    assert clips[0].name == "train-00-neutral"
    assert len({c.name for c in clips}) == 20
    two = plan_clips(replace(plan, speakers=2))
    assert len({c.name for c in two}) == 40


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three tiny demos: one filmed in two processes, the same in one, and one of another seed."""
    folders = []
    patch = pytest.MonkeyPatch()
    for seed, workers in ((4, 2), (4, 1), (5, 1)):
        patch.setattr(studio, "WORKERS", workers)
        folder = tmp_path_factory.mktemp("demo")
        demo = Demo(seed=seed, size=64, train_clips=1, test_clips=1, train_seconds=0.4, test_seconds=0.4)
        demo.build().prepare(Preparation(None, folder, folder, Onlooker(), MakeHuman(), 1, Silence()))
        folders.append(folder)
    patch.undo()
    return folders


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(made):
    def content(folder):
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    first, again, other = map(content, made)
    assert len(first) > 25
    assert first == again
    assert first["train-00-neutral/frames/00000.png"] != other["train-00-neutral/frames/00000.png"]
    assert first["train-00-neutral/audio.wav"] != other["train-00-neutral/audio.wav"]


def test_clips_open_with_labels_frames_sound_and_truth(made):
    train, test = open_index(made[0])
    assert (train.labels.split, test.labels.split) == ("train", "test")
    assert train.labels.speaker == test.labels.speaker == "demo00"
    assert train.labels.source != test.labels.source
    assert train.frames().shape == (10, 3, 64, 64)
    assert len(train.audio) == 10 * 640
    assert np.abs(train.audio).max() > 0.05
    truth = np.load(train.folder / "truth.npz")
    assert truth["depth"].shape == (10, 32, 32)
    assert truth["true_expression"].shape == (10, 39)
    assert truth["neck_points"].shape[::2] == (10, 2)
    # What the tracker saw is the truth with noise of the stated size.
    error = truth["observed_landmarks"] - train.landmarks
    assert error.std() == pytest.approx(LANDMARK_NOISE, rel=0.1)
    # The torso's offset is that of its middle, up to smoothing and a little noise.
    moved = truth["torso_point"] - truth["torso_point"].mean(0)
    assert np.abs(train.coefficients.torso_offset - train.coefficients.torso_offset.mean(0) - moved).max() < 0.8


def test_eyes_are_24_px_apart_and_head_and_shoulders_are_in_view(head, actor):
    for style in ("neutral", "happy", "angry"):
        _, take = play(head, actor, style, 25)
        assert np.median(eye_distance(take.landmarks)) >= 24
        assert take.landmarks.min() > 4
        assert take.landmarks.max() < 124


def test_pixels_show_what_the_landmarks_say(head, actor, stage):
    performance, take = play(head, actor, "neutral", 10)
    scene, _ = stage
    frame = int(performance.lids.max(1).argmin())
    image = scene.render(take.points[frame]).image.astype(float).mean(2)
    x, y = take.landmarks[frame].T

    def light(column, row):
        return image[int(row), int(column)]

    for lid, cheek in ((slice(36, 42), 2), (slice(42, 48), 14)):
        eye = light(x[lid].mean(), y[lid].mean())
        below = light((x[lid].mean() + x[cheek]) / 2, y[33])
        assert eye < 0.75 * below  # an iris is darker than a cheek
    for brow in (19, 24):
        assert light(x[brow], y[brow]) < 0.75 * light(x[brow], y[brow] - 8)
    assert light(64, 1) != pytest.approx(light(x[30], y[30]), abs=5)


def test_regions_obey_their_definitions(head, actor, stage):
    _, take = play(head, actor, "happy", 20)
    scene, bits = stage
    for frame in (0, 10, 19):
        picture = scene.render(take.points[frame])
        r = regions_of(region_map(picture.seen, bits, take.landmarks[frame, 48:60], SUPERSAMPLE))
        for name, least in (("head", 4500), ("face", 2500), ("mouth", 60), ("eyes", 60), ("neck", 500),
                            ("torso", 1000), ("background", 3000), ("unknown", 100)):  # fmt: skip
            assert r[name].sum() >= least, name
        assert not (r["face"] & ~r["head"]).any()
        assert not (r["eyes"] & ~r["face"]).any()
        assert (r["mouth"] & ~r["face"]).mean() < 0.001
        assert not (r["neck"] & r["head"]).any()
        assert not (r["background"] & (r["head"] | r["torso"])).any()
        assert (r["head"] | r["neck"] | r["torso"] | r["background"] | r["unknown"]).mean() > 0.999
        assert (r["unknown"] & r["head"]).any()
        assert (r["unknown"] & r["neck"]).any()
        rows = np.arange(128)[:, None] + 0.5
        mean_row = {name: (rows * r[name]).sum() / r[name].sum() for name in r}
        assert mean_row["eyes"] < mean_row["mouth"] < mean_row["unknown"] < mean_row["neck"] < mean_row["torso"]


def test_depth_is_that_of_the_nearest_surface(head, actor, stage):
    _, take = play(head, actor, "neutral", 1)
    scene, bits = stage
    picture = scene.render(take.points[0])
    depth = depth_map(picture.seen, 2 * SUPERSAMPLE)
    column, row = (take.landmarks[0, 30] / 2).astype(int)  # the nose's tip
    vertices = torch.from_numpy(take.points)
    tip = head.landmarks68(vertices)[0, 30, 2].item()
    assert depth[row, column] * DEPTH_UNIT == pytest.approx(tip, abs=0.004)
    body = ~regions_of(region_map(picture.seen, bits, take.landmarks[0, 48:60], SUPERSAMPLE))["background"]
    blocks = body.reshape(64, 2, 64, 2)
    assert (depth > 0)[blocks.all((1, 3))].all()
    assert not (depth > 0)[~blocks.any((1, 3))].mean() > 0.02


def test_the_torso_moves_on_its_own_and_does_not_carry_the_head(head, actor):
    performance, take = play(head, actor, "happy", 50)
    root = actor.root.astype(float)
    assert np.allclose(take.coefficients.head_to_world, root @ rigid(performance.pose), atol=1e-5)
    sway = np.linalg.inv(root) @ take.torso_to_world
    assert np.abs(sway[:, :3, 3]).max() > 0.001
    # Over many clips the head's pose explains at most 80 % of the torso's place in the picture.
    heads, torsos = [], []
    for seed in range(24):
        performance = perform(seed, 0, "neutral", 50, head.expression_names, actor.pivot)
        heads.append(performance.pose)
        torsos.append(rigid(performance.torso)[:, :3, 3])
    x = np.concatenate(heads)
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    y = np.concatenate(torsos)
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert (1 - residual.var(0) / y.var(0)).max() <= 0.8


def test_expressions_hold_what_the_coefficients_cannot(head, actor):
    performance, take = play(head, actor, "neutral", 25)
    plain = act(head, actor, replace(performance, hidden=0 * performance.hidden))
    moved = np.linalg.norm(take.points - plain.points, axis=-1)
    assert moved.max() > 0.001  # a millimetre somewhere
    assert moved.max() < 0.008
    # No mixture of units and lids comes near it.
    units = head.moving_rows[: head.n_expression + 2].double().numpy().T
    for field in actor.hidden.reshape(2, -1).astype(float):
        rest = field - units @ np.linalg.lstsq(units, field, rcond=None)[0]
        assert np.linalg.norm(rest) > 0.98 * np.linalg.norm(field)


def test_a_perfect_renderer_of_the_tracked_coefficients_reads_as_designed(head, actor, stage):
    """Frame SSIM >= .97 and mouth opening r >= .95 with the true look and shape, no hidden part, a still torso."""
    scene, _ = stage
    track = Landmarks().build()
    shape, scores, true_gap, read_gap = None, [], [], []
    for k, style in enumerate(("neutral", "happy", "angry")):
        _, take = play(head, actor, style, 40, seed=40 + k)
        seen = observe(take, actor, np.random.default_rng(k), knows_root=True, shape=shape)
        with one_thread():
            tracked = track(seen, head, Silence()).coefficients
        shape = tracked.shape
        known = replace(tracked, shape=actor.shape)
        vertices = pose_vertices(head, known, np.repeat(tracked.root[None], 40, axis=0))
        true_gap.append(opening(take.landmarks))
        read_gap.append(opening(project(head.landmarks68(vertices), actor.stage.camera).numpy()))
        for frame in range(2, 40, 6):
            truth = scene.render(take.points[frame], float(take.flush[frame])).image
            render = scene.render(vertices[frame].numpy()).image
            _, ssim = structural_similarity(
                truth, render, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2,
                data_range=255, full=True,
            )  # fmt: skip
            scores.append(ssim[5:-5, 5:-5].mean())
    assert np.mean(scores) >= 0.97
    assert np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(true_gap, read_gap)]) >= 0.95


@pytest.mark.skipif(not MODEL.exists(), reason="the landmark model is not beside the checkout")
def test_the_landmarker_finds_the_face_where_it_is(head, actor, stage, monkeypatch):
    pytest.importorskip("mediapipe", reason="extra `track` is not installed")
    from erlnet.data.detector import FaceDetector
    from erlnet.head.mediapipe68 import MEDIAPIPE_68

    monkeypatch.setenv("ERLNET_ASSETS", str(MODEL.parent))
    scene, _ = stage
    errors, missed = [], 0
    with FaceDetector() as detector:
        for style in ("neutral", "happy", "angry"):
            _, take = play(head, actor, style, 40)
            for frame in range(0, 40, 5):
                face = detector(scene.render(take.points[frame], float(take.flush[frame])).image)
                if face is None:
                    missed += 1
                else:
                    errors.append(np.linalg.norm(face.mesh[list(MEDIAPIPE_68)] - take.landmarks[frame], axis=1).mean())
    assert missed == 0
    assert np.mean(errors) < 2  # px


@pytest.mark.parametrize(
    ("options", "word"),
    [({"size": 100}, "demo.size"), ({"speakers": 0}, "demo.speakers"), ({"train_seconds": 0.0}, "demo.train_seconds")],
)
def test_a_demo_that_cannot_be_is_refused_in_one_line(options, word):
    with pytest.raises(UserError, match=word):
        Demo(**options).build()


def test_data_given_to_the_demo_is_refused(tmp_path):
    with pytest.raises(UserError, match="dataset=folder"):
        Demo().build().fingerprint(tmp_path)
    assert Demo().build().fingerprint(None) == {}
