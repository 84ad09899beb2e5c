import pytest

from erlnet.data.layouts.voxceleb import VoxCelebLayout
from erlnet.data.layouts.voxceleb_tracks import read_track
from erlnet.errors import UserError

ONE, TWO = "aaaaaaaaaaa", "-bbbbbbbbb_"
HEAD = "Identity  : \t{}\nReference : \t{}\nOffset    : \t-1\nFV Conf   : \t17.9\t(1)\nASD Conf  : \t6.3\n\n"
PIXELS = (
    "FRAME \tX \tY \tW \tH\n000050 \t223 \t80 \t130 \t130 \n000051 \t223 \t80 \t130 \t130 \n000149 \t9 \t8 \t7 \t7 \n"
)
SHARES = "FRAME \tX \tY \tW \tH \n000349 \t0.319 \t-0.067 \t0.424 \t0.753 \n"


def lines(index, kind):
    return [str(f) for f in index.findings if f.kind == kind]


@pytest.fixture
def box(touch):
    def make(name, text=PIXELS, identity=None, youtube=None):
        _, folder, video, _ = name.rsplit("/", 3)
        return touch(name, content=(HEAD.format(identity or folder, youtube or video) + text).encode())

    return make


def test_voxceleb2s_folders_say_person_video_and_official_side(touch):
    root = touch(
        f"dev/mp4/id00012/{ONE}/00001.mp4", f"dev/aac/id00012/{ONE}/00001.m4a",
        f"test/mp4/id00017/{TWO}/00002.MP4", f"test/aac/id00017/{TWO}/00002.m4a",
    )  # fmt: skip
    index = VoxCelebLayout().index(root)
    assert [(i.name, i.speaker, i.style, i.source, i.split) for i in index.items] == [
        (f"dev-id00012-{ONE}-00001", "id00012", "", ONE, "train"),
        (f"test-id00017-{TWO}-00002", "id00017", "", TWO, "test"),
    ]
    assert index.items[0].sound == root / f"dev/aac/id00012/{ONE}/00001.m4a"
    assert not index.findings
    assert [i.split for i in VoxCelebLayout(subset=("test",)).index(root).items] == ["test"]
    assert [i.speaker for i in VoxCelebLayout(speakers=("id00012",)).index(root).items] == ["id00012"]


def test_one_utterance_as_a_clip_and_as_a_stretch_of_its_video_gives_two_names(touch, box):
    box("txt/id10001/aaaaaaaaaaa/00001.txt")
    index = VoxCelebLayout().index(touch("dev/mp4/id10001/aaaaaaaaaaa/00001.mp4", "videos/aaaaaaaaaaa.mp4"))
    assert [i.name for i in index.items] == ["dev-id10001-aaaaaaaaaaa-00001", "dev-id10001-aaaaaaaaaaa-00001-2"]


def test_missing_sound_is_named_at_the_highest_folder_that_lacks_it(touch):
    root = touch(
        f"test/mp4/id00017/{ONE}/00001.mp4",
        *(f"dev/mp4/id00012/{ONE}/0000{i}.mp4" for i in (1, 2, 3)), f"dev/aac/id00012/{ONE}/00002.m4a",
        f"dev/mp4/id00013/{TWO}/00001.mp4",
    )  # fmt: skip
    index = VoxCelebLayout().index(root)
    assert sorted(line.split(";")[0] for line in lines(index, "missing")) == [
        "missing: dev/aac lacks id00013",
        f"missing: dev/aac/id00012/{ONE} lacks the sound of 00001, 00003",
        "missing: test/aac holds no sound",
    ]
    assert len(index.items) == 5


def test_empty_videos_and_empty_sounds_are_broken(touch):
    touch(f"dev/mp4/id00012/{ONE}/00001.mp4", f"dev/aac/id00012/{ONE}/00002.m4a", content=b"")
    index = VoxCelebLayout().index(touch(f"dev/mp4/id00012/{ONE}/00002.mp4", f"dev/mp4/id00012/{ONE}/._00002.mp4"))
    assert [(item.name, item.sound) for item in index.items] == [(f"dev-id00012-{ONE}-00002", None)]
    assert len(lines(index, "broken")) == 2


def test_a_video_or_a_person_on_both_sides_is_a_leak(touch):
    root = touch(f"dev/mp4/id00012/{ONE}/00001.mp4", f"test/mp4/id00012/{ONE}/00001.mp4")
    index = VoxCelebLayout().index(root)
    assert len({item.name for item in index.items}) == 2
    video, person = lines(index, "leaking")
    assert video.startswith(f"leaking: recording {ONE} is on two sides: train: dev-id00012-{ONE}-00001; test: test-id")
    assert person.startswith("leaking: 1 of 1 speakers are on two sides of the split: id00012")


def test_voxceleb1s_text_boxes_say_which_stretch_of_a_video_to_take(touch, box):
    box(f"txt/id10270/{ONE}/00001.txt")
    box(f"txt/id10001/{TWO}/00003.txt")
    root = touch(f"videos/{ONE}.webm", f"videos/Somebody speaks [{TWO}].mkv")
    index = VoxCelebLayout().index(root)
    assert [(i.name, i.split, i.start, i.stop, i.box) for i in index.items] == [
        (f"dev-id10001-{TWO}-00003", "train", 2.0, 6.0, None),
        (f"test-id10270-{ONE}-00001", "test", 2.0, 6.0, None),
    ]
    assert not index.findings
    assert [i.speaker for i in VoxCelebLayout(subset=("test",)).index(root).items] == ["id10270"]


@pytest.mark.parametrize("place", ["videos/", "videos/id10001/", "video/", ""])
@pytest.mark.parametrize("txt", ["txt", "dev/txt"])
def test_voxceleb1s_videos_are_looked_for_in_the_stated_places(touch, box, place, txt):
    box(f"{txt}/id10001/{ONE}/00001.txt")
    root = touch(f"{place}{ONE}.mp4")
    assert [item.video for item in VoxCelebLayout().index(root).items] == [root / f"{place}{ONE}.mp4"]


@pytest.mark.parametrize(
    ("identity", "side"), [("id10269", "train"), ("id10270", "test"), ("id10309", "test"), ("id10310", "train")]
)
def test_voxceleb1s_test_people_are_the_forty_official_ones(touch, box, identity, side):
    box(f"txt/{identity}/{ONE}/00001.txt")
    (item,) = VoxCelebLayout().index(touch(f"videos/{ONE}.mp4")).items
    assert item.split == side


def test_a_video_that_is_not_there_is_one_finding_for_all_its_utterances(touch, box):
    box(f"txt/id10001/{ONE}/00001.txt")
    root = box(f"txt/id10001/{ONE}/00002.txt")
    index = VoxCelebLayout().index(root)
    assert not index.items
    assert lines(index, "missing") == [
        f"missing: the video {ONE} of id10001 (2 utterances) is not in videos or video or .; "
        "download it from YouTube where it is still up, named <id>.mp4"
    ]


def test_a_text_file_that_contradicts_its_folder_is_named(touch, box):
    box(f"txt/id10001/{ONE}/00001.txt", identity="id10002", youtube=TWO)
    index = VoxCelebLayout().index(touch(f"videos/{ONE}.mp4"))
    assert [line.split(";")[0] for line in lines(index, "mismatch")] == [
        f"mismatch: txt/id10001/{ONE}/00001.txt says Identity id10002, its folder id10001",
        f"mismatch: txt/id10001/{ONE}/00001.txt says Reference {TWO}, its folder {ONE}",
    ]
    assert len(index.items) == 1


def test_a_broken_text_file_costs_its_clip_alone(touch, box):
    box(f"txt/id10001/{ONE}/00001.txt", text="FRAME X Y W H\n000050 1 2 3\n")
    box(f"txt/id10001/{ONE}/00002.txt")
    index = VoxCelebLayout().index(touch(f"videos/{ONE}.mp4"))
    assert len(index.items) == 1
    assert lines(index, "broken") == [
        f"broken: txt/id10001/{ONE}/00001.txt: line 8 '000050 1 2 3' is not 'FRAME X Y W H'; "
        "extract the text archive again"
    ]


@pytest.mark.parametrize(("text", "stretch"), [(PIXELS, (2.0, 6.0)), (SHARES, (13.96, 14.0))])
def test_boxes_in_px_and_in_shares_of_the_picture_are_read(text, stretch):
    track = read_track(HEAD.format("id10001", ONE) + text)
    assert (track.identity, track.reference) == ("id10001", ONE)
    assert (track.start, track.stop) == pytest.approx(stretch)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FRAME X Y W H\n", "it lists no frame"),
        ("FRAME X Y W H\n5 1 1 1 1\n5 1 1 1 1\n", "line 3: frame 5 comes after frame 5"),
        ("FRAME X Y W H\n5 1 1 1 wide\n", "line 2 '5 1 1 1 wide' is not 'FRAME X Y W H'"),
        ("404 not found", "line 1 '404 not found' is not 'FRAME X Y W H'"),
    ],
)
def test_text_that_is_no_track_is_refused_by_line(text, message):
    with pytest.raises(ValueError, match=message.replace("'", ".")):
        read_track(text)


def test_an_unknown_person_is_answered_with_the_closest_of_thousands(touch):
    root = touch(*(f"dev/mp4/id{i:05d}/{ONE}/00001.mp4" for i in range(100)))
    with pytest.raises(UserError) as error:
        VoxCelebLayout(speakers=("id0012",)).index(root)
    message = str(error.value)
    assert message.startswith("voxceleb.speakers: there is no 'id0012'; did you mean 'id000")
    assert message.endswith("of 100")
    assert len(message) < 200


def test_a_root_that_is_not_voxceleb_says_what_was_looked_for(touch):
    root = touch("id00012/talk.mp4")
    with pytest.raises(UserError) as error:
        VoxCelebLayout(subset=("dev",)).index(root)
    assert str(error.value).startswith(
        f"data={root}: no VoxCeleb (dev) here (looked for dev/mp4/id00012/<youtube id>/00001.mp4 of VoxCeleb2, or"
    )
