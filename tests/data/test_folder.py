from pathlib import Path

import pytest

from erlnet.data.components import Folder
from erlnet.data.folder import prepared_clips
from erlnet.data.video_files import videos_in
from erlnet.errors import UserError


def test_videos_are_found_in_folders_and_named_files_are_taken_as_they_are(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("b.MP4", "a.mov", "deep/c.webm", "notes.txt"):
        (tmp_path / "in" / name).write_text("")
    given = [tmp_path / "x.bin", tmp_path / "in"]
    assert [p.name for p in videos_in(given)] == ["x.bin", "a.mov", "b.MP4", "c.webm"]


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
