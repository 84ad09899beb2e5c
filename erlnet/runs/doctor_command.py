"""`python -m erlnet doctor DATASET ROOT`: what is there, what is not, what to do; before anyone trains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from erlnet import registry
from erlnet.data.doctor import Diagnosis, examine, files_of
from erlnet.data.indexed import IndexedSource
from erlnet.data.items import Index, IndexedClips
from erlnet.errors import UserError
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve
from erlnet.runs.progress import Display
from erlnet.variant import physical_cores


def doctor_command(dataset: str, root: Path, words: Sequence[str], as_json: bool, open_files: bool) -> int:
    """0 where everything that is selected can be used, 1 where something is missing, broken or leaking.

    `words`: the data set's options, as in mead.views=front. What merely contradicts itself in a release's own files
    (HDTF's crop rows) is listed and fails nothing.
    """
    diagnosis = diagnose(dataset, _plain(root), words, open_files)
    print(diagnosis.to_json() if as_json else diagnosis.text())
    return 1 if diagnosis.missing or diagnosis.broken or diagnosis.leaking else 0


def diagnose(dataset: str, root: Path, words: Sequence[str], open_files: bool) -> Diagnosis:
    registry.find("dataset", dataset)
    if dataset == "demo":
        raise UserError("dataset=demo makes its own clips; there is nothing to examine")
    assignments = parse_assignments(list(words))
    allowed = {"dataset", dataset}
    for word in assignments:
        if word.partition(".")[0] not in allowed or "." not in word:
            raise UserError(f"{word}: doctor reads the data set's options alone, as in {dataset}.OPTION=VALUE")
    component = resolve({"dataset": [dataset]} | assignments).variants[0].choices["dataset"].component
    index = _index(dataset, component.build(), root)
    opened = {}
    if open_files:
        from erlnet.data.opening import open_all

        display = Display()
        opened = open_all(
            files_of(index), physical_cores(), lambda done, of: display.live(f"opening {done} of {of} files")
        )
        display.close()
    return examine(dataset, index, opened)


def _index(dataset: str, source: object, root: Path) -> Index:
    """What is listed under `root`; of a layout also where that is nothing, since its findings say why."""
    if isinstance(source, IndexedSource):
        return source.layout.index(root)
    if isinstance(source, IndexedClips):
        return source.index(root)
    raise UserError(
        f"dataset={dataset}: lists no clips before it prepares them, so there is nothing to examine; give its source a "
        "method index(data) as in erlnet.data.items.IndexedClips"
    )


def _plain(root: Path) -> Path:
    """The root also where it is written as for the other commands, data=ROOT."""
    given = str(root).removeprefix("data=")
    return root if root.exists() or not given else Path(given)
