"""Tracker `emoca`: folders in EMOCA's own form, built from motion that is known, come back as that motion."""

import json
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from erlnet.data.tracking.components import Emoca
from erlnet.data.tracking.emoca_camera import read_boxes
from erlnet.errors import InputError, UserError
from erlnet.head.arrays import HeadArrays
from erlnet.head.components import MakeHuman
from erlnet.head.files import read_makehuman
from erlnet.head.model import HeadModel
from erlnet.interfaces import Observation, Origin

SIZE = 512  # px of the clip
SCALE, LEFT, TOP = 0.8, 300.0, 40.0  # clip px per source px, and where the cut begins
FOCAL = 1900.0  # px of the source
FRAMES = 60  # of the clip; its source runs at 30 fps
SOURCE = 72
FLIP = np.diag([1.0, -1.0, -1.0])


class Quiet:
    def update(self, step, total, loss=None):
        pass

    def note(self, text):
        pass


@pytest.fixture(scope="module")
def model():
    """The shipped head with names as FLAME's have them: shoulders included, so that the torso can be watched."""
    arrays: HeadArrays = read_makehuman()
    names = tuple(f"expression{i:03d}" for i in range(len(arrays.expression_names)))
    return HeadModel(replace(arrays, expression_names=names))


@dataclass
class Truth:
    """Motion of every source frame, world = the clip's pinhole camera."""

    shape: np.ndarray
    expression: np.ndarray
    jaw: np.ndarray
    head: np.ndarray  # (N,4,4)
    middle: np.ndarray  # (3,) rest coordinates of the 68 points' mean
    root_joint: np.ndarray


@pytest.fixture(scope="module")
def truth(model):
    rng = np.random.default_rng(3)
    t = np.arange(SOURCE)
    shape = rng.normal(0, 0.3, model.n_shape)
    with torch.no_grad():
        arguments = list(model.neutral(1))
        arguments[0] = torch.from_numpy(shape).float()[None]
        middle = model.landmarks68(model(*arguments))[0].mean(0).double().numpy()
        joint = model.joints(arguments[0])[0, 0].double().numpy()
    turns = np.stack([0.2 * np.sin(t / 9), 0.35 * np.sin(t / 13 + 1), 0.1 * np.cos(t / 7)], 1)
    head = np.tile(np.eye(4), (SOURCE, 1, 1))
    head[:, :3, :3] = FLIP @ Rotation.from_rotvec(turns).as_matrix()
    # The face's middle wanders by 5 cm at about 1.3 m.
    place = np.stack([0.05 * np.sin(t / 11), 0.03 * np.cos(t / 8), 1.3 + 0.03 * np.sin(t / 17)], 1)
    head[:, :3, 3] = place - head[:, :3, :3] @ middle
    jaw = np.stack([0.15 + 0.1 * np.sin(t / 2), 0.02 * np.sin(t), 0.0 * t], 1)
    expression = rng.uniform(0, 0.4, (SOURCE, model.n_expression))
    return Truth(shape, expression, jaw, head, middle, joint)


@pytest.fixture
def origin(tmp_path):
    times = (np.arange(FRAMES) + 0.5) / 25
    frames = np.floor(times * 30).astype(int)
    return Origin("talk", tmp_path / "talk.mp4", frames, times, LEFT, TOP, SCALE)


def points_of(model, truth, frames, place):
    """(T,68,3): the 68 points of source `frames`, everything moved by `place` (T,4,4), the torso too."""
    part, place, n = model.landmark_model(), torch.from_numpy(place).float(), len(frames)
    motion = [torch.from_numpy(a[frames]).float() for a in (truth.expression, truth.jaw)]
    with torch.no_grad():
        shape = torch.from_numpy(truth.shape).float()[None]
        return (
            part.landmarks68(part(shape, *motion, torch.zeros(n, 6), torch.zeros(n, 2), place, place)).double().numpy()
        )


def landmarks_of(model, truth, frames):
    """(T,68,2) px of the clip, by the head model and a pinhole."""
    world = points_of(model, truth, frames, truth.head[frames])
    return FOCAL * SCALE * world[..., :2] / world[..., 2:] + SIZE / 2


@pytest.fixture
def observation(model, truth, origin):
    return Observation(
        landmarks_of(model, truth, origin.frames), (SIZE, SIZE), 25, None, None, None, None, origin=origin
    )


def detection(place):
    """Centre and size, in px of the source with pixel centres at whole numbers, of EMOCA's square round a face."""
    middle = (FOCAL * SCALE * place[:2] / place[2] + SIZE / 2) / SCALE + [LEFT, TOP]
    return middle - 0.5 + [3.0, -5.0], 260 + int(7 * place[0] * 100)


def codes_of(truth, frame):
    """What EMOCA would have to say of the frame: global turn, scale, x, y, by the pinhole seen from the face."""
    place = truth.head[frame, :3, :3] @ truth.middle + truth.head[frame, :3, 3]
    # The picture about the face is that of a camera that looks along the ray to it.
    ray, _ = Rotation.align_vectors(place[None] / np.linalg.norm(place), [[0, 0, 1.0]])
    turn = FLIP @ ray.as_matrix().T @ truth.head[frame, :3, :3]
    centre, size = detection(place)
    wanted = (FOCAL * SCALE * place[:2] / place[2] + SIZE / 2) / SCALE + [LEFT, TOP] - 0.5
    # As the crop is cut: its first pixel is pixel 0, and `size` further on is pixel 223; then pixel / 112 - 1.
    square = (wanted - (centre - size / 2)) * 223 / size / 112 - 1
    scale = FOCAL / place[2] * 223 / size / 112
    stands = turn @ (truth.middle - truth.root_joint) + truth.root_joint
    shift = square * [1, -1] / scale - stands[:2]
    return turn, np.array([scale, *shift]), centre, size


def write_emoca(folder, truth, frames=range(SOURCE), with_boxes=True, successor=False):
    """OUT/results/MODEL/NNNNNN_FFF/ and OUT/detections/bboxes.pkl, as the video demo leaves them."""
    names, centres, sizes = ([[] for _ in range(SOURCE)] for _ in range(3))
    for frame in frames:
        turn, cam, centre, size = codes_of(truth, frame)
        name = f"{frame + 1:06d}_000"
        face = folder / "results" / "EMOCA_v2" / name
        face.mkdir(parents=True)
        rotation = Rotation.from_matrix(turn).as_rotvec()
        odd = 0.5 if frame % 5 == 0 else 0.0  # one frame in five sees another shape: the median does not
        arrays = {"exp": truth.expression[frame], "shape": truth.shape + odd, "detail": np.zeros(128), "cam": cam}
        if successor:
            arrays |= {"globalpose": rotation, "jawpose": truth.jaw[frame]}
        else:
            arrays["pose"] = np.concatenate([rotation, truth.jaw[frame]])
        for key, values in arrays.items():
            np.save(face / f"{key}.npy", values.astype(np.float32))
        names[frame].append(Path("talk") / "detections" / f"{name}.png")
        centres[frame].append(centre)
        sizes[frame].append(size)
    if with_boxes:
        (folder / "detections").mkdir()
        with (folder / "detections" / "bboxes.pkl").open("wb") as file:
            for part in (names, centres, sizes, SOURCE - 1, names):
                pickle.dump(part, file)
    return folder / "results" / "EMOCA_v2"


def radians_between(a, b):
    a, b = (Rotation.from_matrix(m[:, :3, :3].astype(np.float64)) for m in (a, b))
    return (a.inv() * b).magnitude()


def imported(component, observation, model):
    return component.build()(observation, model, Quiet())


@pytest.mark.parametrize("successor", [False, True], ids=["emoca", "inferno"])
def test_known_motion_comes_back(tmp_path, model, truth, origin, observation, successor):
    write_emoca(tmp_path / "out" / "talk", truth, successor=successor)
    found = imported(Emoca(str(tmp_path / "out"), FOCAL, depth="scale"), observation, model)
    c, frames = found.coefficients, origin.frames
    assert radians_between(c.head_to_world, truth.head[frames]).max() < 1e-4
    np.testing.assert_allclose(c.head_to_world[:, :3, 3], truth.head[frames, :3, 3], atol=1e-4)
    np.testing.assert_allclose(c.jaw, truth.jaw[frames], atol=1e-6)
    np.testing.assert_allclose(c.expression, truth.expression[frames], atol=1e-6)
    np.testing.assert_allclose(c.shape, truth.shape, atol=1e-6)
    assert c.valid.all()
    assert not c.lids.any()
    assert not c.eyes.any()
    assert found.focal == pytest.approx(FOCAL * SCALE)
    # What is left is the jaw line's small share in the torso, which stands still here and did not there.
    assert found.report["reprojection_px"] < 0.1
    assert found.report["reprojection_p95_px"] < 0.5
    assert found.report["lids_known"] == found.report["eyes_known"] == found.report["frames_interpolated"] == 0
    assert found.report["depth_m"] == pytest.approx(1.3, abs=0.03)


def test_from_afar_the_landmarks_lie_where_emocas_own_camera_draws_them(tmp_path, model, truth, origin, observation):
    """Its pipeline by hand: FLAME turned about the root joint, scaled, shifted, y down, crop to source to clip."""
    write_emoca(tmp_path / "talk", truth)
    codes = [codes_of(truth, frame) for frame in origin.frames]
    place = np.tile(np.eye(4), (FRAMES, 1, 1))
    for t, (turn, *_) in enumerate(codes):
        place[t, :3, :3], place[t, :3, 3] = turn, truth.root_joint - turn @ truth.root_joint
    points = points_of(model, truth, origin.frames, place)
    rows = []
    for (_, cam, centre, size), seen in zip(codes, points):
        pixel = (cam[0] * (seen[:, :2] + cam[1:]) * [1, -1] + 1) * 112  # of the crop
        source = centre - size / 2 + pixel * size / 223
        rows.append((source + 0.5 - [LEFT, TOP]) * SCALE)
    far = replace(observation, landmarks=np.stack(rows))
    found = imported(Emoca(str(tmp_path), focal=4e5, depth="scale"), far, model)
    assert found.report["reprojection_px"] < 0.1
    assert found.report["reprojection_p95_px"] < 0.5


def test_the_torso_stands_while_the_head_turns(tmp_path, model, truth, observation):
    write_emoca(tmp_path / "talk", truth)
    c = imported(Emoca(str(tmp_path), FOCAL, depth="scale"), observation, model).coefficients
    rows = [0, 20, 45]
    with torch.no_grad():
        vertices = model(
            torch.from_numpy(c.shape)[None],
            *[torch.from_numpy(a[rows]) for a in (c.expression, c.jaw, c.eyes, c.lids, c.head_to_world)],
            torch.from_numpy(c.root)[None],
        ).numpy()
    stands = model.arrays.weights[:, 0] == 1
    assert stands.sum() > 100
    assert np.ptp(vertices[:, stands], axis=0).max() < 1e-6  # m
    face = model.arrays.masks["face"]
    assert np.ptp(vertices[:, face], axis=0).max() > 0.03
    np.testing.assert_allclose(c.root[:3, 1], [0, -1, 0], atol=1e-6)  # upright


def test_up_to_five_missing_frames_are_made_up_and_more_are_held_and_marked(
    tmp_path, model, truth, origin, observation
):
    gone = {*origin.frames[10:15], *origin.frames[30:36]}
    write_emoca(tmp_path / "talk", truth, [f for f in range(SOURCE) if f not in gone])
    found = imported(Emoca(str(tmp_path), FOCAL, depth="scale"), observation, model)
    c = found.coefficients
    assert c.valid[:30].all()
    assert not c.valid[30:36].any()
    assert c.valid[36:].all()
    assert (found.report["frames_interpolated"], found.report["frames_held"]) == (5, 6)
    np.testing.assert_array_equal(c.head_to_world[[31, 34]], c.head_to_world[[29, 36]])
    assert radians_between(c.head_to_world, truth.head[origin.frames])[10:15].max() < 0.02
    # Half way along the shortest turn: as far from one side as from the other.
    ends = np.stack([c.head_to_world[12], c.head_to_world[12]])
    sides = radians_between(ends, c.head_to_world[[9, 15]])
    assert sides[0] == pytest.approx(sides[1], abs=1e-5)
    assert sides.sum() == pytest.approx(radians_between(c.head_to_world[9:10], c.head_to_world[15:16])[0], abs=1e-5)


def test_what_is_not_stated_is_asked_for_all_at_once(tmp_path, model, truth, observation):
    folder = write_emoca(tmp_path / "talk", truth, with_boxes=False)
    with pytest.raises(InputError, match=r"no focal length .*no crop .*no depth .*camera\.json") as caught:
        imported(Emoca(str(tmp_path)), observation, model)
    assert "tracker.focal" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"no depth \(tracker\.depth"):
        imported(Emoca(str(tmp_path), FOCAL, crop=(1.0, 2.0, 300.0)), observation, model)
    (folder / "camera.json").write_text('{"focal": "wide"}')
    with pytest.raises(InputError, match=r"camera\.json: .*wide"):
        imported(Emoca(str(tmp_path)), observation, model)
    for wrong in ('{"depth": "near"}', '{"focal": 900, "crop": [1, 2], "depth": 1}', '{"focal": -1}', "{"):
        (folder / "camera.json").write_text(wrong)
        with pytest.raises(InputError, match=r"camera\.json|camera of EMOCA's output in .*side > 0"):
            imported(Emoca(str(tmp_path)), observation, model)
    for focal, crop in ((-1.0, ()), (900.0, (1.0, 2.0)), (900.0, (1.0, 2.0, 0.0))):
        with pytest.raises(UserError, match=r"tracker\.focal=.*tracker\.crop=.*side > 0") as caught:
            imported(Emoca(str(tmp_path), focal, crop), observation, model)
        assert not isinstance(caught.value, InputError)
    with pytest.raises(UserError, match=r"tracker\.depth=near: expected a distance in metres or 'scale'"):
        Emoca(str(tmp_path), FOCAL, depth="near").build()


def test_a_file_may_state_the_camera_and_the_scale_that_was_not_saved(tmp_path, model, truth, origin, observation):
    folder = write_emoca(tmp_path / "talk", truth, with_boxes=False)
    crops, cams = {}, {}
    for frame in range(SOURCE):
        _, cam, centre, size = codes_of(truth, frame)
        name = f"{frame + 1:06d}_000"
        crops[name] = [*(centre - size / 2 + 0.5), size * 224 / 223]
        cams[name] = list(cam)
        (folder / name / "cam.npy").unlink()
    stated = {"focal": FOCAL, "depth": 1.3, "crop": crops}
    (tmp_path / "talk" / "camera.json").write_text(json.dumps(stated))
    with pytest.raises(InputError, match=r"has no cam\.npy; save vals\['cam'\] .* or write .* camera\.json"):
        imported(Emoca(str(tmp_path)), observation, model)
    short = {name: cam[:2] for name, cam in cams.items()}
    (tmp_path / "talk" / "camera.json").write_text(json.dumps(stated | {"cam": short}))
    with pytest.raises(InputError, match=r"has 2 numbers in camera\.json, expected 3"):
        imported(Emoca(str(tmp_path)), observation, model)
    (tmp_path / "talk" / "camera.json").write_text(json.dumps(stated | {"cam": cams}))
    c = imported(Emoca(str(tmp_path)), observation, model).coefficients
    assert radians_between(c.head_to_world, truth.head[origin.frames]).max() < 1e-4
    middles = c.head_to_world[:, :3, :3] @ truth.middle + c.head_to_world[:, :3, 3]
    assert np.median(middles[:, 2]) == pytest.approx(1.3, abs=1e-4)


def test_a_depth_that_the_scale_contradicts_is_refused(tmp_path, model, truth, observation):
    write_emoca(tmp_path / "talk", truth)
    with pytest.raises(InputError, match=r"puts the head at 1\.3. m .*not at the stated depth of 4 m"):
        imported(Emoca(str(tmp_path), FOCAL, depth="4"), observation, model)


def test_of_two_faces_the_one_in_the_clip_is_taken(tmp_path, model, truth, origin, observation):
    folder = write_emoca(tmp_path / "talk", truth, with_boxes=False)
    names, centres, sizes = [], [], []
    for frame in range(SOURCE):
        _, _, centre, size = codes_of(truth, frame)
        own, other = f"{frame + 1:06d}_001", f"{frame + 1:06d}_000"
        (folder / other).rename(folder / own)
        (folder / other).mkdir()
        for key in ("exp", "shape", "pose", "cam"):
            np.save(folder / other / f"{key}.npy", np.full_like(np.load(folder / own / f"{key}.npy"), 9.0))
        names.append([Path(f"{other}.png"), Path(f"{own}.png")])
        centres.append([centre + np.array([700, 0]), centre])
        sizes.append([size, size])
    (tmp_path / "talk" / "detections").mkdir()
    with (tmp_path / "talk" / "detections" / "bboxes.pkl").open("wb") as file:
        for part in (names, centres, sizes):
            pickle.dump(part, file)
    c = imported(Emoca(str(tmp_path), FOCAL, depth="scale"), observation, model).coefficients
    assert radians_between(c.head_to_world, truth.head[origin.frames]).max() < 1e-4


def test_a_head_model_that_is_not_flame_or_is_narrower_is_refused(tmp_path, model, truth, observation):
    folder = write_emoca(tmp_path / "talk", truth)
    component = Emoca(str(tmp_path), FOCAL, depth="scale")
    with pytest.raises(UserError, match="set head_model=flame"):
        imported(component, observation, MakeHuman().build())
    wide = model.n_expression + 11
    for face in folder.iterdir():
        np.save(face / "exp.npy", np.zeros(wide, np.float32))
    with pytest.raises(InputError, match=f"has {wide} numbers, .*takes {model.n_expression}: set head_model.n_expr"):
        imported(component, observation, model)
    np.save(folder / "000005_000" / "exp.npy", np.zeros(3, np.float32))
    with pytest.raises(InputError, match=r"000005_000/exp\.npy has 3 numbers, .* models are mixed"):
        imported(component, observation, model)


def write_video(path, n_frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width = stream.height = 32
        for _ in range(n_frames):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_a_count_of_frames_that_cannot_be_this_videos_is_refused(tmp_path, model, truth, observation):
    component = Emoca(str(tmp_path), FOCAL, depth="scale")
    write_emoca(tmp_path / "talk", truth, range(50))
    with pytest.raises(InputError, match=r"ends at frame 50, clip 'talk' shows a face up to frame 72 of talk\.mp4"):
        imported(component, observation, model)
    write_video(tmp_path / "talk.mp4", 40)
    with pytest.raises(InputError, match=r"holds frames up to 50, talk\.mp4 has 40"):
        imported(component, observation, model)


def test_crops_elsewhere_than_the_face_are_another_videos(tmp_path, model, truth, observation):
    write_emoca(tmp_path / "talk", truth)
    elsewhere = replace(observation, landmarks=observation.landmarks + 300)
    with pytest.raises(InputError, match=r"a crop on the face in only 0 of the 60 frames of clip 'talk'"):
        imported(Emoca(str(tmp_path), FOCAL, depth="scale"), elsewhere, model)


def test_what_is_not_there_is_named(tmp_path, model, truth, observation):
    with pytest.raises(UserError, match=r"set tracker\.path"):
        imported(Emoca(), observation, model)
    with pytest.raises(UserError, match="there is no such folder"):
        imported(Emoca(str(tmp_path / "nowhere")), observation, model)
    with pytest.raises(InputError, match=r"no EMOCA output for clip 'talk': expected folders 000001_000"):
        imported(Emoca(str(tmp_path)), observation, model)
    with pytest.raises(UserError, match="was not cut from one"):
        imported(Emoca(str(tmp_path)), replace(observation, origin=None), model)
    folder = write_emoca(tmp_path / "talk", truth)
    component = Emoca(str(tmp_path), FOCAL, depth="scale")
    (folder / "000001_000" / "exp.npy").unlink()
    with pytest.raises(InputError, match=r"000001_000 has no exp\.npy; run EMOCA with --save_codes true"):
        imported(component, observation, model)
    (tmp_path / "talk" / "results" / "DECA" / "000001_000").mkdir(parents=True)
    with pytest.raises(InputError, match=r"several models .*DECA.*EMOCA_v2"):
        imported(component, observation, model)


class Harmful:
    def __reduce__(self):
        return (open, ("owned", "w"))


def test_a_boxes_file_made_to_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bboxes.pkl").write_bytes(pickle.dumps([Harmful()]))
    with pytest.raises(InputError, match=r"refused to load .*bboxes\.pkl: asks for .*open"):
        read_boxes(tmp_path / "bboxes.pkl")
    assert not (tmp_path / "owned").exists()
