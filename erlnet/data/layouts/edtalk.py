"""EDTalk's train and test lists, which name clips of MEAD (M003#angry#level_1#001) and of HDTF (RD_Radio1_000#1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from erlnet.data.items import Finding
from erlnet.errors import UserError

FILES: dict[str, Literal["train", "test"]] = {
    "EDTalk_MEAD_train_list.json": "train",
    "EDTalk_MEAD_test_list.json": "test",
}


def read_lists(lists: str, option: str) -> tuple[dict[str, str], list[Finding]]:
    """(clip name -> "train" or "test", what is wrong) from the folder `lists`; `option` names it in errors.

    A name in both lists counts as test, so that it cannot be learnt from. UserError where a file is missing or is not
    a JSON list of names.
    """
    if not lists:
        raise UserError(f"split=edtalk needs {option}=FOLDER, the folder that holds {' and '.join(FILES)}")
    sides: dict[str, str] = {}
    found = []
    for name, side in FILES.items():
        path = Path(lists) / name
        for row in _rows(path, option):
            if sides.get(row, side) != side:
                found.append(Finding("leaking", f"{row} is in both of EDTalk's lists; taken as test", FIX_LISTS))
            sides[row] = side
    return sides, found


def _rows(path: Path, option: str) -> list[str]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{option}: {path} is not there; the folder must hold {' and '.join(FILES)}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{option}: {path} cannot be read as JSON ({error}); download it again") from None
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise UserError(f"{option}: {path} is not a JSON list of clip names; download it again")
    return rows


FIX_LISTS = "take the name out of one of the two lists"
