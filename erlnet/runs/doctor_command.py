"""`python -m erlnet doctor DATASET ROOT`: what is there, what is not, what to do; before anyone trains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from erlnet import registry
from erlnet.data.doctor import Diagnosis, examine, files_of
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
    diagnosis = diagnose(dataset, root, words, open_files)
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
    source = component.build()
    index = source.layout.index(root) if hasattr(source, "layout") else source.index(root)  # type: ignore[attr-defined]
    opened = {}
    if open_files:
        from erlnet.data.opening import open_all

        display = Display()
        opened = open_all(
            files_of(index), physical_cores(), lambda done, of: display.live(f"opening {done} of {of} files")
        )
        display.close()
    return examine(dataset, index, opened)
