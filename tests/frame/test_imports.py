"""Imports go one way (docs/architecture.md, Rooms)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "erlnet"
BASE = {"device", "errors", "files", "interfaces", "registry", "repeatable", "__version__"}
LEVELS = {  # room -> rooms it may import, beside itself and BASE; settings and components are torch-free words
    "head": set(),
    "audio": {"assets"},
    "metrics": {"head", "audio", "assets"},
    "data": {"head", "audio", "metrics", "assets"},
    "adf": {"head", "audio"},
    "nerf": {"head", "assets"},
    "variant": {"adf", "nerf"},
    "grid": {"variant", "grammar", "options", "presets", "data"},
    "driving": {"variant", "metrics"},
    "stages": {"variant", "metrics", "driving", "nerf"},
    "report": {"metrics"},
    "runs": {
        "head",
        "audio",
        "metrics",
        "data",
        "adf",
        "nerf",
        "variant",
        "grid",
        "driving",
        "stages",
        "study",
        "report",
        "grammar",
        "presets",
    },
}


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{a.name}" if node.module == "erlnet" else node.module for a in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("erlnet.")}
    return found


@pytest.mark.parametrize("room", LEVELS)
def test_a_room_imports_only_what_lies_below_it(room):
    folder = PACKAGE / room
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]
    allowed = LEVELS[room] | BASE | {room}
    wrong = {str(f.relative_to(PACKAGE)): extra for f in files if (extra := imported_rooms(f) - allowed)}
    assert not wrong


def test_the_base_imports_no_room():
    # interfaces names types of rooms for the type checker alone
    assert imported_rooms(PACKAGE / "registry.py") <= BASE
    assert imported_rooms(PACKAGE / "interfaces.py") <= BASE | {"adf", "head", "nerf"}
    assert imported_rooms(PACKAGE / "errors.py") == set()
