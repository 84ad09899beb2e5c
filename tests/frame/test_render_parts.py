"""The pieces of a render, each against a hand calculation."""

from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from PIL import Image
from render_toys import CAMERA, still

from erlnet.errors import UserError
from erlnet.interfaces import FeatureMaps
from erlnet.runs.animation_head import BACKGROUND
from erlnet.runs.mp4 import write_mp4
from erlnet.runs.render_beside import fit, keep_frames, parse_beside, side_by_side
from erlnet.runs.render_maps import DepthRange, depth_picture, maps_of, opacity_picture, viridis
from erlnet.runs.render_neck import crop, square_round
from erlnet.runs.render_pictures import marked, rendered
from erlnet.runs.render_sheet import Moment, moments, sheet
from erlnet.runs.render_show import Show


def show_of(n, width=3):
    return Show("shown", torch.arange(n).float()[:, None].expand(n, width), still(n), None, None)


class Renderer:
    """Every picture is as bright as its signal; remembers what it was asked for."""

    def __init__(self, batch=4, joint=False):
        self.settings, self.joint, self.asked = SimpleNamespace(render_batch=batch), joint, []

    def frames(self, signal, head_to_world, root):
        self.asked.append(signal[:, 0].tolist())
        assert len(signal) == len(head_to_world) == len(root)
        return signal[:, :1, None, None].expand(-1, 3, 64, 64).to(torch.uint8)


def test_pictures_are_rendered_a_few_at_a_time_when_they_are_asked_for():
    model = Renderer(batch=4)
    pictures = rendered(model, show_of(10))
    assert model.asked == []
    first = [next(pictures) for _ in range(4)]
    assert model.asked == [[0, 1, 2, 3]]
    assert [int(p[0, 0, 0]) for p in first] == [0, 1, 2, 3]
    assert [int(p[0, 0, 0]) for p in pictures] == [4, 5, 6, 7, 8, 9]
    assert model.asked[-1] == [8, 9]


def test_the_mark_can_be_read_after_encoding_at_256_px(tmp_path):
    rng = np.random.default_rng(0)
    noise = np.repeat(np.repeat(rng.integers(0, 255, (8, 32, 32, 3), np.uint8), 8, 1), 8, 2)
    write_mp4(tmp_path / "film.mp4", marked(noise), None, "a comment")
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert not film.streams.audio
        seen = [frame.to_ndarray(format="gray")[-19:] for frame in film.decode(video=0)]
    word = next(marked(np.zeros((1, 256, 256, 3), np.uint8)))[-19:, :, 0]
    columns = np.flatnonzero(word.any(0))
    assert len(seen) == 8
    assert np.ptp(columns) > 64  # a quarter of the picture's width at least
    assert np.ptp(np.flatnonzero(word.any(1))) >= 9
    assert min(np.corrcoef(picture.ravel(), word.ravel())[0, 1] for picture in seen) > 0.8
    assert np.array_equal(next(marked(noise))[:-19], noise[0][:-19])  # the rest is as it was


@pytest.mark.parametrize("size", [(64, 64), (8, 20), (512, 300)])
def test_the_mark_fits_any_picture(size):
    picture = np.full((*size, 3), 255, np.uint8)
    (out,) = marked([picture])
    assert out.shape == picture.shape
    assert (picture == 255).all()  # what was given stays
    assert (out < 255).any()


def feature_maps(opacity, depth):
    one = torch.ones(1, 1, 1, 1)
    return FeatureMaps(one, opacity * one, opacity * depth * one)


@pytest.mark.parametrize(
    ("joint", "head", "torso", "wanted"),
    [
        (False, (1.0, 0.8), (1.0, 1.2), 0.8),  # the head hides the torso
        (False, (0.5, 0.8), (1.0, 1.2), 1.0),
        (False, (0.0, 0.0), (0.5, 1.2), 1.2),
        (True, (0.25, 0.8), (0.25, 1.2), 1.0),
        (False, (0.0, 0.0), (0.0, 0.0), 0.0),
    ],
)
def test_depth_is_that_of_what_is_seen(joint, head, torso, wanted):
    model = Renderer(joint=joint)
    model.render = lambda *_: SimpleNamespace(
        image=torch.zeros(1, 3, 4, 4), head=feature_maps(*head), static=feature_maps(*torso)
    )
    model.coverage = lambda h, s: h.opacity + s.opacity if joint else 1 - (1 - h.opacity) * (1 - s.opacity)
    maps = maps_of(model, show_of(1), slice(0, 1))
    np.testing.assert_allclose(maps.depth, np.full((1, 4, 4), wanted), atol=1e-5)
    np.testing.assert_allclose(maps.head, head[0])
    np.testing.assert_allclose(maps.torso, torso[0])


def test_colours_of_depth_grow_brighter_the_nearer_it_is():
    colours = viridis(np.linspace(0, 1, 256))
    light = ((colours / 255) ** 2.2) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > 0).all()
    steps = np.diff(np.cbrt(light))  # as the eye takes it
    assert steps.max() < 4 * np.median(steps)
    picture = depth_picture(np.array([[0.5, 1.0, 9.0]]), np.array([[1.0, 1.0, 0.0]]), DepthRange(0.5, 1.0))
    assert picture.tolist() == [[[253, 231, 37], [68, 1, 84], list(BACKGROUND)]]
    assert opacity_picture(np.array([[0, 0.5, 1.2]]))[0, :, 1].tolist() == [0, 128, 255]


def test_the_necks_square_by_hand():
    jaw = np.tile(np.array([[20.0, 30.0], [44.0, 30.0], [32.0, 40.0]]), (5, 1, 1))
    neck = np.tile(np.array([[10.0, 28.0], [50.0, 60.0]]), (5, 1, 1))
    jaw[0] += 15  # one frame alone does not move it
    left, top, right, bottom = square_round(jaw, neck, CAMERA)
    assert (right - left, bottom - top) == (36, 36)  # 30 rows and a tenth on each side
    assert (left, top) == (14, 27)
    left, top, right, bottom = square_round(jaw + 1000, neck + 1000, CAMERA)
    assert 0 <= left < right <= 64
    assert 0 <= top < bottom <= 64
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[10:20, 30:40] = 200
    assert (crop(picture, (30, 10, 40, 20)) == 200).all()
    assert crop(picture, (0, 0, 8, 8)).shape == (384, 384, 3)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("theirs", "expected NAME=PATH"),
        ("a=absent.mp4", "there is no such file or folder"),
        ("a=empty", "holds no pictures"),
        ("a=full,a=full", "'a' is taken"),
        ("truth=full", "'truth' is taken"),
        ("../up=full", "no plain name"),
        (",", "names nothing"),
    ],
)
def test_other_systems_are_named_or_refused(tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "full/0.png")
    with pytest.raises(UserError, match=r"^--beside") as error:
        parse_beside(words)
    assert says in str(error.value)


def test_their_frames_are_kept_as_they_are_and_must_be_of_one_size(tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    pictures = np.random.default_rng(0).integers(0, 255, (3, 6, 8, 3), np.uint8)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{i}.png")
    (other,) = parse_beside(f"theirs={folder}")
    kept = keep_frames(other, tmp_path / "kept", 2)
    assert len(kept) == 2
    assert np.array_equal(kept.frames(0, 2), pictures[:2].transpose(0, 3, 1, 2))
    Image.new("RGB", (4, 4)).save(folder / "1.png")
    with pytest.raises(UserError, match="frame 1 is 4x4 px, the first is 8x6"):
        keep_frames(other, tmp_path / "again", 2)
    (folder / "0.png").write_text("none")
    with pytest.raises(UserError, match="cannot be read as a picture"):
        keep_frames(other, tmp_path / "more", 2)


class Flat:
    """`n` frames of one colour, twice as wide as high."""

    def __init__(self, n, value):
        self.n, self.value = n, value

    def __len__(self):
        return self.n

    def frames(self, start, stop):
        return np.full((stop - start, 3, 16, 32), self.value, np.uint8)


def test_the_film_shows_the_same_moment_of_each_and_nothing_after_an_end():
    first, second = side_by_side({"truth": Flat(2, 100), "erlnet": Flat(1, 200)}, None, 2)
    middle, column = 34 + 192, (192, 576)
    assert [first[middle, x].tolist() for x in column] == [[100] * 3, [200] * 3]
    assert [second[middle, x].tolist() for x in column] == [[100] * 3, list(BACKGROUND)]
    assert first[34 + 10, 192].tolist() == list(BACKGROUND)  # bars above: scaled as a whole
    marked_film = next(side_by_side({"truth": Flat(2, 100), "erlnet": Flat(2, 200)}, None, 2, mark="erlnet"))
    foot = marked_film[34 + 384 - 29 : 34 + 384]
    assert not (foot[:, :384] > 150).any()  # the recording is not marked
    assert (foot[:, 384:] > 150).any()
    assert fit(np.full((10, 10, 3), 7, np.uint8), 20).shape == (20, 20, 3)


def test_the_sheet_has_a_row_for_each_moment():
    assert moments(60) == [5, 15, 25, 35, 45, 55]
    assert moments(1) == [0]
    rows = [Moment(i, {"a": np.full((8, 8, 3), 90, np.uint8), "b": np.full((8, 8, 3), 180, np.uint8)}) for i in (0, 5)]
    made = sheet(rows, "the foot")
    for row in (0, 1):
        assert made[30 + row * 228 + 100, 64 + 100].tolist() == [90] * 3
        assert made[30 + row * 228 + 100, 64 + 228 + 100].tolist() == [180] * 3
