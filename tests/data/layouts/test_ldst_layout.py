import pytest

from erlnet.data.layouts.ldst import LdstLayout
from erlnet.errors import UserError

HEAD = "path,speaker,style,split\n"


def lines(index, kind):
    return [str(f) for f in index.findings if f.kind == kind]


def test_folders_say_speaker_and_style_and_no_side(touch):
    root = touch("anna/angry/talk.MP4", "anna/calm/talk.mkv", "bob/calm/my talk.mp4", "anna/.DS_Store", "readme.txt")
    index = LdstLayout().index(root)
    assert [(i.name, i.speaker, i.style, i.split, i.source) for i in index.items] == [
        ("anna-angry-talk", "anna", "angry", "", "anna/angry/talk.MP4"),
        ("anna-calm-talk", "anna", "calm", "", "anna/calm/talk.mkv"),
        ("bob-calm-my-talk", "bob", "calm", "", "bob/calm/my talk.mp4"),
    ]
    assert index.counts == {"speakers": 2, "styles": 2, "clips selected": 3}
    assert not index.findings


def test_names_that_would_be_alike_as_folders_are_told_apart(touch):
    index = LdstLayout().index(touch("anna/calm/a b.mp4", "anna/calm/a-b.mp4", "anna/calm/a_b.mp4"))
    assert [item.name for item in index.items] == ["anna-calm-a-b", "anna-calm-a-b-2", "anna-calm-a_b"]


def test_videos_at_other_depths_and_empty_ones_are_named(touch):
    root = touch("anna/calm/a.mp4", "anna/b.mp4", "anna/calm/more/c.mp4")
    touch("anna/calm/d.mp4", content=b"")
    index = LdstLayout().index(root)
    assert len(index.items) == 1
    assert lines(index, "mismatch") == [
        f"mismatch: {name} is not at <speaker>/<style>/<name> and was passed over; move it there, or list it in a "
        "manifest"
        for name in ("anna/b.mp4", "anna/calm/more/c.mp4")
    ]
    assert lines(index, "broken")[0].startswith("broken: anna/calm/d.mp4 has no bytes")


def test_a_root_without_such_folders_says_what_was_looked_for(touch):
    root = touch("talk.mp4")
    with pytest.raises(UserError) as error:
        LdstLayout().index(root)
    assert str(error.value).startswith(f"data={root}: no LDST here (looked for <speaker>/<style>/<name>.mp4, or a")


def test_a_manifest_says_speaker_style_and_side(touch):
    touch("lists/all.csv", content=f"\ufeff{HEAD}../a.mp4,anna,calm,train\nb.mp4, anna, angry, test\n\n".encode())
    index = LdstLayout(manifest="lists/all.csv").index(touch("a.mp4", "lists/b.mp4"))
    assert [(i.name, i.style, i.split) for i in index.items] == [
        ("anna-angry-b", "angry", "test"),
        ("anna-calm-a", "calm", "train"),
    ]
    assert not index.findings
    assert (index.counts["train clips"], index.counts["test clips"]) == (1, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,speaker,style\na.mp4,anna,calm\n", "lacks the column split; its first line must hold path,speaker,"),
        ("", "lacks the column path, speaker, style, split"),
        (HEAD, "lists no video; add rows of path,speaker,style,split"),
        (HEAD + "a.mp4,anna,calm,tset\n", "line 2 has the split 'tset'; did you mean 'test'? choices: train, val, "),
        (HEAD + "a.mp4,,calm,\n", "line 2 has no speaker; fill it in"),
        (HEAD + "a.mp4,anna\n", "line 2 has no style; fill it in"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_by_line(touch, text, message):
    touch("list.csv", content=text.encode())
    root = touch("a.mp4")
    with pytest.raises(UserError) as error:
        LdstLayout(manifest="list.csv").index(root)
    assert str(error.value).startswith(f"ldst.manifest: {root / 'list.csv'} {message}")


def test_a_manifest_that_is_not_there_is_named(touch):
    root = touch("a.mp4")
    with pytest.raises(UserError, match=r"no\.csv is not there; give it relative to the data's root"):
        LdstLayout(manifest="no.csv").index(root)


def test_a_manifest_that_is_no_text_is_refused(touch):
    touch("list.csv", content=b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"list\.csv cannot be read .*save it as a UTF-8 CSV file"):
        LdstLayout(manifest="list.csv").index(touch("a.mp4"))


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("gone.mp4,anna,calm,test", "missing: list.csv line 3: gone.mp4 is not there; bring the file, or take the row"),
        ("a.mp4,anna,angry,test", "mismatch: list.csv line 3: a.mp4 is listed again, first at line 2; the first row"),
        ("a.txt,anna,calm,test", "mismatch: list.csv line 3: a.txt is no video (.mp4, "),
        ("empty.mp4,anna,calm,test", "broken: empty.mp4 has no bytes"),
        ("b.mp4,anna,calm,", "mismatch: list.csv: 1 of 2 rows have no split, b.mp4 first; a run refuses the mixture"),
    ],
)
def test_rows_that_cannot_be_used_are_named_and_the_others_kept(touch, row, line):
    touch("list.csv", content=f"{HEAD}a.mp4,anna,calm,train\n{row}\n".encode())
    touch("empty.mp4", content=b"")
    index = LdstLayout(manifest="list.csv").index(touch("a.mp4", "a.txt", "b.mp4"))
    assert "anna-calm-a" in [item.name for item in index.items]
    (finding,) = index.findings
    assert str(finding).startswith(line)


def test_one_file_listed_under_two_spellings_of_its_path_is_listed_twice(touch):
    touch("list.csv", content=f"{HEAD}a.mp4,anna,calm,train\nx/../a.mp4,anna,calm,test\n".encode())
    index = LdstLayout(manifest="list.csv").index(touch("a.mp4", "x/b.mp4"))
    assert [item.split for item in index.items] == ["train"]
    assert "x/../a.mp4 is listed again, first at line 2" in lines(index, "mismatch")[0]
