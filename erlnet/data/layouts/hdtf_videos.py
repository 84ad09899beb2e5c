"""Which HDTF video files lie under a root, told by their names: whole downloads, cut clips, repackaged clips."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from erlnet.data.items import Finding
from erlnet.data.layouts.hdtf_files import Recording
from erlnet.data.layouts.hdtf_split import REPACKAGED, Key
from erlnet.data.layouts.listing import VIDEOS, empty_file, shown, walk


@dataclass(frozen=True)
class Cut:
    """A clip of one annotated interval, or a chunk of it."""

    video: Path
    chunk: str = ""  # "3" of ..._000#3
    repackaged: bool = False  # named RD_Radio1_000: 512 px squares, as they are passed on


@dataclass
class Videos:
    """Filled by `find_videos`."""

    whole: dict[str, Path] = field(default_factory=dict)  # recording's name -> its download
    cuts: dict[Key, dict[str, Cut]] = field(default_factory=dict)  # interval -> chunk ("" for all of it) -> clip
    findings: list[Finding] = field(default_factory=list)


def find_videos(root: Path, recordings: Iterable[Recording], ignored: Iterable[str], subsets: Iterable[str]) -> Videos:
    """Every video under `root`; names in `ignored` (of subsets that are not selected) are passed over in silence."""
    names = {recording.name: recording for recording in recordings}
    folded = {name.casefold(): name for name in names}
    passed = {name.casefold() for name in ignored}
    videos = Videos()
    for folder in walk(root):
        for stem, (file, size) in folder.with_suffix(VIDEOS).items():
            path = folder.path / file
            match = REPACKAGED.fullmatch(stem)
            name, index = (match[2], int(match[3])) if match else _name_and_index(stem, {*folded, *passed})
            if (match and match[1] not in subsets) or name.casefold() in passed:
                continue
            if not size:
                videos.findings.append(empty_file(path, root))
                continue
            known = names.get(name) or names.get(folded.get(name.casefold(), ""))
            _note(videos, known, name, index, shown(path, root), names)
            if match:
                key = (match[1], known.name if known else name, int(match[3]))
                _keep(videos, key, Cut(path, match[4] or "", True), root)
            elif known and index is not None and index < len(known.intervals):
                _keep(videos, (known.subset, known.name, index), Cut(path), root)
            elif known and index is None:
                first = videos.whole.setdefault(known.name, path)
                if first != path:
                    videos.findings.append(_twice(path, first, root))
    return videos


def _name_and_index(stem: str, known: set[str]) -> tuple[str, int | None]:
    """Radio1 -> (Radio1, None), Radio1_0 -> (Radio1, 0); a name that is known is not taken apart."""
    match = re.fullmatch(r"(.+)_(\d+)", stem)
    if match and stem.casefold() not in known:
        return match[1], int(match[2])
    return stem, None


def _note(
    videos: Videos, known: Recording | None, name: str, index: int | None, path: str, names: Mapping[str, Recording]
) -> None:
    """Adds what the file's name and the annotations disagree on."""
    if known is None:
        # Without any annotation there is nothing to disagree with: repackaged clips come without the text files.
        if names:
            what = f"{path}: no annotated video is called {name}"
            videos.findings.append(Finding("mismatch", what, "rename it as the text files have it, or take it away"))
    elif index is not None and index >= len(known.intervals):
        what = f"{path}: {known.name} has {len(known.intervals)} annotated intervals, counted from 0"
        videos.findings.append(Finding("mismatch", what, "rename it as the text files have it, or take it away"))
    elif known.name != name:
        what = f"{path}: the annotations write {known.name}, which differs by case alone"
        videos.findings.append(Finding("mismatch", what, "nothing to do: taken as the same"))


def _keep(videos: Videos, key: Key, cut: Cut, root: Path) -> None:
    chunks = videos.cuts.setdefault(key, {})
    if cut.chunk in chunks:
        videos.findings.append(_twice(cut.video, chunks[cut.chunk].video, root))
    else:
        chunks[cut.chunk] = cut


def _twice(path: Path, first: Path, root: Path) -> Finding:
    what = f"{shown(path, root)} is the same clip as {shown(first, root)} and was passed over"
    return Finding("mismatch", what, "keep one of the two")
