"""`python -m erlnet render` on runs trained in seconds: what it writes."""

import csv
import json
import shutil

import av
import numpy as np
import pytest
import torch
from PIL import Image
from render_calls import TEST_CLIP, call, clip_folder, film, pictures, reported

from erlnet.__main__ import main
from erlnet.adf.generate import generate
from erlnet.data.clip import open_clip
from erlnet.data.video import read_audio
from erlnet.head.streams import unpack_pose
from erlnet.interfaces import REGIONS
from erlnet.runs.drive_stages import Generator, seed_of
from erlnet.runs.driving_sound import read_sound
from erlnet.runs.motion_stages import tensors_of
from erlnet.runs.render_person import open_person
from erlnet.runs.render_show import coefficients_show
from erlnet.runs.trained_run import MAPPER, RENDERER, find_run

pytestmark = pytest.mark.usefixtures("no_assets")


def test_tracked_coefficients_give_the_frames_of_the_report(renderers, tracked):
    assert np.array_equal(pictures(tracked / "frames"), reported(renderers["feature"], "tracked"))


def test_everything_of_the_second_experiment_is_there(tracked):
    n = len(pictures(tracked / "frames"))
    assert n >= 12  # six moments and more
    shapes = {"frames": 64, "neck": 384, "opacity_head": 64, "opacity_torso": 64, "depth": 64}
    for name, size in shapes.items():
        assert pictures(tracked / name).shape == (n, size, size, 3)
    told = json.loads((tracked / "render.json").read_text())
    assert (told["synthetic"], told["frames"]) == (True, n)
    assert 0.3 < told["depth"]["near_m"] < told["depth"]["far_m"] < 3
    left, top, right, bottom = told["neck_box"]
    square = Image.open(tracked / "frames/00003.png").crop((left, top, right, bottom))
    grown = np.asarray(square.resize((384, 384), Image.Resampling.BICUBIC))
    assert np.array_equal(grown, pictures(tracked / "neck")[3])
    assert Image.open(tracked / "sheet.png").size == (64 + 7 * 228, 30 + 6 * 228 + 26)
    beside = film(tracked / "side_by_side.mp4")
    assert beside.shape == (n, 384 + 34 + 96, 2 * 384, 3)
    assert film(tracked / "video.mp4").shape == (n, 64, 64, 3)
    assert sorted(path.name for path in tracked.parent.iterdir()) == ["tracked"]  # no scratch is left


def test_the_opacity_of_the_head_is_where_the_head_is(renderers, tracked):
    clip = open_clip(clip_folder(renderers["feature"]))
    face = clip.regions() & (1 << REGIONS.index("face")) != 0
    background = clip.regions() & (1 << REGIONS.index("background")) != 0
    head = pictures(tracked / "opacity_head")[..., 0] / 255
    assert head[face].mean() > head[background].mean() + 0.3


def test_scores_are_those_of_the_frames_by_hand(renderers, tracked):
    clip = open_clip(clip_folder(renderers["feature"]))
    truth, made = clip.frames().astype(float) / 255, pictures(tracked / "frames").transpose(0, 3, 1, 2) / 255
    error = ((truth - made) ** 2).mean(1)
    neck = clip.regions() & (1 << REGIONS.index("neck")) != 0
    by_hand = {"frame": -10 * np.log10(error.mean((1, 2)))}
    by_hand["neck"] = np.array([-10 * np.log10(error[t][neck[t]].mean()) for t in range(len(clip))])
    with open(tracked / "scores.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "psnr"]
    told = json.loads((tracked / "scores.json").read_text())
    for region, values in by_hand.items():
        found = [float(row["value"]) for row in rows if row["region"] == region]
        np.testing.assert_allclose(found, values, atol=1e-3)
        assert told["means"]["erlnet"]["psnr"][region] == pytest.approx(values.mean(), abs=1e-3)
    assert {row["row"] for row in rows} == {"erlnet"}
    assert "assets fetch lpips" in told["left_out"]["lpips"]  # told, not guessed


def test_a_clip_end_to_end_gives_the_frames_of_the_report(renderers, tmp_path):
    for variant in ("pixel", "direct"):
        assert call(renderers[variant], tmp_path / variant, clip=TEST_CLIP) == 0
        assert np.array_equal(pictures(tmp_path / variant / "frames"), reported(renderers[variant], "audio"))
        assert "psnr" in json.loads((tmp_path / variant / "scores.json").read_text())["means"]["erlnet"]


def test_new_sound_moves_head_and_face_as_generated_on_the_speakers_torso(renderers, sound, tmp_path):
    run = renderers["feature"]
    assert call(run, tmp_path / "out", audio=sound, style="happy") == 0
    person, mapper = open_person(find_run(run, RENDERER), None, None), find_run(run, MAPPER)
    style = next(clip for clip in mapper.split.train if clip.labels.style == "happy")
    # The same by the parts of stage one alone.
    heard = read_sound(sound)
    features = mapper.component("features", "audio").build()(heard.samples, heard.n_frames)
    generator = Generator(mapper.inputs)
    expression, pose = generate(
        generator.mapper, generator.codec, torch.from_numpy(features), *tensors_of(style), seed=seed_of("tone")
    )
    root = mapper.split.train[0].coefficients.root
    poses = torch.from_numpy(unpack_pose(pose.numpy(), root))
    frames = person.model.frames(expression, poses, torch.from_numpy(root)).cpu().numpy()
    assert np.array_equal(pictures(tmp_path / "out/frames"), frames.transpose(0, 2, 3, 1))
    told = json.loads((tmp_path / "out/render.json").read_text())
    assert "no recording" in told["no_scores"]
    assert not (tmp_path / "out/scores.csv").exists()
    assert not (tmp_path / "out/side_by_side.mp4").exists()


def test_the_film_has_every_frame_the_sound_and_a_tag_and_is_the_same_again(renderers, sound, tmp_path, capsys):
    out = tmp_path / "deep/film.mp4"
    assert call(renderers["feature"], out, audio=sound, style="happy") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    with av.open(str(out)) as container:
        assert "synthetic" in container.metadata["comment"].lower()
        assert container.streams.video[0].average_rate == 25
    plain = film(out)
    assert plain.shape == (13, 64, 64, 3)
    heard = read_audio(out, 0.0, 12)
    assert np.corrcoef(heard, read_audio(sound, 0.0, 12))[0, 1] > 0.95
    first = out.read_bytes()
    assert call(renderers["feature"], out, audio=sound, style="happy") == 0
    assert out.read_bytes() == first
    assert call(renderers["feature"], out, audio=sound, style="happy", watermark=True) == 0
    marked = film(out).astype(int)
    assert (marked[:, -13:] > 180).any((1, 2, 3)).all()
    assert np.abs(marked[:, :-16] - plain[:, :-16]).mean() < 4  # the rest is the same but for the encoder
    assert [path.name for path in out.parent.iterdir()] == ["film.mp4"]


def test_a_pose_track_moves_the_head_and_goes_to_and_fro(renderers, sound, tmp_path, capsys):
    run, direct = renderers["feature"], renderers["direct"]
    np.savez(tmp_path / "turn.npz", rotation=np.deg2rad([[0, 0, 0], [0, 4, 0], [0, 8, 0]]))
    assert call(run, tmp_path / "a", audio=sound, style="happy", pose=tmp_path / "turn.npz") == 0
    assert "is shorter than the sound; it is played to and fro" in capsys.readouterr().err
    opacity = pictures(tmp_path / "a/opacity_head").astype(int)
    assert np.abs(opacity[0] - opacity[4]).max() <= 3  # frame 4 is frame 0 again, but for what is said
    assert np.abs(opacity[0] - opacity[2]).max() > 30
    assert call(direct, tmp_path / "b", audio=sound, pose=clip_folder(direct)) == 0
    assert len(pictures(tmp_path / "b/frames")) == 13


def test_the_sound_and_pose_of_one_clip_are_that_clip_end_to_end(renderers, tmp_path):
    run = renderers["feature"]
    assert call(run, tmp_path / "a", audio=TEST_CLIP, style="neutral", pose=TEST_CLIP) == 0
    assert call(run, tmp_path / "b", clip=TEST_CLIP) == 0
    assert np.array_equal(pictures(tmp_path / "a/frames"), pictures(tmp_path / "b/frames"))
    assert (tmp_path / "a/scores.json").read_bytes() == (tmp_path / "b/scores.json").read_bytes()
    assert call(run, tmp_path / "c", audio=TEST_CLIP, style="neutral") == 0
    assert (tmp_path / "c/side_by_side.mp4").exists()  # under a pose of its own: seen beside, not scored
    assert "use --clip" in json.loads((tmp_path / "c/render.json").read_text())["no_scores"]
    assert not (tmp_path / "c/scores.csv").exists()


def test_a_clip_of_somebody_elsewhere_moves_the_head_against_the_torso_as_theirs_moved(renderers, tracked, tmp_path):
    own = clip_folder(renderers["feature"])
    theirs = tmp_path / "theirs"
    shutil.copytree(own, theirs)
    text = json.loads((own / "clip.json").read_text())
    text["labels"]["speaker"], text["camera"]["fx"] = "somebody", 2 * text["camera"]["fx"]
    (theirs / "clip.json").write_text(json.dumps(text))
    with np.load(own / "coefficients.npz") as archive:
        arrays = dict(archive)
    move = np.eye(4)
    move[:3, 3] = 0.3, -0.2, 1.5
    arrays |= {name: move @ arrays[name] for name in ("head_to_world", "root")}
    np.savez(theirs / "coefficients.npz", **arrays)
    person = open_person(find_run(renderers["feature"], RENDERER), None, None)
    path = coefficients_show(person, str(theirs)).path
    with np.load(own / "coefficients.npz") as archive:
        neck = np.linalg.inv(archive["root"]) @ archive["head_to_world"]
    np.testing.assert_allclose(path.head_to_world, person.root @ neck, atol=1e-5)
    assert (path.root == person.root).all()
    assert call(renderers["feature"], tmp_path / "out", coefficients=theirs) == 0
    assert not (tmp_path / "out/scores.csv").exists()  # nobody filmed this person so


def test_a_camera_path_shows_other_sides_and_no_truth(renderers, tracked, tmp_path):
    assert call(renderers["feature"], tmp_path / "side", coefficients=TEST_CLIP, camera="yaw=15,pitch=-5") == 0
    assert not (tmp_path / "side/scores.csv").exists()
    assert (pictures(tmp_path / "side/opacity_head") != pictures(tracked / "opacity_head")).any((1, 2, 3)).all()
    assert call(renderers["feature"], tmp_path / "front", coefficients=TEST_CLIP, camera="yaw=0") == 0
    front, before = pictures(tmp_path / "front/frames").astype(int), pictures(tracked / "frames").astype(int)
    assert np.abs(front - before).max() <= 1


def test_motion_as_animate_writes_it_is_rendered(renderers, sound, tmp_path):
    run = renderers["feature"]
    words = ["animate", str(run), "--audio", str(sound), "--style", "happy", "--out", str(tmp_path / "look")]
    assert main(words) == 0
    motion = tmp_path / "look/motion.npz"
    assert call(run, tmp_path / "out", coefficients=motion) == 0
    show = coefficients_show(open_person(find_run(run, RENDERER), None, None), str(motion))
    with np.load(motion) as archive:
        np.testing.assert_allclose(show.signal[:, :-5], archive["expression"], atol=1e-6)
        stream = np.concatenate([archive["rotation"], archive["translation"]], axis=1)
    root = find_run(run, RENDERER).split.train[0].coefficients.root
    np.testing.assert_allclose(show.path.head_to_world, unpack_pose(stream, root), atol=1e-5)
    assert len(pictures(tmp_path / "out/frames")) == 13
    with av.open(str(tmp_path / "out/video.mp4")) as container:
        assert not container.streams.audio  # no sound is known


def test_other_systems_stand_beside_with_scores_where_their_size_allows(renderers, tracked, tmp_path, capsys):
    truth = tmp_path / "truth"
    shutil.copytree(clip_folder(renderers["feature"]) / "frames", truth)
    short = tmp_path / "short"
    short.mkdir()
    for i in range(10):
        shutil.copy(tracked / f"frames/{i:05d}.png", short)
    words = f"perfect={truth},ours={short},large={tracked / 'neck'},film={tracked / 'side_by_side.mp4'}"
    assert call(renderers["feature"], tmp_path / "out", coefficients=TEST_CLIP, beside=words) == 0
    told = json.loads((tmp_path / "out/scores.json").read_text())
    assert told["frames"] == 10  # what all of the same size have
    means = told["means"]
    assert set(means) == {"erlnet", "perfect", "ours"}
    assert means["perfect"]["psnr"]["frame"] == 100.0
    assert means["perfect"]["ssim"]["frame"] == pytest.approx(1)
    assert means["ours"] == means["erlnet"]
    assert "384x384 px, the true ones 64x64; it is scaled for the film alone" in told["left_out"]["large"]
    assert "768x514 px" in told["left_out"]["film"]
    table = capsys.readouterr().out
    assert "perfect  1.000" in table
    assert "n/a" in table  # LPIPS
    sizes = json.loads((tmp_path / "out/render.json").read_text())["width_height_frames"]
    assert sizes["large"] == [384, 384, len(pictures(tracked / "frames"))]
    assert sizes["ours"] == [64, 64, 10]
    shown = film(tmp_path / "out/side_by_side.mp4")
    assert shown.shape == (len(pictures(tracked / "frames")), 2 * (320 + 34) + 96, 4 * 320, 3)
    ours = shown[:, 34 : 34 + 320, 3 * 320 :].astype(int)
    assert ours[9].max() > 60
    assert ours[10:].max() < 40  # it has ended
    assert not list((tmp_path / "out").glob(".*"))
