"""One video -> clips: the demo's speakers filmed, written in awkward forms, prepared, and compared with the truth.

Everything about the pictures is known: where the 68 landmarks and the regions are, and what is said when.
"""

import json
import wave
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.signal import correlate, resample_poly

from erlnet.assets import asset_present
from erlnet.data.clip import open_clip
from erlnet.data.components import Folder, Landmarks
from erlnet.data.demo.actor import act, cast
from erlnet.data.demo.filming import build_scene
from erlnet.data.demo.scene import SUPERSAMPLE
from erlnet.data.demo.speech import perform
from erlnet.data.demo.truth import region_map
from erlnet.data.items import Box, Item
from erlnet.data.records import Making, settings_of
from erlnet.errors import InputError
from erlnet.head.components import MakeHuman
from erlnet.interfaces import REGIONS, Tracked

pytest.importorskip("mediapipe", reason="extra `track` is not installed")

from erlnet.data.prepare import open_tools, prepare_item
from erlnet.data.regions import WORK
from erlnet.data.shelf import Shelf
from erlnet.data.silhouette import silhouettes
from erlnet.data.watch import Outlines

MODELS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "models"
FILMED = 256  # px
RATE = 30  # pictures a second
SIZE = 128  # px of the clips
SOUND = 16_000
LEVELS = 4 / 32768  # that rounding to 16 bits on the way in and out may change


# --- the footage


@dataclass(frozen=True)
class Take:
    """A speaker filmed at RATE pictures a second; picture t stands for time (t + 0.5) / RATE."""

    pictures: np.ndarray  # (T,FILMED,FILMED,3) uint8
    landmarks: np.ndarray  # (T,68,2) px
    regions: np.ndarray  # (T,FILMED,FILMED) uint8
    sound: np.ndarray  # (N,) 16 kHz
    vertices: np.ndarray  # (T,V,2) px, the head model's

    def __len__(self):
        return len(self.pictures)


def film(head, speaker, n_frames):
    actor = cast(head, seed=0, speaker=speaker, size=FILMED)
    scene, bits = build_scene(actor.stage)
    performance = perform(5, speaker, "happy", n_frames * 25 // RATE, head.expression_names, actor.pivot)
    take = act(head, actor, performance)

    def at_rate(values):
        """Rows at 25 a second -> rows at RATE a second."""
        time = ((np.arange(n_frames) + 0.5) * 25 / RATE - 0.5).clip(0, len(values) - 1)
        low = np.floor(time).astype(int).clip(0, len(values) - 2)
        share = (time - low).reshape(-1, *[1] * (values.ndim - 1))
        return ((1 - share) * values[low] + share * values[low + 1]).astype(np.float32)

    points, flush, landmarks = at_rate(take.points), at_rate(take.flush), at_rate(take.landmarks)
    seen = [scene.render(p, float(f)) for p, f in zip(points, flush)]
    regions = [region_map(s.seen, bits, marks[48:60], SUPERSAMPLE) for s, marks in zip(seen, landmarks)]
    vertices = actor.stage.camera.fx * points[..., :2] / points[..., 2:] + FILMED / 2
    return Take(np.stack([s.image for s in seen]), landmarks, np.stack(regions), performance.audio, vertices)


@pytest.fixture(scope="module")
def head():
    return MakeHuman().build()


@pytest.fixture(scope="module")
def take(head):
    """Two seconds of one speaker."""
    return film(head, 0, 60)


@pytest.fixture(scope="module")
def other(head):
    """A second of another speaker."""
    return film(head, 1, 30)


def canvas(picture, size, at=(0, 0), scale=1.0):
    """A (height, width) picture of a dull wall with `picture`, scaled, at (left, top)."""
    whole = np.full((*size, 3), 96, np.uint8)
    whole[:, ::2] = 92  # neither wall nor clothes are quite even
    return paste(whole, picture, at, scale)


def paste(whole, picture, at, scale=1.0, seen=None):
    """`picture`, scaled, at (left, top) in `whole`; only where `seen` (H,W) bool, if given."""
    side = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    (left, top), whole = at, whole.copy()
    room = whole[top : top + side[1], left : left + side[0]]
    part = np.asarray(Image.fromarray(picture).resize(side, Image.Resampling.BICUBIC)) if scale != 1 else picture
    where = np.ones(side[::-1], bool) if seen is None else np.asarray(Image.fromarray(seen).resize(side))
    where = where[: room.shape[0], : room.shape[1]]
    room[where] = part[: room.shape[0], : room.shape[1]][where]
    return whole


def person_of(take, index):
    return ~bit(take.regions[index], "background")


def at_25(n, times=None):
    """(n,) the picture of the footage that is on show at the middle of each 25 fps frame; `times` s of each one."""
    times = np.arange(10_000) / RATE if times is None else np.asarray(times)
    return np.searchsorted(times, (np.arange(n) + 0.5) / 25, side="right") - 1


# --- preparing


@dataclass
class Notes:
    """A Progress that keeps what it is told."""

    texts: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def update(self, step, total, loss=None):
        self.steps.append(step)

    def note(self, text):
        self.texts.append(text)


@pytest.fixture(scope="module")
def tools():
    """Without the matte, so that it does not matter whether that asset is there."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the command's workers
    with pytest.MonkeyPatch.context() as patch:
        if not asset_present("landmarks") and MODELS.exists():
            patch.setenv("ERLNET_ASSETS", str(MODELS))
        if not asset_present("landmarks"):
            pytest.skip("the asset `landmarks` is not there: python -m erlnet assets fetch landmarks")
        with open_tools(Making("folder", Folder(size=SIZE, matte="never"), Landmarks(), MakeHuman())) as made:
            yield made
    torch.set_num_threads(threads)


def prepare_into(folder, what, tools, notes=None, **options):
    """A video, or an Item, prepared into `folder`: (clips, what was left out)."""
    item = what if isinstance(what, Item) else item_of(what)
    making = replace(tools.making, options=replace(tools.making.options, **options))
    folder.mkdir(exist_ok=True)
    shelf = Shelf(folder, folder / "scratch", item.name, settings_of(item, making))
    prepared = prepare_item(item, shelf, replace(tools, making=making), notes or Notes())
    return [open_clip(folder / name) for name in prepared.clips], prepared.left_out


@pytest.fixture
def prepare(tools, tmp_path, monkeypatch):
    """Regions are looked at with `plain`; elsewhere three key frames do, which are most of the time."""
    monkeypatch.setattr("erlnet.data.watch.KEY_FRAMES", 3)
    return lambda what, notes=None, **options: prepare_into(tmp_path / "out", what, tools, notes, **options)


def write_video(made_video, path, pictures, **how):
    """Nearly without loss, silent unless `how` says otherwise."""
    how = {"fps": RATE, "sample_rate": None, "options": {"crf": "3"}} | how
    made = made_video(n_frames=len(pictures), size=pictures[0].shape[:2], paint=lambda i: pictures[i], **how)
    return made.write(path)


@pytest.fixture
def video(made_video, tmp_path):
    return lambda name, pictures, **how: write_video(made_video, tmp_path / name, pictures, **how)


def item_of(path, **what):
    return Item(path.stem, path, "someone", "", path.stem, **what)


def report(clip):
    return json.loads((clip.folder / "clip.json").read_text())["tracking"]


# --- comparing


def placed(clip, truth):
    """(px of the clip per px of the truth, its left, its top, mean error px of each frame).

    A clip is one square of its source, so one scale and one place must fit all of its frames.
    """
    found = clip.landmarks
    known = np.isfinite(found).all((1, 2))
    a, b = truth[known].reshape(-1, 2), found[known].reshape(-1, 2)
    centred_a, centred_b = a - a.mean(0), b - b.mean(0)
    scale = (centred_a * centred_b).sum() / (centred_a**2).sum()
    move = b.mean(0) - scale * a.mean(0)
    errors = np.full(len(found), np.nan)
    errors[known] = np.linalg.norm(found[known] - scale * truth[known] - move, axis=-1).mean(1) / scale
    return scale, -move[0] / scale, -move[1] / scale, errors


def opening(landmarks):
    gap = np.linalg.norm(landmarks[:, 61:64].mean(1) - landmarks[:, 65:68].mean(1), axis=1)
    return gap / np.linalg.norm(landmarks[:, 36:42].mean(1) - landmarks[:, 42:48].mean(1), axis=1)


def mouth_lag(clip, take, frames):
    """Frames of the clip by which its mouth is later than the truth, to a tenth, over `frames` of the clip."""
    time = (np.arange(len(take)) + 0.5) / RATE
    true, found = opening(take.landmarks), opening(clip.landmarks[frames])
    lags = np.arange(-40, 41) / 10
    middle = (np.arange(len(clip))[frames] + 0.5) / 25
    return lags[np.argmax([np.corrcoef(found, np.interp(middle - lag / 25, time, true))[0, 1] for lag in lags])]


def sound_lag(samples, truth):
    """(s by which `samples` is later than `truth`, both 16 kHz; how well they agree then)."""
    both = correlate(samples, truth)
    later = int(both.argmax()) - (len(truth) - 1)
    return later / SOUND, both.max() / np.sqrt((samples**2).sum() * (truth**2).sum())


def sound_at(rate, samples):
    return resample_poly(samples, rate // 100, SOUND // 100).astype(np.float32)


def iou(found, truth):
    return (found & truth).sum((1, 2)) / (found | truth).sum((1, 2))


def bit(maps, name):
    return (maps >> REGIONS.index(name) & 1).astype(bool)


# --- a plain video


@pytest.fixture(scope="module")
def plain(tools, take, made_video, tmp_path_factory):
    """The clip of a video of 25 pictures a second, of the clip's own size, with uncompressed sound at 16 kHz."""
    folder = tmp_path_factory.mktemp("plain")
    pictures, sound = take.pictures[:25], take.sound[: 25 * 640]
    path = write_video(made_video, folder / "plain.mkv", pictures, fps=25, sample_rate=SOUND, samples=sound)
    (clip,), _ = prepare_into(folder / "out", path, tools, size=FILMED)
    return clip


def test_a_plain_video_keeps_its_frames_and_its_landmarks_are_where_the_face_is(plain, take):
    assert plain.size == (FILMED, FILMED)
    assert len(plain) == len(plain.coefficients) == 25
    assert np.abs(plain.frames().transpose(0, 2, 3, 1).astype(int) - take.pictures[:25]).mean() < 3
    errors = np.linalg.norm(plain.landmarks - take.landmarks[:25], axis=-1)
    assert errors.mean() < 2.2
    assert errors.mean(1).max() < 3
    assert plain.coefficients.valid.all()
    assert np.corrcoef(opening(plain.landmarks), opening(take.landmarks[:25]))[0, 1] > 0.9


def test_a_plain_videos_sound_is_what_was_put_in_sample_by_sample(plain, take):
    assert len(plain.audio) == 25 * 640
    assert np.abs(plain.audio - take.sound[: 25 * 640]).max() <= LEVELS


def test_regions_cover_what_is_seen_there(plain, take):
    found, truth = plain.regions(), take.regions[:25]
    assert iou(bit(found, "face"), bit(truth, "face")).min() > 0.8
    assert iou(bit(found, "background"), bit(truth, "background")).min() > 0.87
    assert iou(bit(found, "background"), bit(truth, "background")).mean() > 0.9
    assert iou(bit(found, "head"), bit(truth, "head")).min() > 0.85
    # A real clip's neck is the band from jaw to collar, the demo's is bare skin: the one holds the other.
    skin = bit(truth, "neck")
    assert ((bit(found, "neck") & skin).sum((1, 2)) / skin.sum((1, 2))).min() > 0.9
    assert (bit(found, "torso") | bit(found, "unknown"))[bit(truth, "torso")].mean() > 0.95
    assert not (bit(found, "background") & (bit(found, "head") | bit(found, "torso"))).any()


def test_the_tracked_heads_neck_is_where_the_true_ones_is(plain, take, tools):
    """Both projected: what is measured is the fit, not who calls what a neck."""
    tracked = Tracked(plain.coefficients, plain.camera.fx, {})
    found = Outlines(tools.model, tools.parts, tracked, plain.landmarks, FILMED)
    for i in range(0, 25, 4):
        scale = WORK / FILMED
        true = silhouettes(take.vertices[i] * scale, tools.parts, take.landmarks[i] * scale, WORK)
        for a, b in ((found.at(i).neck, true.neck), (found.at(i).head, true.head)):
            assert (a & b).sum() / (a | b).sum() >= 0.8


def test_with_the_matte_background_and_head_are_closer_still(tools, take, made_video, tmp_path):
    if not asset_present("matte"):
        pytest.skip("the asset `matte` is not there: python -m erlnet assets fetch matte")
    from erlnet.data.matte import PersonMatte

    path = write_video(made_video, tmp_path / "a.mkv", take.pictures[:12], fps=25)
    with PersonMatte() as matte:
        (clip,), _ = prepare_into(tmp_path / "out", path, replace(tools, matte=matte), size=FILMED)
    assert report(clip)["has_matte"] == 1
    for name, least in (("background", 0.95), ("head", 0.92), ("face", 0.8)):
        assert iou(bit(clip.regions(), name), bit(take.regions[:12], name)).min() > least, name


def test_what_was_found_is_kept_beside_the_clip(plain):
    figures = report(plain)
    assert figures["frames_without_face"] == figures["frames_masked"] == figures["frames_with_second_face"] == 0
    assert figures["has_sound"] == 1
    assert figures["has_matte"] == 0
    assert 0 < figures["reprojection_px"] < 1
    assert Image.open(plain.folder / "contact_sheet.png").size[0] >= FILMED


# --- time


def test_30_fps_that_start_late_are_in_step_at_both_ends(video, prepare, take):
    """The picture starts at .08 s, the sound at 0: what is heard before the first picture is cut off."""
    before = 0.3 * np.random.default_rng(0).standard_normal(round(0.08 * 48_000)).astype(np.float32)
    sound = np.concatenate([before, sound_at(48_000, take.sound)])
    path = video("late.mp4", take.pictures, video_start=0.08, sample_rate=48_000, samples=sound)
    (clip,), _ = prepare(path)
    assert len(clip) == 50
    assert clip.offset == 0
    _, _, _, errors = placed(clip, take.landmarks[at_25(50)])
    assert errors.max() < 3
    for frames in (slice(0, 25), slice(25, 50)):
        assert abs(mouth_lag(clip, take, frames)) <= 0.5
        samples = slice(frames.start * 640, frames.stop * 640)
        lag, agreement = sound_lag(clip.audio[samples], take.sound[samples])
        assert abs(lag) < 0.002
        assert agreement > 0.9


def test_a_stretch_far_into_a_video_has_its_own_frames_and_sound(video, prepare, take):
    """Reached by a seek, from key frames that lie elsewhere."""
    order = np.arange(150) % 60
    sound = np.tile(take.sound, 3)[: 5 * SOUND]
    options = {"crf": "3", "g": "50", "bf": "2"}
    path = video("long.mkv", take.pictures[order], sample_rate=SOUND, samples=sound, video_start=0.2, audio_start=0.2,
                 options=options)  # fmt: skip
    (clip,), _ = prepare(item_of(path, start=3.6, stop=4.2))
    assert len(clip) == 15
    assert clip.offset == 90
    _, _, _, errors = placed(clip, take.landmarks[order[at_25(105)[90:]]])
    assert errors.max() < 3
    assert np.abs(clip.audio - sound[90 * 640 : 105 * 640]).max() <= LEVELS


# --- forms


@dataclass(frozen=True)
class Form:
    """One way to write the footage, and what must come out."""

    suffix: str
    paint: object  # picture -> the stored one
    how: dict
    side: int  # px of the upright source's pictures that the clip shows
    stretch: tuple[float, float] = (1.0, 1.0)  # the source's px, upright and square, over the footage's
    times: tuple | None = None  # s of each picture
    rate: int | None = None  # of the sound

    def write(self, video, take, n):
        sound = {} if self.rate is None else {"sample_rate": self.rate, "samples": sound_at(self.rate, take.sound)}
        pictures = [self.paint(picture) for picture in take.pictures[:n]]
        return video("form" + self.suffix, pictures, times=self.times, **sound, **self.how)


def squeezed(picture):
    return np.asarray(Image.fromarray(picture).resize((192, 256), Image.Resampling.BICUBIC))


FORMS = {
    # At 50, then 15 pictures a second: .4 s and .4 s.
    "variable rate, 96 kHz stereo": Form(
        ".mkv", lambda p: p, {"stereo": True}, 256, rate=96_000,
        times=(*(i / 50 for i in range(20)), *(0.4 + i / 15 for i in range(6))),
    ),
    "odd size, 44.1 kHz stereo": Form(
        ".mkv", lambda p: canvas(p, (255, 301), (45, 0)), {"stereo": True, "pix_fmt": "yuv444p"}, 255, rate=44_100
    ),
    "pixels of 4:3, 8 kHz": Form(".mkv", squeezed, {"aspect": (4, 3)}, 256, rate=8_000),
    "rotated": Form(".mp4", lambda p: np.rot90(canvas(p, (320, 256), (0, 40))), {"clockwise": True}, 256, rate=48_000),
    "tall and narrow, mute": Form(".mp4", lambda p: canvas(p, (400, 224), (-0, 60), 0.875), {}, 224, (0.875, 0.875)),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_whatever_its_form_the_clip_shows_and_sounds_the_same(video, prepare, take, form):
    n = 26 if form.times else 18
    path = form.write(video, take, n)
    (clip,), _ = prepare(path)
    shown = at_25(len(clip), form.times)
    assert len(clip) == (20 if form.times else 15)
    assert clip.size == (SIZE, SIZE)
    scale, _, _, errors = placed(clip, take.landmarks[shown])
    assert errors.max() < 3
    assert scale == pytest.approx(SIZE / form.side * form.stretch[0], rel=0.02)
    if form.rate:
        lag, agreement = sound_lag(clip.audio, take.sound[: len(clip.audio)])
        assert abs(lag) < 0.002
        assert agreement > 0.9
        assert np.abs(clip.audio).max() <= 1


def test_without_sound_there_is_silence_and_a_note(video, prepare, take):
    notes = Notes()
    (clip,), _ = prepare(video("mute.mp4", take.pictures[:15]), notes)
    assert not clip.audio.any()
    assert len(clip.audio) == len(clip) * 640
    assert report(clip)["has_sound"] == 0
    assert notes.texts == ["mute: has no sound; silence is kept in its place"]
    assert notes.steps == sorted(notes.steps)
    assert notes.steps[-1] == 1000


def test_an_items_own_sound_stretch_and_box_are_taken(video, prepare, take, tmp_path):
    path = video("silent.mkv", take.pictures[:36], video_start=0.2)
    with wave.open(str(tmp_path / "voice.wav"), "wb") as file:  # on the video's clock: from .2 s before its picture
        file.setparams((1, 2, SOUND, 0, "NONE", ""))
        file.writeframes(b"\0\0" * 3200 + (take.sound * 32767).round().astype("<i2").tobytes())
    box = Box(left=60, top=40, width=320, height=320, of_height=512)  # of a picture twice as large
    (clip,), _ = prepare(item_of(path, sound=tmp_path / "voice.wav", start=0.4, stop=1.0, box=box))
    assert len(clip) == 15
    assert clip.offset == 10
    truth = (take.landmarks[at_25(25)[10:]] - [30, 20]) * (SIZE / 160)
    assert np.linalg.norm(clip.landmarks - truth, axis=-1).mean() < 2.2
    assert np.abs(clip.audio - take.sound[10 * 640 : 25 * 640]).max() <= LEVELS


def test_a_stretch_past_the_end_is_refused_and_one_that_reaches_past_it_is_noted(video, prepare, take):
    path, notes = video("brief.mkv", take.pictures[:25], fps=25, sample_rate=SOUND, samples=take.sound[:SOUND]), Notes()
    for start in (1.0, 7.0):
        with pytest.raises(InputError, match=rf"brief\.mkv: it ends before {start} s, where the wanted stretch begins"):
            prepare(item_of(path, start=start, stop=start + 1))
    (clip,), _ = prepare(item_of(path, start=0.4, stop=1.4), notes)
    assert len(clip) == 15
    assert notes.texts == ["brief: the video ends 0.4 s before the stretch that was asked for"]


# --- several faces, several shots


@pytest.fixture(scope="module")
def pair(take, other, made_video, tmp_path_factory):
    """The speaker, and someone else beside who is smaller, but comes closer for a moment."""
    scales = [*[0.75] * 6, 0.85, 0.95, 1.05, 1.2, 1.2, 1.2, 1.05, 0.95, 0.85, *[0.75] * 9]

    def both(i):
        whole = canvas(take.pictures[i], (320, 640), (20, 64))
        side = round(FILMED * scales[i])
        return paste(whole, other.pictures[i], (440 - side // 2, 320 - side), scales[i], person_of(other, i))

    return write_video(made_video, tmp_path_factory.mktemp("pair") / "pair.mkv", [both(i) for i in range(24)])


def test_of_two_faces_the_speakers_is_taken_throughout(pair, prepare, take):
    (clip,), _ = prepare(pair)
    _, _, _, errors = placed(clip, take.landmarks[at_25(20)])
    assert errors.max() < 3.5
    assert report(clip)["frames_with_second_face"] == 20
    assert clip.coefficients.valid.all()


def test_where_the_data_set_gives_a_box_the_face_in_it_is_taken_though_another_is_larger(pair, prepare, other):
    box = Box(left=340, top=120, width=200, height=200, of_height=320)
    (clip,), _ = prepare(item_of(pair, start=0.0, stop=0.4, box=box), faces="refuse")
    # At first the other one's picture has three quarters of its size and begins at (344, 128).
    truth = (other.landmarks[at_25(5)] * 0.75 + [344, 128] - [340, 120]) * (SIZE / 200)
    assert np.linalg.norm(clip.landmarks[:5] - truth, axis=-1).mean() < 2.5
    assert report(clip)["frames_with_second_face"] == 0


def test_two_faces_are_refused_where_that_is_asked_for(pair, prepare):
    with pytest.raises(InputError, match=r"pair\.mkv: 20 of its 20 frames show a second face; dataset\.faces=largest"):
        prepare(pair, faces="refuse")


def test_one_face_passes_where_two_would_be_refused(video, prepare, take):
    assert prepare(video("alone.mp4", take.pictures[:15]), faces="refuse")[0]


@pytest.fixture(scope="module")
def three_shots(take, other, made_video, tmp_path_factory):
    """26 pictures of one, 25 of another, and 10 of the first again, at 25 fps."""
    pictures = [*take.pictures[:26], *other.pictures[:25], *take.pictures[40:50]]
    sound = np.tile(take.sound, 2)[: 61 * 640]
    folder = tmp_path_factory.mktemp("shots")
    return write_video(made_video, folder / "talk.mkv", pictures, fps=25, sample_rate=SOUND, samples=sound), sound


def test_each_shot_is_a_clip_and_one_that_is_too_short_is_named(three_shots, prepare, take, other):
    path, sound = three_shots
    (first, second), left_out = prepare(path)
    assert (first.name, second.name) == ("talk.shot00", "talk.shot01")
    assert (len(first), len(second)) == (26, 25)
    assert (first.offset, second.offset) == (0, 26)
    assert first.labels.source == second.labels.source == "talk"
    assert left_out == ["shot 2 (2.0 to 2.4 s): is only 0.4 s long"]
    assert placed(first, take.landmarks[:26])[3].max() < 3
    assert placed(second, other.landmarks[:25])[3].max() < 3
    assert np.abs(first.audio - sound[: 26 * 640]).max() <= LEVELS
    assert np.abs(second.audio - sound[26 * 640 : 51 * 640]).max() <= LEVELS


def test_cuts_are_refused_where_that_is_asked_for(three_shots, prepare):
    with pytest.raises(InputError, match=r"talk\.mkv: 2 hard cuts \(at 1\.0 s, 2\.0 s\); dataset\.cuts=split"):
        prepare(three_shots[0], cuts="refuse")


# --- faces that are lost, or far


def without_face(take, index):
    """The picture with skin where the face was: too little changes to be a cut, and no face is left."""
    picture = take.pictures[index].copy()
    face = bit(take.regions[index], "face")
    picture[face] = np.median(picture[face], axis=0)
    return picture


def test_a_face_is_interpolated_over_four_frames_and_masked_over_nine(video, prepare, take):
    lost = [*range(5, 9), *range(14, 23)]
    pictures = [without_face(take, i) if i in lost else take.pictures[i] for i in range(30)]
    (clip,), _ = prepare(video("lost.mkv", pictures, fps=25))
    known = np.isfinite(clip.landmarks).all((1, 2))
    assert np.flatnonzero(~clip.coefficients.valid).tolist() == np.flatnonzero(~known).tolist() == lost[4:]
    figures = report(clip)
    assert (figures["frames_without_face"], figures["frames_interpolated"], figures["frames_masked"]) == (13, 4, 9)
    errors = placed(clip, take.landmarks[:30])[3]
    assert errors[known].max() < 4
    assert len(clip) == 30  # what is masked stays in the clip: sound and time go on
    assert all(np.isfinite(array).all() for array in (clip.coefficients.expression, clip.coefficients.head_to_world))


def test_a_face_in_too_few_frames_is_refused_with_the_numbers(video, prepare, take):
    pictures = [take.pictures[i] if i < 5 else without_face(take, i) for i in range(30)]
    with pytest.raises(InputError, match=r"rare\.mkv: a face was found in only 5 of its 30 frames; at least a fifth"):
        prepare(video("rare.mkv", pictures, fps=25))


def test_a_video_without_any_face_is_refused(video, prepare, take):
    pictures = [without_face(take, i) for i in range(10)]
    with pytest.raises(InputError, match=r"nobody\.mkv: no face was found in any of its 10 frames"):
        prepare(video("nobody.mkv", pictures, fps=25))


def test_a_small_face_in_a_large_picture_is_found(video, prepare, take):
    pictures = [canvas(picture, (720, 1280), (900, 300), 0.73) for picture in take.pictures[:12]]
    assert 75 < 0.73 * np.ptp(take.landmarks[0], axis=0).max() < 85  # px, the face
    (clip,), _ = prepare(video("far.mp4", pictures, fps=25))
    _, _, _, errors = placed(clip, take.landmarks[:12])
    assert errors.max() < 3.5
    assert report(clip)["frames_without_face"] == 0


# --- files that are none


def whole_and(path, share):
    """The first `share` of a file's bytes, beside it."""
    data = path.read_bytes()
    cut = path.with_name("cut" + path.suffix)
    cut.write_bytes(data[: round(len(data) * share)])
    return cut


def no_pictures(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        container.mux(stream.encode(None))
        sound = container.add_stream("pcm_s16le", rate=SOUND) if path.suffix == ".mkv" else None
        assert sound is None
    return path


def broken(kind, video, pictures, folder):
    path = folder / f"{kind}.mp4"
    if kind == "text":
        path.write_text("It is no video.\nReally.\n")
    elif kind == "empty":
        path.touch()
    elif kind == "cut.mkv":
        path = whole_and(video("whole.mkv", pictures), 0.6)
    elif kind == "cut.mp4":
        path = whole_and(video("whole.mp4", pictures), 0.6)
    elif kind == "no pictures":
        no_pictures(path)
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("text", "cannot be read as a video"), ("empty", "the file is empty"), ("absent", "there is no such file"),
        ("cut.mkv", "truncated"), ("cut.mp4", "cannot be read as a video"), ("no pictures", ""),
    ],
)  # fmt: skip
def test_what_is_no_whole_video_is_refused_in_one_line_that_names_it(video, prepare, take, tmp_path, kind, reason):
    path = broken(kind, video, take.pictures, tmp_path)
    with pytest.raises(InputError) as caught:
        prepare(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert "\n" not in message
    assert list((tmp_path / "out").iterdir()) == []
