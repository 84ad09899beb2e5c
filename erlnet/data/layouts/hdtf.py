"""HDTF (Zhang et al., CVPR 2021): YouTube videos of speeches, with annotated intervals and crops beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from erlnet.data.items import Finding, Index, Item, uniquely_named
from erlnet.data.layouts.edtalk import read_lists
from erlnet.data.layouts.hdtf_files import SUBSETS, TIMES, Annotations, Interval, Recording, identity_of
from erlnet.data.layouts.hdtf_files import read_annotations as read
from erlnet.data.layouts.hdtf_split import Key, check_shares, edtalk_sides, identity_side, without_torn
from erlnet.data.layouts.hdtf_videos import Cut, Videos, find_videos
from erlnet.data.layouts.listing import check_root, check_words, not_here
from erlnet.data.leaks import leaks

SHAPE = f"RD_{TIMES}.txt and the other text files with Radio1.mp4 or Radio1_0.mp4 anywhere, or names like RD_Radio1_000"


@dataclass(frozen=True)
class HdtfLayout:
    """The text files {RD,WDA,WRA}_*.txt in ROOT or ROOT/HDTF_dataset, videos anywhere under ROOT.

    Videos are whole downloads (<name>.mp4: every annotated interval becomes a clip with the annotated cut), clips of
    one interval (<name>_<i>.mp4), or repackaged ones (RD_Radio1_000.mp4, also in chunks: RD_Radio1_000#1.mp4). Where
    an interval is there more than once, its own clip is taken before chunks, and chunks before the whole video.

    `clips` says what <name>_<i>.mp4 shows: "cropped", as the usual scripts leave them, so that the annotated cut does
    not apply; or "whole" pictures. Repackaged clips are always taken as cropped. Videos are not opened to find out.

    A person is a name without the digits at its end; Radio1, Radio2, ... are all different people; names with one
    YouTube video are one person. `split` "identity" puts every person on a side by a hash of `seed` and the name, so
    that a new video moves no other one; the shares are of people. "edtalk" follows EDTalk's lists in the folder
    `lists` and leaves out what neither names; some people are on both of its sides, which is reported as a leak. So are
    recordings: `torn` "leave_out" leaves their train clips out; "keep" learns from them, and a run then refuses those
    whose annotated times are within 0.4 s of a test clip's.
    """

    split: Literal["identity", "edtalk"] = "identity"
    test_share: float = 0.1
    val_share: float = 0.1
    seed: int = 0
    lists: str = ""  # the folder of EDTalk's two JSON files
    subsets: tuple[str, ...] = ()  # of RD, WDA, WRA; () is all
    clips: Literal["cropped", "whole"] = "cropped"
    torn: Literal["keep", "leave_out"] = "leave_out"

    def index(self, root: Path) -> Index:
        check_words("hdtf.split", [self.split], ("identity", "edtalk"))
        check_words("hdtf.subsets", self.subsets, SUBSETS)
        check_words("hdtf.clips", [self.clips], ("cropped", "whole"))
        check_words("hdtf.torn", [self.torn], ("keep", "leave_out"))
        check_shares(self.test_share, self.val_share)
        check_root(root, "HDTF", SHAPE)
        findings: list[Finding] = []
        sides: dict[Key, str] | None = None
        if self.split == "edtalk":
            listed, findings = read_lists(self.lists, "hdtf.lists")
            sides, torn = edtalk_sides(listed)
            findings += torn
        subsets = [s for s in SUBSETS if not self.subsets or s in self.subsets]
        annotations, ignored = _annotations(root, subsets)
        videos = find_videos(root, annotations.recordings, ignored, subsets)
        if not (annotations.recordings or videos.cuts or ignored):
            raise not_here(root, "HDTF", SHAPE)
        items = uniquely_named(self._items(annotations, videos, sides))
        findings += [*annotations.findings, *videos.findings, *_missing(annotations, videos, sides)]
        findings += leaks(items, by_identity=True)
        kept = without_torn(items) if sides is not None and self.torn == "leave_out" else items
        counts = self._counts(annotations, videos, kept, sides)
        if len(kept) < len(items):
            counts["train clips left out, their recording being tested"] = len(items) - len(kept)
        return Index(tuple(_apart(kept, videos, annotations)), tuple(findings), counts)

    def _items(self, annotations: Annotations, videos: Videos, sides: dict[Key, str] | None) -> Iterator[Item]:
        recordings = {(r.subset, r.name): r for r in annotations.recordings}
        for key, cuts in videos.cuts.items():
            recording = recordings.get(key[:2]) or _unannotated(key)
            side = self._side(key, recording, sides)
            if side:
                interval = next((i for i in recording.intervals if i.index == key[2]), None)
                whole = {"": cuts[""]} if "" in cuts else cuts
                yield from (self._cut(key, cut, recording, interval, side) for cut in whole.values())
        for recording in annotations.recordings:
            for interval in recording.intervals:
                key = (recording.subset, recording.name, interval.index)
                side = self._side(key, recording, sides)
                if side and interval.in_order and recording.name in videos.whole and key not in videos.cuts:
                    video = videos.whole[recording.name]
                    yield Item(_name(key), video, recording.identity, "", recording.source, side,
                               start=interval.start, stop=interval.stop, box=interval.box)  # fmt: skip

    def _cut(self, key: Key, cut: Cut, recording: Recording, interval: Interval | None, side: str) -> Item:
        box = interval.box if interval and self.clips == "whole" and not cut.repackaged else None
        return Item(
            _name(key, cut.chunk), cut.video, recording.identity, "", recording.source, side, box=box,
            place=interval.start if interval and not cut.chunk else 0.0,
        )  # fmt: skip

    def _side(self, key: Key, recording: Recording, sides: dict[Key, str] | None) -> str:
        """ "" where the clip is left out."""
        if sides is None:
            return identity_side(recording.identity, self.test_share, self.val_share, self.seed)
        return sides.get(key, "")

    def _counts(
        self, annotations: Annotations, videos: Videos, items: list[Item], sides: dict[Key, str] | None
    ) -> dict[str, int]:
        counts = {
            "annotated videos": len(annotations.recordings),
            **annotations.counts,
            "whole videos": len(videos.whole),
            "clips of intervals": sum(len(cuts) for cuts in videos.cuts.values()),
            "people selected": len({item.speaker for item in items}),
            "clips selected": len(items),
            "clips with an annotated cut": sum(item.box is not None for item in items),
            **{f"{side} clips": sum(item.split == side for item in items) for side in ("train", "val", "test")},
        }
        if sides is not None:
            keys = {*videos.cuts, *((r.subset, r.name, i.index) for r in annotations.recordings
                                    if r.name in videos.whole for i in r.intervals)}  # fmt: skip
            counts["intervals in neither list of EDTalk"] = len(keys - set(sides))
        return counts


def _annotations(root: Path, subsets: list[str]) -> tuple[Annotations, set[str]]:
    """(rows of the selected subsets, names in the others); empty with a finding where no text file is there."""
    for folder in (root, root / "HDTF_dataset"):
        if any((folder / f"{subset}_{TIMES}.txt").is_file() for subset in SUBSETS):
            others = read(folder, [subset for subset in SUBSETS if subset not in subsets])
            return read(folder, subsets), {r.name for r in others.recordings}
    what = f"no text files (RD_{TIMES}.txt, ...) in the root or its folder HDTF_dataset"
    remedy = "put them there: without them, names of one video cannot be told to be one person, nor what is missing"
    return Annotations((), (Finding("missing", what, remedy),), {}), set()


def _missing(annotations: Annotations, videos: Videos, sides: dict[Key, str] | None) -> Iterator[Finding]:
    """A finding an annotated video of which something that the split wants is not there."""
    for r in annotations.recordings:
        keys = [(r.subset, r.name, i.index) for i in r.intervals]
        lacking = [key for key in keys if key not in videos.cuts and (sides is None or key in sides)]
        if lacking and r.name not in videos.whole:
            clips = "" if lacking == keys else f", and its clips {', '.join(_name(key) for key in lacking)} neither"
            what = f"{r.subset}: {r.name}.mp4 is not there{clips}; it is {r.url or 'without a URL'}"
            yield Finding("missing", what, "download it where it is still up; such videos vanish")


def _apart(items: list[Item], videos: Videos, annotations: Annotations) -> Iterator[Item]:
    """The items, those that lie nobody knows where in their recording as sources of their own.

    That is chunks, and intervals without a row. With the recording as their source they would all begin at its first
    frame, and the leak check would compare frames that have nothing to do with each other. What is lost is only the
    look at neighbouring frames: an interval's chunks are all on one side.
    """
    known = {(r.subset, r.name, interval.index) for r in annotations.recordings for interval in r.intervals}
    unplaced = {
        cut.video: f"_{key[2]:03d}" + (f"-{cut.chunk}" if cut.chunk else "")
        for key, cuts in videos.cuts.items()
        for cut in cuts.values()
        if cut.chunk or key not in known
    }
    for item in items:
        yield replace(item, source=item.source + unplaced.get(item.video, ""))


def _unannotated(key: Key) -> Recording:
    subset, name, _ = key
    return Recording(subset, name, "", identity_of(name), name, ())


def _name(key: Key, chunk: str = "") -> str:
    """RD_Radio1_000, as repackaged clips are called; RD_Radio1_000-3 for a chunk."""
    subset, name, index = key
    return f"{subset}_{name}_{index:03d}" + (f"-{chunk}" if chunk else "")
