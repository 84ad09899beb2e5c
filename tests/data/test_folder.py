from pathlib import Path

import pytest

from erlnet.data.components import Folder
from erlnet.data.folder import prepared_clips, videos_index
from erlnet.data.video_files import videos_in
from erlnet.errors import UserError


def test_videos_are_found_in_folders_and_named_files_are_taken_as_they_are(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("b.MP4", "a.mov", "deep/c.webm", "notes.txt"):
        (tmp_path / "in" / name).write_text("")
    given = [tmp_path / "x.bin", tmp_path / "in"]
    assert [p.name for p in videos_in(given)] == ["x.bin", "a.mov", "b.MP4", "c.webm"]


def test_hidden_files_and_folders_called_like_videos_are_passed_over(tmp_path):
    for folder in ("x.mp4", ".trash"):
        (tmp_path / folder).mkdir()
    for name in ("talk.mp4", "._talk.mp4", "x.mp4/inside.mp4", ".trash/old.mp4"):
        (tmp_path / name).write_text("")
    assert [str(p.relative_to(tmp_path)) for p in videos_in([tmp_path])] == ["talk.mp4", "x.mp4/inside.mp4"]


def test_a_link_to_nowhere_is_listed_so_that_it_is_missed(tmp_path):
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert [p.name for p in videos_in([tmp_path])] == ["gone.mp4"]


@pytest.mark.parametrize(
    ("videos", "names"),
    [
        (["x y.mpg", "x-y.mpg"], ["x-y", "x-y-2"]),
        (["x/talk.mp4", "y/talk.mp4", "y/other.mp4"], ["x-talk", "y-talk", "other"]),
        (["x/talk.mp4", "y/talk.mp4", "y/talk.mov"], ["x-talk", "y-talk-mp4", "y-talk-mov"]),
        (["a/y/talk.mp4", "b/y/talk.mp4"], ["a-y-talk", "b-y-talk"]),
        (["x-talk.mp4", "x/talk.mp4", "talk.mp4"], ["x-talk-2", "x-talk", "talk"]),
        (["in/talk.mov", "in/talk.mp4"], ["talk-mov", "talk-mp4"]),
    ],
)
def test_names_tell_videos_apart_by_what_differs_below_their_common_folder(tmp_path, videos, names):
    named = {item.video: item.name for item in videos_index([tmp_path / video for video in videos]).items}
    assert [named[tmp_path / video] for video in videos] == names


def test_a_videos_name_does_not_depend_on_the_order_given(tmp_path):
    videos = [tmp_path / "x y.mpg", tmp_path / "x-y.mpg"]
    assert videos_index(videos) == videos_index(videos[::-1])


def test_a_folder_with_nothing_in_it_is_named(tmp_path):
    source = Folder().build()
    with pytest.raises(UserError, match=r"neither prepared clips nor videos"):
        source.fingerprint(tmp_path)
    with pytest.raises(UserError, match="there is no such file or folder"):
        source.fingerprint(tmp_path / "absent.mp4")
    with pytest.raises(UserError, match="needs data="):
        source.fingerprint(None)


def test_prepared_clips_are_used_in_place_and_hashed_by_content(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.json").write_text(name)
    assert [p.name for p in prepared_clips(tmp_path)] == ["a", "b"]
    assert prepared_clips(tmp_path / "a") == [tmp_path / "a"]
    before = Folder().build().fingerprint(tmp_path)
    assert before == Folder().build().fingerprint(Path(tmp_path))
    (tmp_path / "a" / "clip.json").write_text("changed")
    assert Folder().build().fingerprint(tmp_path) != before


def test_the_same_video_elsewhere_has_the_same_fingerprint(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "v.mp4").write_bytes(b"same")
    source = Folder().build()
    assert source.fingerprint(tmp_path / "one" / "v.mp4") == source.fingerprint(tmp_path / "two" / "v.mp4")
