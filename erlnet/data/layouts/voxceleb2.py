"""VoxCeleb2's folders: {dev,test}/mp4/<identity>/<youtube id>/00001.mp4, sound beside it in aac/."""

from __future__ import annotations

from pathlib import Path

from erlnet.data.items import Finding, Item
from erlnet.data.layouts.listing import SOUND_SUFFIXES, VIDEOS, empty_file, look, shown
from erlnet.data.layouts.voxceleb_names import IDENTITY, SIDES, Found


def read_second(found: Found, root: Path, subset: str, speakers: tuple[str, ...]) -> None:
    """Adds the clips of `subset`; people who are not selected are named, and their folders not entered."""
    top = look(root / subset / "mp4")
    if not top.folders:
        return
    identities = [name for name in top.folders if IDENTITY.fullmatch(name)]
    found.speakers.update(identities)
    with_sound = set(look(root / subset / "aac").folders)
    if not with_sound:
        found.findings.append(Finding("missing", f"{subset}/aac holds no sound", OWN_SOUND))
    for identity in identities:
        if speakers and identity not in speakers:
            continue
        if with_sound and identity not in with_sound:
            found.findings.append(Finding("missing", f"{subset}/aac lacks {identity}", OWN_SOUND))
        for youtube in look(top.path / identity).folders:
            _read_video(found, root, subset, f"{identity}/{youtube}", identity in with_sound)


def _read_video(found: Found, root: Path, subset: str, below: str, with_sound: bool) -> None:
    """One YouTube video's clips; `below` is <identity>/<youtube id>."""
    identity, youtube = below.split("/")
    folder = look(root / subset / "mp4" / below)
    sounds = look(root / subset / "aac" / below).with_suffix(SOUND_SUFFIXES) if with_sound else {}
    silent = []
    for stem, (name, size) in folder.with_suffix(VIDEOS).items():
        if not size:
            found.findings.append(empty_file(folder.path / name, root))
            continue
        sound, sound_size = sounds.get(stem, ("", 0))
        path = root / subset / "aac" / below / sound
        if sound and not sound_size:
            found.findings.append(empty_file(path, root))
        elif not sound:
            silent.append(stem)
        found.items.append(
            Item(
                f"{subset}-{identity}-{youtube}-{stem}", folder.path / name, identity, "", youtube,
                SIDES[subset], sound=path if sound_size else None,
            )
        )  # fmt: skip
    if silent and with_sound:
        place = shown(root / subset / "aac" / below, root)
        found.findings.append(Finding("missing", f"{place} lacks the sound of {', '.join(silent)}", OWN_SOUND))


OWN_SOUND = "the sound in the videos is taken instead, where they have any; extract the aac archive"
