import json
import os

import pytest

from erlnet.data.layouts.mead import MeadLayout, tail_split
from erlnet.data.layouts.mead_names import EMOTIONS, Spoken, from_flat_name
from erlnet.errors import UserError

ALL_VIEWS = ("front", "down", "top", "left_30", "left_60", "right_30", "right_60")
MOODS = [(e, n) for e in EMOTIONS for n in ((1,) if e == "neutral" else (1, 2, 3))]


def speaker_files(speaker="M003", views=("front",), moods=MOODS, numbers=(1,), sound=True):
    names = [f"{speaker}/video/{v}/{e}/level_{n}/{i:03d}.mp4" for v in views for e, n in moods for i in numbers]
    return names + [f"{speaker}/audio/{e}/level_{n}/{i:03d}.m4a" for e, n in moods for i in numbers if sound]


def lines(index, kind):
    return [str(f) for f in index.findings if f.kind == kind]


def test_the_official_tree_gives_one_item_a_sentence_with_its_sound_file(touch):
    root = touch(*speaker_files())
    index = MeadLayout().index(root)
    assert not index.findings
    assert len(index.items) == 22  # seven emotions at three levels, neutral at one
    item = index.items[0]
    assert (item.name, item.speaker, item.style) == ("M003-front-angry-1-001", "M003", "angry-1")
    assert item.video == root / "M003/video/front/angry/level_1/001.mp4"
    assert item.sound == root / "M003/audio/angry/level_1/001.m4a"


def test_views_of_one_sentence_share_their_source_and_their_sound(touch):
    root = touch(*speaker_files(views=ALL_VIEWS, moods=[("sad", 2)]))
    index = MeadLayout(views=(), emotions=("sad",), levels=(2,)).index(root)
    assert len(index.items) == 7
    assert {item.source for item in index.items} == {"M003-sad-2-001"}
    assert len({item.sound for item in index.items}) == 1
    assert not index.findings


def test_a_doubled_video_folder_is_read_as_one(touch):
    root = touch("M003/video/video/front/sad/level_1/001.mp4", "M003/audio/sad/level_1/001.m4a")
    index = MeadLayout(emotions=("sad",), levels=(1,)).index(root)
    assert [item.name for item in index.items] == ["M003-front-sad-1-001"]
    assert not index.findings


@pytest.mark.parametrize("stem", ["M003#angry#level_3#026", "M003_ang_3_026", "m003_ANG_3_026", "M003_angry_3_026"])
def test_repackaged_names_say_speaker_emotion_level_and_sentence(stem):
    assert from_flat_name(stem) == Spoken("M003", "angry", 3, "026")


@pytest.mark.parametrize("stem", ["M003_xyz_1_001", "M003_ang_4_001", "M003_s_1_001", "talk", "A003_ang_1_001"])
def test_other_names_are_not_taken_for_repackaged_ones(stem):
    assert from_flat_name(stem) is None


def test_flat_names_are_front_unless_a_folder_above_says_otherwise(touch):
    root = touch("a/M003#angry#level_1#001.mp4", "b/left_30/W009_hap_2_002.MP4", "M005_neu_1_001.mp4", "notes.txt")
    index = MeadLayout(views=()).index(root)
    assert [i.name for i in index.items] == [
        "M003-front-angry-1-001",
        "M005-front-neutral-1-001",
        "W009-left_30-happy-2-002",
    ]
    assert [i.name for i in MeadLayout(views=("left_30",)).index(root).items] == ["W009-left_30-happy-2-002"]


def test_a_clip_that_is_there_twice_is_taken_once_and_named(touch):
    root = touch("copy/M003#angry#level_1#001.mp4", *speaker_files())
    index = MeadLayout().index(root)
    assert len(index.items) == 22
    assert lines(index, "mismatch") == [
        "mismatch: copy/M003#angry#level_1#001.mp4 is the same clip as M003/video/front/angry/level_1/001.mp4 and was "
        "passed over; keep one of the two"
    ]


def test_the_holes_of_the_release_itself_are_said_to_be_its_own(touch):
    root = touch(*speaker_files("W017", views=("down",)), *speaker_files("M011", moods=[("sad", 1)]))
    index = MeadLayout(views=("front", "down")).index(root)
    w017 = next(line for line in lines(index, "missing") if "W017" in line)
    assert w017.startswith("missing: W017/video lacks the view front; the release itself lacks views of W017")
    m011 = [line for line in lines(index, "missing") if "M011/video/front" in line]
    assert m011[0].startswith("missing: M011/video/front lacks the emotion angry, contempt,")
    assert all("the release itself lacks some emotions and views of M011" in line for line in m011)
    assert {item.speaker for item in index.items} == {"W017", "M011"}  # what is there is used, nothing is made up


def test_other_holes_say_to_extract_the_archive_again(touch):
    files = [f for f in speaker_files() if "front/sad" not in f and "front/fear/level_2" not in f]
    index = MeadLayout().index(touch(*files))
    again = "extract the speaker's archives again, or do not select this"
    assert lines(index, "missing") == [
        f"missing: M003/video/front lacks the emotion sad; {again}",
        f"missing: M003/video/front/fear lacks level_2; {again}",
    ]


def test_neutral_is_not_expected_at_levels_it_was_not_recorded_at(touch):
    root = touch(*speaker_files(moods=[("neutral", 1), ("sad", 3)]))
    index = MeadLayout(emotions=("neutral", "sad"), levels=(3,)).index(root)
    assert [item.style for item in index.items] == ["sad-3"]
    assert not index.findings


def test_sentences_that_one_view_has_and_another_lacks_are_named(touch):
    root = touch(*speaker_files(views=("front", "top"), moods=[("sad", 1)], numbers=(1, 2, 3)))
    (root / "M003/video/top/sad/level_1/002.mp4").unlink()
    index = MeadLayout(views=("front", "top"), emotions=("sad",), levels=(1,)).index(root)
    assert lines(index, "missing") == [
        "missing: M003/video/top/sad/level_1 lacks what another view has: 002; "
        "extract the speaker's archives again, or do not select this"
    ]


def test_missing_sound_is_named_once_and_the_clip_kept(touch):
    root = touch(*speaker_files(views=("front", "top"), moods=[("sad", 1)], numbers=(1, 2)))
    (root / "M003/audio/sad/level_1/002.m4a").unlink()
    index = MeadLayout(views=("front", "top"), emotions=("sad",), levels=(1,)).index(root)
    (line,) = lines(index, "missing")
    assert line.startswith("missing: M003/audio/sad/level_1 lacks the sound of 002; the sound in the videos is taken")
    assert [item.sound is None for item in index.items] == [False, True, False, True]


def test_a_speaker_without_any_sound_folder_is_one_finding(touch):
    index = MeadLayout().index(touch(*speaker_files(sound=False)))
    assert [line.split(";")[0] for line in lines(index, "missing")] == ["missing: M003 has no sound in M003/audio"]


def test_empty_files_are_broken_and_hidden_files_nothing(touch):
    root = touch(*speaker_files(moods=[("sad", 1)], numbers=(1, 2)))
    touch("M003/video/front/sad/level_1/002.mp4", content=b"")
    touch("M003/video/front/sad/level_1/._001.mp4", "M003/video/.DS_Store", ".DS_Store")
    os.symlink(root / "gone.mp4", root / "M003/video/front/sad/level_1/003.mp4")
    index = MeadLayout(emotions=("sad",), levels=(1,)).index(root)
    assert [item.source for item in index.items] == ["M003-sad-1-001"]
    assert [line.split(";")[0] for line in lines(index, "broken")] == [
        "broken: M003/video/front/sad/level_1/002.mp4 has no bytes, or is a link to nowhere",
        "broken: M003/video/front/sad/level_1/003.mp4 has no bytes, or is a link to nowhere",
    ]


def test_strange_folders_and_names_are_contradictions(touch):
    root = touch(*speaker_files(moods=[("sad", 1)]))
    touch("M003/video/front/anger/level_1/001.mp4", "M003/video/front/sad/level_1/take.mp4")
    found = lines(MeadLayout(emotions=("sad",), levels=(1,)).index(root), "mismatch")
    assert found[0].startswith("mismatch: M003/video/front/anger is no emotion of MEAD and was passed over; rename it")
    assert "did you mean 'angry'?" in found[0]
    assert found[1].startswith("mismatch: M003/video/front/sad/level_1/take.mp4 is no sentence number")


def test_two_names_of_one_sentence_number_are_named_and_the_first_is_taken(touch):
    root = touch(*speaker_files(moods=[("sad", 1)]))
    touch("M003/video/front/sad/level_1/1.mp4", "M003/audio/sad/level_1/01.m4a")
    index = MeadLayout(emotions=("sad",), levels=(1,)).index(root)
    folder = "sad/level_1"
    assert [item.video.name for item in index.items] == ["001.mp4"]
    assert lines(index, "mismatch") == [
        f"mismatch: M003/{place}/{second} is the same sentence as M003/{place}/{first} and was passed over; "
        "keep one of the two"
        for place, second, first in (
            (f"audio/{folder}", "01.m4a", "001.m4a"),
            (f"video/front/{folder}", "1.mp4", "001.mp4"),
        )
    ]


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (MeadLayout(views=("frnt",)), "mead.views: there is no 'frnt'; did you mean 'front'? choices: front, down"),
        (MeadLayout(emotions=("anger",)), "mead.emotions: there is no 'anger'; did you mean 'angry'? choices: angry"),
        (MeadLayout(levels=(4,)), "mead.levels: there is no '4'; choices: 1, 2, 3"),
        (MeadLayout(speakers=("M03",)), "mead.speakers: there is no 'M03'; did you mean 'M003'? choices: M003, W009"),
        (MeadLayout(split="edtalk"), "split=edtalk needs mead.lists=FOLDER, the folder that holds EDTalk_MEAD_train"),
        (MeadLayout(split="edtalk", lists="/none"), "mead.lists: /none/EDTalk_MEAD_train_list.json is not there"),
    ],
)
def test_an_unknown_word_is_answered_with_a_guess_and_what_is_there(touch, layout, message):
    root = touch(*speaker_files(), *speaker_files("W009"))
    with pytest.raises(UserError) as error:
        layout.index(root)
    assert str(error.value).startswith(message)


def test_a_root_that_is_not_mead_says_what_was_looked_for(touch, tmp_path):
    root = touch("talk.mp4")
    for path, message in [
        (root, f"data={root}: no MEAD here (looked for M003/video/front/angry/level_1/001.mp4"),
        (root / "talk.mp4", f"data={root / 'talk.mp4'}: this is a file; give MEAD's root folder"),
        (tmp_path / "no", f"data={tmp_path / 'no'}: there is no such folder"),
    ]:
        with pytest.raises(UserError) as error:
            MeadLayout().index(path)
        assert str(error.value).startswith(message)


def test_only_unselected_folders_is_not_taken_for_another_data_set(touch):
    root = touch("left_30/M003#sad#level_1#001.mp4")
    with pytest.raises(UserError, match="nothing of MEAD that the options select; not selected and not read: left_30"):
        MeadLayout().index(root)


def test_no_folder_outside_the_selection_is_listed(touch, monkeypatch):
    root = touch(*speaker_files(views=("front", "top")), *speaker_files("W009"))
    listed, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(str(path.relative_to(root))), scandir(path))[1])
    MeadLayout(speakers=("M003",), emotions=("angry",), levels=(2,)).index(root)
    assert sorted(set(listed)) == [
        ".", "M003/audio", "M003/audio/angry/level_2", "M003/video", "M003/video/front", "M003/video/front/angry",
        "M003/video/front/angry/level_2",
    ]  # fmt: skip


def test_thousands_of_clips_are_counted(touch):
    moods = [("neutral", 1), ("sad", 1), ("sad", 2)]
    files = [f for s in ("M003", "M005", "W009") for f in speaker_files(s, ALL_VIEWS[:5], moods, range(1, 61))]
    index = MeadLayout(views=(), emotions=("neutral", "sad"), levels=(1, 2)).index(touch(*files))
    assert len(index.items) == index.counts["clips selected"] == 3 * 5 * 3 * 60
    assert index.counts["clips with a sound file"] == len(index.items)
    assert [index.counts[k] for k in ("train clips", "test clips")] == [900, 1800]
    assert index.items == tuple(sorted(index.items, key=lambda item: item.name))


def test_the_de_facto_test_speakers_are_tested_and_the_others_trained_on(touch):
    speakers = ("M003", "M005", "M030", "W009", "W015", "W040")
    root = touch(*(f for s in speakers for f in speaker_files(s, moods=[("sad", 1)])))
    index = MeadLayout(emotions=("sad",), levels=(1,)).index(root)
    assert {i.speaker for i in index.items if i.split == "test"} == {"M003", "M030", "W009", "W015"}
    assert {i.speaker for i in index.items if i.split == "train"} == {"M005", "W040"}


def test_the_tail_split_tests_the_last_ten_of_neutral_and_six_of_the_others():
    spoken = [Spoken("M005", "neutral", 1, f"{i:03d}") for i in range(1, 41)]
    spoken += [Spoken("M005", "angry", 2, f"{i:03d}") for i in range(1, 31) if i != 7]  # a hole shifts nothing
    test = sorted(s.number for s, side in tail_split(spoken).items() if side == "test" and s.emotion == "angry")
    assert test == ["025", "026", "027", "028", "029", "030"]
    assert sum(side == "test" for s, side in tail_split(spoken).items() if s.emotion == "neutral") == 10


def test_the_tail_split_puts_all_views_of_a_sentence_on_one_side(touch):
    root = touch(*speaker_files("M005", views=("front", "top"), moods=[("sad", 1)], numbers=range(1, 31)))
    for number in (29, 30):
        (root / f"M005/video/front/sad/level_1/{number:03d}.mp4").unlink()
    layout = MeadLayout(views=("front", "top"), emotions=("sad",), levels=(1,), split="tail")
    index = layout.index(root)
    assert not lines(index, "leaking")
    # The sound files say how many sentences there are, so selecting fewer views moves no sentence.
    front = MeadLayout(emotions=("sad",), levels=(1,), split="tail").index(root)
    sides = {item.name: item.split for item in index.items}
    assert all(sides[item.name] == item.split for item in front.items)
    assert sum(item.split == "test" for item in front.items) == 4


def test_edtalks_lists_leave_out_and_count_what_neither_names(touch, tmp_path):
    root = touch(*speaker_files("M005", moods=[("sad", 1)], numbers=(1, 2, 3)))
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "EDTalk_MEAD_train_list.json").write_text(json.dumps(["M005#sad#level_1#001", "M005#sad#level_1#002"]))
    (lists / "EDTalk_MEAD_test_list.json").write_text(json.dumps(["M005#sad#level_1#002"]))
    index = MeadLayout(emotions=("sad",), levels=(1,), split="edtalk", lists=str(lists)).index(root)
    assert {item.source: item.split for item in index.items} == {"M005-sad-1-001": "train", "M005-sad-1-002": "test"}
    assert index.counts["clips in neither list of EDTalk"] == 1
    both, people = lines(index, "leaking")
    assert both.startswith("leaking: M005#sad#level_1#002 is in both of EDTalk's lists; taken as test")
    assert people.startswith("leaking: 1 of 1 speakers are on two sides of the split: M005")


@pytest.mark.parametrize(("content", "message"), [("{", "cannot be read as JSON"), ('{"a": 1}', "is not a JSON list")])
def test_a_list_that_is_none_is_named(touch, tmp_path, content, message):
    (tmp_path / "EDTalk_MEAD_train_list.json").write_text(content)
    with pytest.raises(UserError, match=f"EDTalk_MEAD_train_list.json {message}"):
        MeadLayout(split="edtalk", lists=str(tmp_path)).index(touch(*speaker_files()))


def test_edtalks_real_lists_test_the_de_facto_speakers_alone(touch, shared_meta):
    speakers = ("M003", "M005", "W015")
    root = touch(*(f for s in speakers for f in speaker_files(s, moods=[("angry", 1)], numbers=(1, 2))))
    index = MeadLayout(emotions=("angry",), levels=(1,), split="edtalk", lists=str(shared_meta)).index(root)
    sides = {item.speaker: item.split for item in index.items}
    assert (sides["M003"], sides["M005"]) == ("test", "train")
    assert not lines(index, "leaking")
