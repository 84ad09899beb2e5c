"""The motion bank."""

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import pytest
import torch

from erlnet.data.clip import open_index
from erlnet.data.components import Bank, Demo
from erlnet.data.demo.actor import cast, pose_vertices
from erlnet.data.demo.bank import plan_bank
from erlnet.data.demo.bank_maker import performed, script
from erlnet.data.demo.dataset import STYLES, plan_clips
from erlnet.data.demo.speech import perform
from erlnet.data.silence import Silence
from erlnet.data.splits import make_split
from erlnet.errors import UserError
from erlnet.grid import resolve
from erlnet.head.components import MakeHuman
from erlnet.head.project import project
from erlnet.interfaces import Preparation

SMALL = Bank(speakers=2, train_clips=1, test_clips=1, judge_speakers=1, judge_clips=1, seconds=1.0)


def fill(bank, out, head_model=MakeHuman()):  # noqa: B008
    bank.build().prepare(Preparation(None, out, out, None, head_model, 1, Silence()))
    return out


def content(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return fill(SMALL, tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """(clips as read, what was performed for them) of 4 s in every style by four speakers."""
    bank = Bank(speakers=4, train_clips=1, test_clips=1, judge_speakers=0)
    out = fill(bank, tmp_path_factory.mktemp("spoken"))
    model = MakeHuman().build()
    actors = [cast(model, 0, speaker, 256) for speaker in range(4)]
    return open_index(out), [performed(0, c, model, actors[c.speaker]) for c in plan_bank(bank.build().plan)]


def test_the_default_bank_has_120_clips_of_4_s_in_parts_of_known_size():
    clips = plan_bank(Bank().build().plan)
    assert len(clips) == 120
    assert {c.n_frames for c in clips} == {100}
    assert Counter(c.split for c in clips) == {"train": 72, "test": 24, "val": 24}
    assert set(Counter((c.label, c.style, c.split) for c in clips if c.split == "train").values()) == {3}
    assert set(Counter((c.label, c.style) for c in clips if c.split == "val").values()) == {4}
    assert set(Counter(c.style for c in clips).values()) == {40}
    names = [c.name for c in clips]
    assert names == sorted(names)
    assert len(set(names)) == 120


def test_the_judges_speakers_are_nobody_elses_and_stay_who_they_are():
    clips = plan_bank(Bank().build().plan)
    judges = {c.speaker for c in clips if c.split == "val"}
    others = {c.speaker for c in clips if c.split != "val"}
    assert len(judges) == 2
    assert len(others) == 8
    assert not judges & others
    assert {c.speaker for c in clips if c.split == "test"} == others
    fewer = plan_bank(Bank(speakers=1, train_clips=1).build().plan)
    assert [c for c in fewer if c.split == "val"] == [c for c in clips if c.split == "val"]


def test_no_two_clips_say_the_same_not_even_the_demos():
    scripts = [(script(0, c), c.speaker, c.style) for c in plan_bank(Bank().build().plan)]
    demo = [
        (int(np.random.SeedSequence([0, c.speaker, c.index]).generate_state(1)[0]), c.speaker, c.style)
        for c in plan_clips(Demo(speakers=8).build().plan)
    ]
    assert len({seed for seed, *_ in scripts}) == 120
    assert len(set(scripts) | set(demo)) == len(scripts) + len(set(demo))


def test_sentences_differ(spoken):
    said = {tuple(s.phoneme.symbol for s in p.phonemes) for p in spoken[1]}
    assert len(said) == len(spoken[1]) == 24


def test_clips_have_sound_and_sides_and_no_frames(made):
    clips = open_index(made)
    assert len(clips) == 15
    assert not any(clip.has_frames for clip in clips)
    assert {len(clip.audio) for clip in clips} == {25 * 640}
    assert min(np.abs(clip.audio).max() for clip in clips) > 0.05
    assert {clip.labels.dataset for clip in clips} == {"bank"}
    assert len({clip.labels.source for clip in clips}) == 15
    split = make_split(clips, "own")
    assert [len(split.side(side)) for side in ("train", "test", "val")] == [6, 6, 3]
    with pytest.raises(UserError, match="has no frames"):
        clips[0].frames()
    assert not list(made.rglob("*.png"))


def test_the_component_says_what_its_clips_hold():
    assert Bank().FRAMES is False
    assert getattr(Bank(), "SOUND", True) is True
    assert resolve({"dataset": ["bank"]}).variants[0].split == "own"


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads_and_another_seed_others(made, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(before % 2 + 1)
    first, again = content(made), content(fill(SMALL, tmp_path / "one"))
    torch.set_num_threads(before)
    other = content(fill(Bank(**asdict(SMALL) | {"seed": 1}), tmp_path / "other"))
    assert len(first) == 15 * 3 + 1
    assert first == again
    same = [name for name in first if first[name] == other[name]]
    assert all("clip.json" in name or name == "index.json" for name in same)


def test_coefficients_are_those_that_perform_gives(made):
    model = MakeHuman().build()
    clip = next(c for c in open_index(made) if c.name == "bank01-angry-test00")
    actor = cast(model, 0, 1, 256)
    index = next(c.index for c in plan_bank(SMALL.build().plan) if c.name == clip.name)
    script = np.random.SeedSequence([0, 1, index, 1]).generate_state(1)[0]
    show = perform(int(script), 1, "angry", 25, model.expression_names, actor.pivot)
    c = clip.coefficients
    for name in ("expression", "jaw", "lids", "eyes"):
        np.testing.assert_array_equal(getattr(c, name), getattr(show, name))
    np.testing.assert_allclose(clip.audio, show.audio, atol=2 / 32767)
    np.testing.assert_allclose(c.neck[:, :3, 3], show.pose[:, 3:], atol=2e-6)
    np.testing.assert_array_equal(c.shape, actor.shape)
    assert clip.head_model == "makehuman"
    assert c.valid.all()


def test_a_head_can_be_drawn_from_it(made):
    model = MakeHuman().build()
    for clip in open_index(made)[::7]:
        c = clip.coefficients
        marks = project(
            model.landmarks68(pose_vertices(model, c, np.tile(c.root, (len(c), 1, 1)))), clip.camera
        ).numpy()
        assert clip.size == (256, 256)
        assert marks.min() > 8
        assert marks.max() < 248
        eyes = np.linalg.norm(marks[:, 36:42].mean(1) - marks[:, 42:48].mean(1), axis=1)
        assert np.median(eyes) > 45


def lip_gap(clip, model):
    """(T,) between the inner lips, in eye distances, of the head as its coefficients pose it."""
    c = clip.coefficients
    marks = model.landmarks68(pose_vertices(model, c, np.tile(c.root, (len(c), 1, 1)))).numpy()
    eyes = np.linalg.norm(marks[:, 36:42].mean(1) - marks[:, 42:48].mean(1), axis=1)
    return np.linalg.norm(marks[:, 61:64].mean(1) - marks[:, 65:68].mean(1), axis=1) / eyes


def test_vowels_open_the_mouth_that_bilabials_shut_and_loud_frames_are_open_ones(spoken):
    model = MakeHuman().build()
    shut, wide, gaps, louds = [], [], [], []
    for clip, show in zip(*spoken):
        gap = lip_gap(clip, model)
        power = clip.audio.reshape(-1, 640).std(1)
        gaps.append(gap - gap.mean())
        louds.append(np.log(power + 1e-3) - np.log(power + 1e-3).mean())
        for segment in show.phonemes:
            frame = int(segment.centre * 25)
            if frame < len(gap):
                shut += [gap[frame]] if segment.phoneme.bilabial else []
                wide += [gap[frame]] if segment.phoneme.symbol in ("AA", "AE") else []
    assert len(shut) > 40
    assert len(wide) > 40
    assert np.quantile(shut, 0.9) < 0.25 * np.median(wide)
    r = np.corrcoef(np.concatenate(gaps), np.concatenate(louds))[0, 1]
    other = np.corrcoef(np.concatenate(gaps), np.concatenate([*louds[1:], louds[0]]))[0, 1]
    assert r > 0.5
    assert other < 0.25  # another clip's sound does not tell


def test_styles_are_told_apart_across_speakers(spoken):
    """Nearest mean over the other speakers' clips, from each clip's mean expression."""
    clips, _ = spoken
    x = np.stack([clip.coefficients.expression.mean(0) for clip in clips])
    speakers = np.array([clip.labels.speaker for clip in clips])
    styles = np.array([clip.labels.style for clip in clips])
    right = 0
    for i in range(len(clips)):
        means = {s: x[(styles == s) & (speakers != speakers[i])].mean(0) for s in STYLES}
        right += min(means, key=lambda s: np.linalg.norm(x[i] - means[s])) == styles[i]
    assert right == len(clips)
    head = {s: np.concatenate([np.diff(c.coefficients.neck[:, :3, 3], axis=0) for c in clips if c.labels.style == s])
            for s in STYLES}  # fmt: skip
    speed = {s: np.linalg.norm(steps, axis=1).mean() for s, steps in head.items()}
    assert speed["neutral"] < 0.8 * min(speed["happy"], speed["angry"])


def test_speakers_have_heads_of_their_own(spoken):
    shapes = {clip.labels.speaker: clip.coefficients.shape for clip in spoken[0]}
    assert min(np.abs(a - b).max() for a, b in combinations(shapes.values(), 2)) > 0.1


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"speakers": 0}, "bank.speakers=0 must lie between 1 and 99"),
        ({"judge_speakers": 100}, "bank.judge_speakers=100"),
        ({"seconds": 0.1}, "bank.seconds=0.1 must lie between 0.4 and 60"),
        ({"seconds": float("nan")}, "bank.seconds=nan"),
        ({"seed": -1}, "bank.seed=-1"),
    ],
)
def test_a_bank_that_cannot_be_made_is_refused(options, wrong):
    with pytest.raises(UserError, match=wrong):
        Bank(**options).build()


def test_data_and_other_heads_are_refused(tmp_path):
    for ask in (Bank().build().fingerprint, Bank().build().index):
        with pytest.raises(UserError, match="makes its own clips"):
            ask(tmp_path)

    @dataclass(frozen=True)
    class Other:
        VERSION = 1

    with pytest.raises(UserError, match="head_model=makehuman, or dataset=demo"):
        fill(SMALL, tmp_path, Other())
