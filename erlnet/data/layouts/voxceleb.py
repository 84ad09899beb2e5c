"""VoxCeleb1 and VoxCeleb2 (Nagrani, Chung et al., 2017 and 2018): an utterance from a YouTube video is a clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from erlnet.data.items import Index, uniquely_named
from erlnet.data.layouts.listing import check_root, check_words, not_here
from erlnet.data.layouts.voxceleb1 import read_first
from erlnet.data.layouts.voxceleb2 import read_second
from erlnet.data.layouts.voxceleb_names import SUBSETS, Found
from erlnet.data.leaks import leaks

SHAPE = (
    "dev/mp4/id00012/<youtube id>/00001.mp4 of VoxCeleb2, "
    "or videos/<youtube id>.mp4 with txt/id10270/<youtube id>/00001.txt of VoxCeleb1"
)


@dataclass(frozen=True)
class VoxCelebLayout:
    """VoxCeleb2: ROOT/{dev,test}/mp4/<identity>/<youtube id>/00001.mp4, sound in ROOT/{dev,test}/aac/.../00001.m4a.
    VoxCeleb1: YouTube videos in ROOT/videos, ROOT/videos/<identity>, ROOT/video or ROOT, text boxes in ROOT/txt or
    ROOT/{dev,test}/txt.

    Either or both may be there. A text box says which stretch of a video to take, and no more: it holds a face alone,
    without hair and shoulders, and VoxCeleb1's is in px of a picture whose size it does not give; so the cut is found
    round the face. `subset` and `speakers` are all where empty. The official split: dev is trained on, test tested;
    of VoxCeleb1 the people id10270 to id10309, whose names begin with E, are its test. Clips have no style.
    """

    subset: tuple[Literal["dev", "test"], ...] = ()
    speakers: tuple[str, ...] = ()

    def index(self, root: Path) -> Index:
        check_words("voxceleb.subset", self.subset, SUBSETS)
        check_root(root, "VoxCeleb", SHAPE)
        subsets = [subset for subset in SUBSETS if not self.subset or subset in self.subset]
        found = Found()
        for subset in subsets:
            read_second(found, root, subset, self.speakers)
        read_first(found, root, subsets, self.speakers)
        if not found.speakers:
            raise not_here(root, f"VoxCeleb ({' or '.join(subsets)})", SHAPE)
        check_words("voxceleb.speakers", self.speakers, sorted(found.speakers))
        items = uniquely_named(found.items)
        counts = {
            "people": len(found.speakers),
            "people selected": len({item.speaker for item in items}),
            "YouTube videos selected": len({item.source for item in items}),
            "clips selected": len(items),
            "clips with a sound file": sum(item.sound is not None for item in items),
            "train clips": sum(item.split == "train" for item in items),
            "test clips": sum(item.split == "test" for item in items),
        }
        return Index(tuple(items), (*found.findings, *leaks(items, by_identity=True)), counts)
