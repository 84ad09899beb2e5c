"""MEAD (Wang et al., ECCV 2020): 8 emotions at 3 levels before 7 cameras, one sentence a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from erlnet.data.items import Finding, Index, Item, uniquely_named
from erlnet.data.layouts.edtalk import read_lists
from erlnet.data.layouts.listing import VIDEOS, check_root, check_words, empty_file, look, not_here, shown, walk
from erlnet.data.layouts.mead_names import EMOTIONS, LEVELS, SPEAKER, VIEWS, Selection, Spoken, View, from_flat_name
from erlnet.data.layouts.mead_tree import read_speaker
from erlnet.data.leaks import leaks
from erlnet.errors import UserError

SHAPE = "M003/video/front/angry/level_1/001.mp4 with M003/audio/angry/level_1/001.m4a, or M003#angry#level_1#001.mp4"
TEST_SPEAKERS = ("M003", "M030", "W009", "W015")  # the de facto set; EDTalk's lists have the same four
# The authors' README, "Training set & Testing set Split": the last 10 sentences of neutral and the last 6 of each other
# emotion, for each level.
TAIL = {emotion: 10 if emotion == "neutral" else 6 for emotion in EMOTIONS}


@dataclass(frozen=True)
class MeadLayout:
    """ROOT/M003/video/<view>/<emotion>/level_n/001.mp4 with ROOT/M003/audio/<emotion>/level_n/001.m4a.

    Also a doubled video/video, and flat names M003#angry#level_1#001.mp4 or M003_ang_3_026.mp4 anywhere under ROOT;
    those are the front view where no folder above them is named after another. An empty tuple selects all; folders that
    are not selected are not entered. A clip's style is "<emotion>-<level>" (angry-1), its source the sentence as it was
    spoken once, whatever the view.

    `split`: "speakers" tests M003, M030, W009 and W015. "edtalk" follows EDTalk's lists in the folder `lists`, and
    leaves out what neither names. "tail" tests the authors' last sentences, 10 of neutral and 6 of each other emotion,
    of each speaker and level, as counted by the selected views and the sound files; its people are all on both sides.
    """

    speakers: tuple[str, ...] = ()
    views: tuple[str, ...] = ("front",)
    emotions: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()
    split: Literal["speakers", "edtalk", "tail"] = "speakers"
    lists: str = ""  # the folder of EDTalk's two JSON files

    def index(self, root: Path) -> Index:
        check_words("mead.views", self.views, VIEWS)
        check_words("mead.emotions", self.emotions, EMOTIONS)
        check_words("mead.levels", self.levels, LEVELS)
        check_words("mead.split", [self.split], ("speakers", "edtalk", "tail"))
        check_root(root, "MEAD", SHAPE)
        listed, findings = (
            read_lists(self.lists, "mead.lists") if self.split == "edtalk" else (dict[str, str](), list[Finding]())
        )
        found = _find(root, self._selection())
        if not found.speakers and found.passed:
            names = ", ".join(shown(folder, root) for folder in found.passed)
            raise UserError(f"data={root}: nothing of MEAD that the options select; not selected and not read: {names}")
        if not found.speakers:
            raise not_here(root, "MEAD", SHAPE)
        check_words("mead.speakers", self.speakers, sorted(found.speakers))
        sides = self._sides(found, listed)
        items = uniquely_named(_item(view, sides[view.spoken]) for view in found.views if view.spoken in sides)
        findings += found.findings + leaks(items, by_identity=self.split != "tail")
        counts = {
            "speakers": len(found.speakers),
            "speakers selected": len(self.speakers) or len(found.speakers),
            "clips listed": len(found.views),
            "clips selected": len(items),
            "clips with a sound file": sum(item.sound is not None for item in items),
            "train clips": sum(item.split == "train" for item in items),
            "test clips": sum(item.split == "test" for item in items),
        }
        if self.split == "edtalk":
            counts["clips in neither list of EDTalk"] = len(found.views) - len(items)
        return Index(tuple(items), tuple(findings), counts)

    def _selection(self) -> Selection:
        def chosen(words, known):
            return tuple(k for k in known if not words or k in words)

        return Selection(
            self.speakers, chosen(self.views, VIEWS), chosen(self.emotions, EMOTIONS), chosen(self.levels, LEVELS)
        )

    def _sides(self, found: _Found, listed: dict[str, str]) -> dict[Spoken, str]:
        """sentence -> "train" or "test"; a sentence that is left out is not in it."""
        if self.split == "speakers":
            return {s: "test" if s.speaker in TEST_SPEAKERS else "train" for s in found.spoken}
        if self.split == "tail":
            return tail_split(found.spoken)
        names = {s: f"{s.speaker}#{s.emotion}#level_{s.level}#{s.number}" for s in found.spoken}
        return {s: listed[name] for s, name in names.items() if name in listed}


def tail_split(spoken: Iterable[Spoken]) -> dict[Spoken, str]:
    """The last sentences of each speaker, emotion and level are "test" (`TAIL` says how many), the others "train"."""
    groups: dict[tuple[str, str, int], list[Spoken]] = defaultdict(list)
    for sentence in sorted(spoken):
        groups[sentence.speaker, sentence.emotion, sentence.level].append(sentence)
    sides = {}
    for group in groups.values():
        first = len(group) - TAIL[group[0].emotion]
        sides.update({sentence: "test" if i >= first else "train" for i, sentence in enumerate(group)})
    return sides


@dataclass
class _Found:
    """What is under the root: speakers by any name there, the rest of the selection alone."""

    speakers: set[str]
    views: list[View]
    spoken: set[Spoken]
    findings: list[Finding]
    passed: list[Path]  # folders that were not entered, beside the official ones


def _find(root: Path, selection: Selection) -> _Found:
    top = look(root)
    official = [name for name in top.folders if SPEAKER.fullmatch(name) and (root / name / "video").is_dir()]
    found = _Found({name for name in top.folders if SPEAKER.fullmatch(name)}, [], set(), [], [])
    for speaker in official:
        if selection.has_speaker(speaker):
            tree = read_speaker(root, speaker, selection)
            found.views += tree.views
            found.spoken |= tree.spoken
            found.findings += tree.findings
    _find_flat(root, selection, set(official), found)
    for speaker in sorted(found.speakers - {view.spoken.speaker for view in found.views} - set(official)):
        if selection.has_speaker(speaker):
            what = f"{speaker}: neither {speaker}/video nor files named after the speaker hold anything selected"
            found.findings.append(Finding("missing", what, "extract the speaker's archives, or do not select this"))
    return found


def _find_flat(root: Path, selection: Selection, official: set[str], found: _Found) -> None:
    """Adds the repackaged names; the official trees were read, and what they hold is not taken twice."""
    taken = {(view.spoken, view.view): view.video for view in found.views}

    def enter(folder: Path) -> bool:
        if folder.parent == root and folder.name in official:
            return False
        if not selection.enters(folder.name):
            found.passed.append(folder)
            return False
        return True

    for folder in walk(root, enter):
        above = [part for part in folder.path.relative_to(root).parts if part in VIEWS]
        view = above[-1] if above else "front"
        for stem, (name, size) in folder.with_suffix(VIDEOS).items():
            spoken, path = from_flat_name(stem), folder.path / name
            if spoken is None:
                continue
            found.speakers.add(spoken.speaker)
            if not selection.has(spoken) or view not in selection.views:
                continue
            if not size:
                found.findings.append(empty_file(path, root))
            elif (spoken, view) in taken:
                what = f"{shown(path, root)} is the same clip as {shown(taken[spoken, view], root)} and was passed over"
                found.findings.append(Finding("mismatch", what, "keep one of the two"))
            else:
                taken[spoken, view] = path
                found.views.append(View(spoken, view, path))
                found.spoken.add(spoken)


def _item(view: View, side: str) -> Item:
    spoken = view.spoken
    return Item(
        name=f"{spoken.speaker}-{view.view}-{spoken.emotion}-{spoken.level}-{spoken.number}",
        video=view.video,
        speaker=spoken.speaker,
        style=f"{spoken.emotion}-{spoken.level}",
        source=spoken.recording,
        split=side,
        sound=view.sound,
    )
