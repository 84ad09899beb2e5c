"""One MEAD speaker's folder in the official layout: video/<view>/<emotion>/level_n and audio/<emotion>/level_n."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from erlnet.data.items import Finding
from erlnet.data.layouts.listing import SOUND_SUFFIXES, VIDEOS, Folder, empty_file, look, shown
from erlnet.data.layouts.mead_names import EMOTIONS, LEVELS, VIEWS, Selection, Spoken, View, sentence_number
from erlnet.registry import did_you_mean

# What the authors were told is absent from their own download, and confirmed: https://github.com/uniBruce/Mead/issues/9
KNOWN_HOLES = {
    "W017": "the release itself lacks views of W017 (only 'down' was found there): select another speaker or view",
    "M011": "the release itself lacks some emotions and views of M011: nothing to download, select what is there",
    "M019": "the release itself lacks some emotions and views of M019: nothing to download, select what is there",
}


@dataclass
class SpeakerTree:
    """What one speaker's folder holds of the selection, and what is wrong there. Filled by `read_speaker`."""

    root: Path
    speaker: str
    selection: Selection
    views: list[View] = field(default_factory=list)
    spoken: set[Spoken] = field(default_factory=set)  # by any selected view, or by the sound files
    findings: list[Finding] = field(default_factory=list)

    def lacks(self, folder: Path, what: Iterable[str], kind: str = "") -> None:
        names = ", ".join(what)
        if names:
            remedy = KNOWN_HOLES.get(self.speaker, "extract the speaker's archives again, or do not select this")
            self.findings.append(Finding("missing", f"{shown(folder, self.root)} lacks {kind}{names}", remedy))

    def strange(self, folder: Folder, known: Iterable[str], what: str) -> None:
        for name in folder.folders:
            if name not in known:
                self.findings.append(
                    Finding(
                        "mismatch", f"{shown(folder.path / name, self.root)} is no {what} of MEAD and was passed over",
                        f"rename it where it is one: {did_you_mean(name, known)}",
                    )
                )  # fmt: skip


def read_speaker(root: Path, speaker: str, selection: Selection) -> SpeakerTree:
    """Lists ROOT/<speaker>, of which only the selected folders are entered."""
    tree = SpeakerTree(root, speaker, selection)
    sounds = _sounds(tree)
    videos = _undoubled(root / speaker / "video", VIEWS)
    tree.strange(videos, VIEWS, "view")
    tree.lacks(videos.path, [v for v in selection.views if v not in videos.folders], "the view ")
    seen: dict[tuple[str, int], dict[str, set[str]]] = defaultdict(dict)  # (emotion, level) -> view -> numbers
    for view in selection.views:
        if view in videos.folders:
            _read_view(tree, look(videos.path / view), view, sounds, seen)
    for (emotion, level), by_view in seen.items():
        whole = set().union(*by_view.values())
        for view, numbers in by_view.items():
            place = videos.path / view / emotion / f"level_{level}"
            tree.lacks(place, sorted(whole - numbers), "what another view has: ")
    tree.spoken |= {view.spoken for view in tree.views}
    return tree


def _read_view(tree: SpeakerTree, folder: Folder, view: str, sounds: dict[Spoken, Path], seen: dict) -> None:
    tree.strange(folder, EMOTIONS, "emotion")
    present = [emotion for emotion in tree.selection.emotions if emotion in folder.folders]
    wanted = [e for e in tree.selection.emotions if tree.selection.levels_of(e)]
    tree.lacks(folder.path, [e for e in wanted if e not in present], "the emotion ")
    for emotion in present:
        levels = look(folder.path / emotion)
        tree.strange(levels, [f"level_{n}" for n in ((1,) if emotion == "neutral" else LEVELS)], f"level of {emotion}")
        names = {level: f"level_{level}" for level in tree.selection.levels_of(emotion)}
        tree.lacks(levels.path, [name for name in names.values() if name not in levels.folders])
        for level, name in names.items():
            if name in levels.folders:
                videos = _numbered(tree, look(levels.path / name), VIDEOS)
                seen[emotion, level][view] = set(videos)
                if not videos:
                    tree.lacks(levels.path / name, ["any video"])
                for number, (path, size) in videos.items():
                    spoken = Spoken(tree.speaker, emotion, level, number)
                    if size:
                        tree.views.append(View(spoken, view, path, sounds.get(spoken)))
                    else:
                        tree.findings.append(empty_file(path, tree.root))
                _miss_sounds(tree, emotion, level, videos, sounds)


def _numbered(tree: SpeakerTree, folder: Folder, suffixes: tuple[str, ...]) -> dict[str, tuple[Path, int]]:
    """Sentence number -> (path, bytes); of two names of one number (001 and 1) the first counts."""
    found: dict[str, tuple[Path, int]] = {}
    for stem, (name, size) in folder.with_suffix(suffixes).items():
        number = sentence_number(stem)
        if number is None:
            what = f"{shown(folder.path / name, tree.root)} is no sentence number and was passed over"
            tree.findings.append(Finding("mismatch", what, "rename it like 001.mp4 where it is a sentence"))
        elif number in found:
            first = shown(found[number][0], tree.root)
            what = f"{shown(folder.path / name, tree.root)} is the same sentence as {first} and was passed over"
            tree.findings.append(Finding("mismatch", what, "keep one of the two"))
        else:
            found[number] = (folder.path / name, size)
    return found


def _sounds(tree: SpeakerTree) -> dict[Spoken, Path]:
    """Sound files of the selected emotions and levels, whatever the view: one microphone, seven cameras."""
    audio = _undoubled(tree.root / tree.speaker / "audio", EMOTIONS)
    sounds = {}
    for emotion, level in tree.selection.moods():
        if emotion in audio.folders:
            folder = look(audio.path / emotion / f"level_{level}")
            for number, (path, size) in _numbered(tree, folder, SOUND_SUFFIXES).items():
                spoken = Spoken(tree.speaker, emotion, level, number)
                tree.spoken.add(spoken)
                if size:
                    sounds[spoken] = path
                else:
                    tree.findings.append(empty_file(path, tree.root))
    if not audio.folders:
        tree.findings.append(Finding("missing", f"{tree.speaker} has no sound in {tree.speaker}/audio", OWN_SOUND))
    return sounds


def _miss_sounds(tree: SpeakerTree, emotion: str, level: int, numbers: Iterable[str], sounds: dict) -> None:
    missing = [n for n in sorted(numbers) if Spoken(tree.speaker, emotion, level, n) not in sounds]
    what = f"{tree.speaker}/audio/{emotion}/level_{level} lacks the sound of {', '.join(missing)}"
    finding = Finding("missing", what, OWN_SOUND)
    # No audio folder at all was said once; another view of the same sentences says the same again.
    if missing and sounds and finding not in tree.findings:
        tree.findings.append(finding)


def _undoubled(path: Path, known: Iterable[str]) -> Folder:
    """`path`, or the folder of the same name in it (video/video) where only that holds the known names."""
    folder = look(path)
    if path.name in folder.folders and not set(known) & set(folder.folders):
        return look(path / path.name)
    return folder


OWN_SOUND = "the sound in the videos is taken instead, where they have any; extract the speaker's audio archive"
