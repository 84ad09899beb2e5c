"""VoxCeleb1's videos: YouTube downloads, with text boxes in txt/<identity>/<youtube id>/00001.txt."""

from __future__ import annotations

import re
from pathlib import Path

from erlnet.data.items import Finding, Item
from erlnet.data.layouts.listing import VIDEOS, Folder, empty_file, look, shown
from erlnet.data.layouts.voxceleb_names import IDENTITY, SIDES, Found, is_first, subset_of_first
from erlnet.data.layouts.voxceleb_tracks import Track, read_track

TXT = ("txt", "dev/txt", "test/txt")
VIDEO_FOLDERS = ("videos", "video", ".")  # the first that has a video is taken
_BRACKETED = re.compile(r".*\[([\w-]{11})\]")  # "Title [id]", as download tools name a video


def read_first(found: Found, root: Path, subsets: list[str], speakers: tuple[str, ...]) -> None:
    """Adds a clip a text file whose video is there. Text files of VoxCeleb2's people are passed over."""
    videos: dict[str, tuple[Path, int]] | None = None
    done: set[str] = set()  # the same text file may lie in txt and in dev/txt
    for folder in TXT:
        top = look(root / folder)
        for identity in (name for name in top.folders if IDENTITY.fullmatch(name) and is_first(name)):
            if subset_of_first(identity) not in subsets:
                continue
            found.speakers.add(identity)
            if speakers and identity not in speakers:
                continue
            videos = _downloads(root) if videos is None else videos
            own = _by_youtube(look(root / VIDEO_FOLDERS[0] / identity))
            for youtube in look(top.path / identity).folders:
                if f"{identity}/{youtube}" not in done:
                    done.add(f"{identity}/{youtube}")
                    texts = look(top.path / identity / youtube)
                    _read_video(found, root, identity, youtube, texts, own.get(youtube) or videos.get(youtube))


def _read_video(
    found: Found, root: Path, identity: str, youtube: str, texts: Folder, video: tuple[Path, int] | None
) -> None:
    names = texts.with_suffix([".txt"])
    if not names:
        return
    if video is None:
        what = f"the video {youtube} of {identity} ({len(names)} utterances) is not in {' or '.join(VIDEO_FOLDERS)}"
        found.findings.append(Finding("missing", what, "download it from YouTube where it is still up, named <id>.mp4"))
        return
    path, size = video
    if not size:
        if empty_file(path, root) not in found.findings:  # two people may share a video
            found.findings.append(empty_file(path, root))
        return
    for stem, (name, _) in names.items():
        place = shown(texts.path / name, root)
        try:
            track = read_track((texts.path / name).read_text(encoding="utf-8", errors="replace"))
        except ValueError as error:
            found.findings.append(Finding("broken", f"{place}: {error}", "extract the text archive again"))
            continue
        found.findings += _contradictions(track, identity, youtube, place)
        found.items.append(
            Item(
                f"{subset_of_first(identity)}-{identity}-{youtube}-{stem}", path, identity, "", youtube,
                SIDES[subset_of_first(identity)], start=track.start, stop=track.stop,
            )
        )  # fmt: skip


def _contradictions(track: Track, identity: str, youtube: str, place: str) -> list[Finding]:
    pairs = (("Identity", track.identity, identity), ("Reference", track.reference, youtube))
    return [
        Finding("mismatch", f"{place} says {name} {inside}, its folder {outside}", "the folder counts; check the file")
        for name, inside, outside in pairs
        if inside and inside != outside
    ]


def _downloads(root: Path) -> dict[str, tuple[Path, int]]:
    videos: dict[str, tuple[Path, int]] = {}
    for folder in VIDEO_FOLDERS:
        for youtube, video in _by_youtube(look(root / folder)).items():
            videos.setdefault(youtube, video)
    return videos


def _by_youtube(folder: Folder) -> dict[str, tuple[Path, int]]:
    """YouTube id -> (path, bytes), the id being the file's name or standing in brackets at its end."""
    videos = {}
    for stem, (name, size) in folder.with_suffix(VIDEOS).items():
        match = _BRACKETED.fullmatch(stem)
        videos[match[1] if match else stem] = (folder.path / name, size)
    return videos
