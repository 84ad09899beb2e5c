"""LDST, the long styled videos that the ERLNet paper describes and does not publish: read as a user would lay them out.

Only the paper's description is public (one speaker a long video, in a style), so nothing here knows what the set holds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from erlnet.data.items import Finding, Index, Item, uniquely_named
from erlnet.data.layouts.ldst_manifest import read_manifest
from erlnet.data.layouts.listing import VIDEOS, check_root, empty_file, not_here, shown, walk
from erlnet.data.leaks import leaks

SHAPE = "<speaker>/<style>/<name>.mp4, or a manifest of path,speaker,style,split given by ldst.manifest"


@dataclass(frozen=True)
class LdstLayout:
    """ROOT/<speaker>/<style>/<name>.mp4 (or another video suffix), or the rows of a manifest.

    `manifest` is a CSV file, relative to ROOT, with the header path,speaker,style,split: paths are relative to its own
    folder, split is train, val, test or empty. Without a manifest no clip has a side: the run's `split` cuts each
    video by time.
    """

    manifest: str = ""

    def index(self, root: Path) -> Index:
        check_root(root, "LDST", SHAPE)
        items, findings = read_manifest(root / self.manifest, root) if self.manifest else _from_folders(root)
        items = uniquely_named(items)
        counts = {
            "speakers": len({item.speaker for item in items}),
            "styles": len({item.style for item in items}),
            "clips selected": len(items),
            **{f"{side} clips": n for side, n in sorted(Counter(i.split for i in items if i.split).items())},
        }
        return Index(tuple(items), (*findings, *leaks(items)), counts)


def _from_folders(root: Path) -> tuple[list[Item], list[Finding]]:
    items, findings = [], []
    for folder in walk(root):
        where = folder.path.relative_to(root).parts
        for stem, (name, size) in folder.with_suffix(VIDEOS).items():
            path = folder.path / name
            if not size:
                findings.append(empty_file(path, root))
            elif len(where) != 2:
                what = f"{shown(path, root)} is not at <speaker>/<style>/<name> and was passed over"
                findings.append(Finding("mismatch", what, "move it there, or list it in a manifest"))
            else:
                speaker, style = where
                items.append(Item(f"{speaker}-{style}-{stem}", path, speaker, style, shown(path, root)))
    if not items:
        raise not_here(root, "LDST", SHAPE)
    return items, findings
