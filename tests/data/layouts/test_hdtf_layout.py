import json
from dataclasses import replace

import pytest

from erlnet.data.items import Box
from erlnet.data.layouts.hdtf import HdtfLayout
from erlnet.data.layouts.hdtf_split import identity_side
from erlnet.errors import UserError

TEXTS = {
    "annotion_time": "Radio1.mp4 00:20-01:35 \nRadio2.mp4 00:05-00:10 01:00-02:00\nJaneDoe0.mp4 1:00:05-1:01:00\n",
    "video_url": "\ufeffRadio1 https://www.youtube.com/watch?v=aaaaaaaaaaa&t=6s\nRadio2 https://youtu.be/bbbbbbbbbbb\n"
    "JaneDoe0 https://www.youtube.com/watch?v=ccccccccccc\n",
    "resolution": "Radio1.mp4 720\nRadio2.mp4 1080\nJaneDoe0.mp4 720\n",
    "crop_wh": "Radio1_0.mp4 483 390 10 400\nRadio2_0.mp4 1 500 0 500\nRadio2_1.mp4 2 500 0 500\n"
    "JaneDoe0_0.mp4 9 300 9 300\n",
    "crop_ratio": "Radio1_0.mp4 1.2\nRadio2_0.mp4 1.0\nRadio2_1.mp4 1.0\nJaneDoe0_0.mp4 1.2\n",
}
RD = HdtfLayout(subsets=("RD",))


@pytest.fixture
def hdtf(touch):
    """Writes the RD text files, some of them in place of those above, and videos of one byte."""

    def make(*videos, folder="", **texts):
        for kind, text in {**TEXTS, **texts}.items():
            if text is not None:
                touch(f"{folder}RD_{kind}.txt", content=text.encode())
        return touch(*videos)

    return make


def lines(index, kind):
    return [str(f) for f in index.findings if f.kind == kind]


def test_every_annotated_interval_of_a_whole_video_becomes_a_clip(hdtf):
    root = hdtf("Radio1.mp4", "RD/Radio2.MP4", "videos/JaneDoe0.webm")
    index = RD.index(root)
    assert not index.findings
    assert [(i.name, i.start, i.stop, i.source) for i in index.items] == [
        ("RD_JaneDoe0_000", 3605, 3660, "JaneDoe0"),
        ("RD_Radio1_000", 20, 95, "Radio1"),
        ("RD_Radio2_000", 5, 10, "Radio2"),
        ("RD_Radio2_001", 60, 120, "Radio2"),
    ]
    assert index.items[1].box == Box(left=483, width=390, top=10, height=400, of_height=720)
    assert index.items[2].video == root / "RD/Radio2.MP4"


def test_the_crop_follows_the_height_that_it_was_read_at(hdtf):
    (item, *_) = RD.index(hdtf("Radio1.mp4")).items
    assert item.box.scaled_to(1080) == Box(724.5, 15, 585, 600, 1080)


def test_the_text_files_may_lie_in_the_folder_that_the_authors_gave_them(hdtf):
    index = RD.index(hdtf("Radio1.mp4", folder="HDTF_dataset/"))
    assert [item.name for item in index.items] == ["RD_Radio1_000"]


def test_clips_of_an_interval_are_taken_whole_and_before_the_video_they_were_cut_from(hdtf):
    root = hdtf("Radio1.mp4", "Radio2.mp4", "clips/Radio2_1.mp4", "JaneDoe0_0.mp4")
    items = {item.name: item for item in RD.index(root).items}
    assert len(items) == 4
    cut = items["RD_Radio2_001"]
    assert (cut.video, cut.start, cut.stop, cut.box) == (root / "clips/Radio2_1.mp4", 0, None, None)
    assert items["RD_Radio2_000"].video == root / "Radio2.mp4"


def test_a_cut_clip_lies_in_its_recording_where_its_interval_begins(hdtf):
    root = hdtf("Radio1.mp4", "Radio2_1.mp4", "RD_Radio2_000.mp4", "RD_JaneDoe0_000#1.mp4", "RD_JaneDoe0_000#2.mp4")
    assert [(i.name, i.source, i.place, i.start) for i in RD.index(root).items] == [
        ("RD_JaneDoe0_000-1", "JaneDoe0_000-1", 0, 0),  # of a chunk only the interval is known
        ("RD_JaneDoe0_000-2", "JaneDoe0_000-2", 0, 0),
        ("RD_Radio1_000", "Radio1", 0, 20),  # a whole download: `start` says it
        ("RD_Radio2_000", "Radio2", 5, 0),
        ("RD_Radio2_001", "Radio2", 60, 0),
    ]


def test_repackaged_names_that_are_alike_as_folders_are_told_apart(touch):
    index = HdtfLayout().index(touch("RD_Jane Doe_000.mp4", "RD_Jane-Doe_000.mp4"))
    assert [item.name for item in index.items] == ["RD_Jane-Doe_000", "RD_Jane-Doe_000-2"]


def test_the_annotated_crop_applies_to_clips_that_show_whole_pictures(hdtf):
    root = hdtf("Radio2_1.mp4", "RD_Radio1_000.mp4")
    items = {item.name: item for item in HdtfLayout(subsets=("RD",), clips="whole").index(root).items}
    assert items["RD_Radio2_001"].box == Box(2, 0, 500, 500, 1080)
    assert items["RD_Radio1_000"].box is None  # repackaged clips are squares already


def test_repackaged_clips_need_no_text_files(touch):
    root = touch("RD_Radio1_000.mp4", "x/WDA_JaneDoe1_002.mp4", "WRA_JohnRoe0_000#2.mp4", "WRA_JohnRoe0_000#10.mp4")
    index = HdtfLayout().index(root)
    assert [(i.name, i.speaker, i.source) for i in index.items] == [
        ("RD_Radio1_000", "Radio1", "Radio1_000"),  # nobody knows where in Radio1: a source of its own
        ("WDA_JaneDoe1_002", "JaneDoe", "JaneDoe1_002"),
        ("WRA_JohnRoe0_000-10", "JohnRoe", "JohnRoe0_000-10"),
        ("WRA_JohnRoe0_000-2", "JohnRoe", "JohnRoe0_000-2"),
    ]
    (line,) = lines(index, "missing")
    assert line.startswith("missing: no text files (RD_annotion_time.txt, ...) in the root or its folder HDTF_dataset")
    assert [item.name for item in RD.index(root).items] == ["RD_Radio1_000"]


def test_two_files_of_one_clip_are_named_and_the_first_is_taken(hdtf):
    index = RD.index(hdtf("Radio1_0.mp4", "a/RD_Radio1_000.mp4", "a/Radio2.mp4", "b/Radio2.mp4", "JaneDoe0.mp4"))
    assert len(index.items) == 4
    assert lines(index, "mismatch") == [
        "mismatch: a/RD_Radio1_000.mp4 is the same clip as Radio1_0.mp4 and was passed over; keep one of the two",
        "mismatch: b/Radio2.mp4 is the same clip as a/Radio2.mp4 and was passed over; keep one of the two",
    ]


def test_videos_that_are_not_there_are_named_with_their_address(hdtf):
    index = RD.index(hdtf("Radio2_0.mp4"))
    gone = "download it where it is still up; such videos vanish"
    assert lines(index, "missing") == [
        f"missing: RD: JaneDoe0.mp4 is not there; it is https://www.youtube.com/watch?v=ccccccccccc; {gone}",
        f"missing: RD: Radio1.mp4 is not there; it is https://www.youtube.com/watch?v=aaaaaaaaaaa&t=6s; {gone}",
        "missing: RD: Radio2.mp4 is not there, and its clips RD_Radio2_001 neither; "
        f"it is https://youtu.be/bbbbbbbbbbb; {gone}",
    ]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"crop_wh": "JaneDoe0_0.mp4 9 300 9 300\nRadio1_0.mp4 1 2 3 4\nRadio2_0.mp4 1 5 0 5\n",
          "crop_ratio": "JaneDoe0_0.mp4 1\nRadio1_0.mp4 1\nRadio2_0.mp4 1\n"},
         "RD: annotated interval Radio2_1 has no row in RD_crop_wh; nothing to do: the cut is found round the face"),
        ({"crop_wh": TEXTS["crop_wh"] + "Radio3_0.mp4 1 5 0 5\n",
          "crop_ratio": TEXTS["crop_ratio"] + "Radio3_0.mp4 1\n"},
         "RD: crop row Radio3_0 has no row in RD_annotion_time; nothing to do: the row is not used"),
        ({"crop_ratio": TEXTS["crop_ratio"].replace("Radio1_0.mp4 1.2\n", "")},
         "RD: crop row Radio1_0 has no row in RD_crop_ratio; nothing to do: the clip is read without it"),
        ({"crop_ratio": TEXTS["crop_ratio"] + "Radio9_0.mp4 1\n"},
         "RD: ratio row Radio9_0 has no row in RD_crop_wh; nothing to do: the clip is read without it"),
        ({"video_url": TEXTS["video_url"].replace("JaneDoe0 ", "JaneDoe1 ")},
         "RD: annotated video JaneDoe0 has no row in RD_video_url; nothing to do: the clip is read without it"),
        ({"resolution": "Radio1.mp4 720\nRadio2.mp4 1080\n"},
         "RD: annotated video JaneDoe0 has no row in RD_resolution; nothing to do: the cut is found round the face"),
        ({"resolution": TEXTS["resolution"].replace("Jane", "jane")},
         "RD: annotated video JaneDoe0 has no row in RD_resolution, where janeDoe0 differs by case alone; "
         "spell the name alike in both files"),
        ({"crop_wh": TEXTS["crop_wh"].replace("10 400", "10 800")},
         "RD: crop row Radio1_0 (483 390 10 800) cannot be used: it reaches 810 px down in a video of 720; nothing"),
        ({"resolution": TEXTS["resolution"].replace("Radio1.mp4 720", "Radio1.mp4 0")},
         "RD: crop row Radio1_0 (483 390 10 400) cannot be used: the video's height is given as 0; nothing to do"),
        ({"crop_wh": TEXTS["crop_wh"] + "Radio2_1.mp4 2 500 0 500\n"},
         "RD_crop_wh.txt line 5: Radio2_1 is repeated with the same row, first at line 3; the first row counts"),
        ({"resolution": TEXTS["resolution"] + "Radio1.mp4 1080\n"},
         "RD_resolution.txt line 4: Radio1 is repeated with another row, first at line 1; the first row counts"),
        ({"crop_wh": TEXTS["crop_wh"] + "Radio2_2.mp4 2 500 0\n"},
         "RD_crop_wh.txt line 5: 'Radio2_2.mp4 2 500 0' is not 'name min_w w min_h h'; the row was passed over"),
        ({"annotion_time": TEXTS["annotion_time"] + "Radio4.mp4 00:20\n"},
         "RD_annotion_time.txt line 4: 'Radio4.mp4 00:20' is not 'name mm:ss-mm:ss ...'; the row was passed over"),
        ({"annotion_time": TEXTS["annotion_time"].replace("01:00-02:00", "00:08-02:00")},
         "RD: annotated interval Radio2_1 (00:08-02:00) is out of order: 00:05-00:10 00:08-02:00; left out of whole"),
        ({"video_url": TEXTS["video_url"].replace("ccccccccccc", "aaaaaaaaaaa")},
         "JaneDoe0 and Radio1 are the same YouTube video (aaaaaaaaaaa); nothing to do: taken as one"),
    ],
)  # fmt: skip
def test_rows_that_disagree_are_named(hdtf, texts, message):
    index = RD.index(hdtf("Radio1.mp4", "Radio2.mp4", "JaneDoe0.mp4", **texts))
    assert any(line.startswith(f"mismatch: {message}") for line in lines(index, "mismatch")), lines(index, "mismatch")


def test_an_interval_without_a_usable_crop_is_kept_and_cut_round_the_face(hdtf):
    root = hdtf("Radio1.mp4", crop_wh=TEXTS["crop_wh"].replace("Radio1_0.mp4 483 390 10 400\n", ""))
    (item,) = RD.index(root).items
    assert item.box is None


def test_an_interval_out_of_order_is_left_out_of_a_whole_video(hdtf):
    root = hdtf("Radio2.mp4", annotion_time=TEXTS["annotion_time"].replace("01:00-02:00", "00:08-02:00"))
    assert [item.name for item in RD.index(root).items] == ["RD_Radio2_000"]


def test_a_text_file_that_is_not_there_is_one_finding(hdtf):
    index = RD.index(hdtf("Radio1.mp4", "Radio2.mp4", "JaneDoe0.mp4", resolution=None))
    assert [line.split(";")[0] for line in lines(index, "missing")] == ["missing: RD_resolution.txt cannot be read"]
    assert len(index.items) == 4
    assert not any(item.box for item in index.items)


@pytest.mark.parametrize(
    ("video", "message"),
    [
        ("radio1.mp4", "radio1.mp4: the annotations write Radio1, which differs by case alone; nothing to do"),
        ("Radio7.mp4", "Radio7.mp4: no annotated video is called Radio7; rename it as the text files have it"),
        ("Radio2_2.mp4", "Radio2_2.mp4: Radio2 has 2 annotated intervals, counted from 0; rename it"),
    ],
)
def test_videos_that_no_row_names_are_contradictions(hdtf, video, message):
    assert lines(RD.index(hdtf(video)), "mismatch")[0].startswith(f"mismatch: {message}")


def test_videos_of_other_subsets_are_passed_over_in_silence(hdtf, touch):
    touch("WDA_annotion_time.txt", content=b"JohnRoe.mp4 00:01-00:09\n")
    index = RD.index(hdtf("Radio1.mp4", "Radio2.mp4", "JaneDoe0.mp4", "JohnRoe.mp4", "WDA_JohnRoe_000.mp4"))
    assert not index.findings
    assert len(index.items) == 4


def test_empty_and_hidden_videos(hdtf, touch):
    root = hdtf("Radio2.mp4", "._Radio1.mp4")
    touch("Radio1.mp4", content=b"")
    index = RD.index(root)
    assert [i.name for i in index.items] == ["RD_Radio2_000", "RD_Radio2_001"]
    assert lines(index, "broken")[0].startswith("broken: Radio1.mp4 has no bytes")


def test_radio_numbers_are_people_and_other_numbers_videos_of_one(hdtf):
    times = "Radio1.mp4 00:01-00:02\nRadio2.mp4 00:01-00:02\nJaneDoe0.mp4 00:01-00:02\nJaneDoe1.mp4 00:01-00:02\n"
    index = RD.index(hdtf("Radio1.mp4", "Radio2.mp4", "JaneDoe0.mp4", "JaneDoe1.mp4", annotion_time=times))
    assert [item.speaker for item in index.items] == ["JaneDoe", "JaneDoe", "Radio1", "Radio2"]


def test_names_of_one_youtube_video_are_one_person_and_one_source(hdtf):
    url = TEXTS["video_url"].replace("ccccccccccc", "aaaaaaaaaaa")
    index = RD.index(hdtf("Radio1.mp4", "JaneDoe0.mp4", video_url=url))
    assert {(item.speaker, item.source) for item in index.items} == {("JaneDoe", "JaneDoe0")}


def test_a_person_stays_on_its_side_when_others_come(hdtf):
    before = {i.name: i.split for i in RD.index(hdtf("Radio1.mp4", "JaneDoe0.mp4")).items}
    after = {i.name: i.split for i in RD.index(hdtf("Radio2.mp4")).items}
    assert before.items() < after.items()


def test_the_shares_are_of_people_and_the_seed_draws_anew():
    people = [f"Person{i}" for i in range(2000)]
    sides = [identity_side(person, 0.1, 0.2, 0) for person in people]
    assert sides.count("test") == pytest.approx(200, abs=50)
    assert sides.count("val") == pytest.approx(400, abs=70)
    assert sides != [identity_side(person, 0.1, 0.2, 1) for person in people]


def test_a_frozen_split_does_not_move_between_versions():
    """By hand: the first byte of sha256("0:<person>") is 0x9b, 0x3 and 0x1c; a tenth ends at 0x19."""
    sides = [identity_side(person, 0.1, 0.1, 0) for person in ("JaneDoe", "Person2", "Person8")]
    assert sides == ["train", "test", "val"]


def edtalk(tmp_path, train, test):
    folder = tmp_path / "lists"
    folder.mkdir()
    for side, rows in (("train", train), ("test", test)):
        (folder / f"EDTalk_MEAD_{side}_list.json").write_text(json.dumps([f"M003#sad#level_1#{side}", *rows]))
    return HdtfLayout(split="edtalk", lists=str(folder), subsets=("RD",))


def test_edtalks_lists_put_intervals_on_sides_and_leave_out_the_others(hdtf, tmp_path):
    layout = edtalk(tmp_path, ["RD_Radio1_000#1", "RD_Radio1_000#2"], ["RD_Radio2_001#1"])
    index = layout.index(hdtf("Radio1.mp4", "RD_Radio2_001#1.mp4"))
    assert {item.name: item.split for item in index.items} == {"RD_Radio1_000": "train", "RD_Radio2_001-1": "test"}
    assert not lines(index, "leaking")
    assert not lines(index, "missing")  # JaneDoe0 is in neither list, so nobody misses it


def test_recordings_people_and_chunks_on_both_of_edtalks_sides_are_leaks(hdtf, tmp_path):
    layout = edtalk(tmp_path, ["RD_Radio2_000#1", "RD_Radio1_000#1"], ["RD_Radio2_001#1", "RD_Radio1_000#2"])
    index = layout.index(hdtf("Radio1.mp4", "Radio2.mp4"))
    assert lines(index, "leaking") == [
        "leaking: EDTalk's lists have chunks of RD_Radio1_000 on both sides; taken as test; "
        "move its chunks to one list",
        "leaking: recording Radio2 is on two sides: train: RD_Radio2_000; test: RD_Radio2_001; "
        "keep all that is cut from one recording on one side",
        "leaking: 1 of 2 speakers are on two sides of the split: Radio2; "
        "use a split by identity before calling the test people unseen",
    ]


@pytest.mark.parametrize("videos", [("Radio2.mp4",), ("Radio2_0.mp4", "Radio2_1.mp4"), ("RD_Radio2_000#1.mp4",
                                    "RD_Radio2_001#1.mp4")], ids=["whole", "cut", "chunks"])  # fmt: skip
def test_what_is_learnt_of_a_tested_recording_is_left_out_counted_and_still_a_finding(hdtf, tmp_path, videos):
    layout = edtalk(tmp_path, ["RD_Radio2_000#1", "RD_Radio1_000#1"], ["RD_Radio2_001#1"])
    root = hdtf("Radio1.mp4", *videos)
    index = layout.index(root)
    assert [(i.name[:13], i.split) for i in index.items] == [("RD_Radio1_000", "train"), ("RD_Radio2_001", "test")]
    assert index.counts["train clips left out, their recording being tested"] == 1
    assert lines(index, "leaking")[0].startswith("leaking: recording Radio2 is on two sides")
    assert len(replace(layout, torn="keep").index(root).items) == 3


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (
            HdtfLayout(torn="drop"),  # type: ignore[arg-type]
            "hdtf.torn: there is no 'drop'; choices: keep, leave_out",
        ),
        (HdtfLayout(subsets=("RDA",)), "hdtf.subsets: there is no 'RDA'; did you mean 'RD'? choices: RD, WDA, WRA"),
        (HdtfLayout(test_share=0.6, val_share=0.5), "hdtf.test_share=0.6 and hdtf.val_share=0.5 must be 0 or more and"),
        (HdtfLayout(split="edtalk"), "split=edtalk needs hdtf.lists=FOLDER"),
    ],
)
def test_options_that_cannot_be_are_refused(hdtf, layout, message):
    with pytest.raises(UserError) as error:
        layout.index(hdtf("Radio1.mp4"))
    assert str(error.value).startswith(message)


def test_a_root_that_is_not_hdtf_says_what_was_looked_for(touch):
    root = touch("talk_1.mp4")
    with pytest.raises(UserError) as error:
        HdtfLayout().index(root)
    assert str(error.value).startswith(f"data={root}: no HDTF here (looked for RD_annotion_time.txt and the other text")


def test_the_real_text_files_are_parsed_whole_and_their_disagreements_named(shared_meta):
    index = HdtfLayout().index(shared_meta / "hdtf")
    names = ("annotated videos", "annotated intervals", "crop rows", "video URLs")
    assert [index.counts[name] for name in names] == [369, 436, 421, 370]
    found = lines(index, "mismatch")
    no_crop = [line.split()[4] for line in found if "annotated interval" in line and "has no row" in line]
    assert len(no_crop) == 436 - 421
    assert {"Radio15_0", "Radio6_0", "LindaSnchez_0", "MittRomney_1"} < set(no_crop)
    assert sum("Radio24 has no row in RD_annotion_time" in line for line in found) == 2  # a URL and a resolution
    unusable = [line.split()[4] for line in found if "cannot be used" in line]
    assert unusable == ["MaggieHassan_0", "MazieHirono1_0", "KevinMcCarthy1_0", "KevinMcCarthy1_1", "PeterKing_0"]
    assert any("MittRomney_1 (00:33-08:53) is out of order" in line for line in found)
    assert any("JamesClyburn1 and WhipJimClyburn are the same YouTube video" in line for line in found)
    assert len(found) == 24


def test_edtalks_real_lists_share_recordings_and_people_between_their_sides(shared_meta, touch):
    for text in (shared_meta / "hdtf").iterdir():
        root = touch(text.name, content=text.read_bytes())
    for text in root.glob("*_annotion_time.txt"):
        touch(*(row.split()[0] for row in text.read_text(encoding="utf-8-sig").splitlines() if row.strip()))
    index = HdtfLayout(split="edtalk", lists=str(shared_meta), torn="keep").index(root)
    assert (len(index.items), index.counts["intervals in neither list of EDTalk"]) == (385, 51)
    kept = HdtfLayout(split="edtalk", lists=str(shared_meta)).index(root)
    assert len(kept.items) == 385 - kept.counts["train clips left out, their recording being tested"] == 365
    assert kept.counts["test clips"] == index.counts["test clips"]
    *recordings, people = lines(index, "leaking")
    assert len(recordings) == 13
    assert people.startswith("leaking: 33 of 261 speakers are on two sides of the split: BarackObama, BobCasey,")
