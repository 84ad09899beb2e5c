"""One (variant, seed) in one process: runs its missing stages and writes its result folder.

Started by an executor as `python -m erlnet.runs.job JOBFILE EVENT_FD`; never by a person.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import platform
import resource
import signal
import sys
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

from erlnet.device import chosen_device, device_type
from erlnet.errors import AssetMissing, UserError
from erlnet.files import FULL, disk_full
from erlnet.metrics.pairs import Unavailable
from erlnet.runs.events import EventWriter
from erlnet.runs.folders import unfinished_folder, write_json, write_whole
from erlnet.runs.task import Task

BODIES: dict[str, str] = {  # stage -> the function that does it, imported when its turn comes
    "prepare": "erlnet.runs.prepare_stage:run",
    "features": "erlnet.runs.motion_stages:run_features",
    "codec": "erlnet.runs.motion_stages:run_codec",
    "motion": "erlnet.runs.motion_stages:run_motion",
    "drive": "erlnet.runs.drive_stages:run_drive",
    "restyle": "erlnet.runs.drive_stages:run_restyle",
    "renderer": "erlnet.runs.renderer_stages:run_renderer",
    "render": "erlnet.runs.renderer_stages:run_render",
    "budget": "erlnet.runs.budget_stage:run_budget",
    "evaluate": "erlnet.runs.score_stages:run_evaluate",
    "references": "erlnet.runs.score_stages:run_references",
}

NEEDS: dict[str, str] = {  # stage -> the function that raises UserError where the stage could not be carried out here
    "renderer": "erlnet.runs.renderer_stages:check_needs",
}


def main(job_file: Path, event_fd: int) -> int:
    """0 done, 1 failed; the failure is an event and stands in result.json."""
    job = json.loads(job_file.read_text())
    out = Path(job["out"])
    writer = EventWriter(os.fdopen(event_fd, "w"))
    result: dict[str, Any] = {"status": "done", "error": None, "error_kind": None, "unavailable": [], "seconds": {}}
    started = time.monotonic()
    try:
        _ask_first(job, out)
        for stage in job["stages"]:
            try:
                _run_stage(stage, job, out, writer, result)
            except Unavailable as error:  # leaves its folder unfinished: never stored as done, tried again next time
                family = stage["config"]["family"]["family"]
                entry = {"family": family, "reason": error.reason, "remedy": error.remedy}
                if entry not in result["unavailable"]:
                    result["unavailable"].append(entry)
                    writer.note(f"metric family '{family}' is unavailable: {error}")
    except Exception as error:  # whatever broke, the other variants and the report go on
        told = _told(error)
        result |= {"status": "failed", "error": _one_line(told), "error_kind": _kind(told)}
        print(traceback.format_exc(), file=sys.stderr)
    result["wall_seconds"] = time.monotonic() - started
    result["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result["stages"] = {f"{s['name']}/{s['key']}": s["label"] for s in job["stages"]}
    folder = out / "results" / job["result"]
    try:
        write_json(folder / "variant.json", job["variant"])
        write_json(folder / "env.json", environment())
        write_whole(folder / "scores.csv", _all_scores(job["scores"], out))
        write_json(folder / "result.json", result)
    except UserError as full:  # no space for the result either: the event tells of it all the same
        result |= {"status": "failed", "error": result["error"] or _one_line(full), "error_kind": "user"}
    writer.send("finished", status=result["status"], error=result["error"], error_kind=result["error_kind"])
    return 0 if result["status"] == "done" else 1


def _ask_first(job: dict[str, Any], out: Path) -> None:
    """What a later stage needs and may not find here is asked for before an earlier one spends hours."""
    for stage in job["stages"]:
        module, _, function = NEEDS.get(stage["name"], "").partition(":")
        if module and not (out / "stages" / stage["name"] / stage["key"] / "DONE").exists():
            getattr(importlib.import_module(module), function)(stage["config"])


def _run_stage(stage: dict[str, Any], job: dict[str, Any], out: Path, writer: EventWriter, result: dict) -> None:
    final = out / "stages" / stage["name"] / stage["key"]
    if (final / "DONE").exists():
        return
    missing = [i for i in stage["inputs"].values() if not (out / "stages" / i / "DONE").exists()]
    if missing:  # an unavailable metric's stage is no one's input; anything else would be a fault of the plan
        raise RuntimeError(f"stage {stage['name']}: its input {missing[0]} is not finished")
    started = time.monotonic()
    checkpoints = out / "checkpoints" / f"{stage['name']}-{stage['key']}"
    with unfinished_folder(final, out / "stages" / ".tmp", checkpoints) as working:
        if working is None:
            return
        writer.send("start", label=stage["label"])
        write_json(working / "config.json", {k: stage[k] for k in ("name", "config", "inputs", "seed", "compute")})
        with open(working / "log.txt", "w") as log:
            task = Task(
                out=working,
                inputs={role: out / "stages" / i for role, i in stage["inputs"].items()},
                config=stage["config"],
                data=Path(job["data"]) if job["data"] else None,
                seed=stage["seed"] or 0,
                threads=job["threads"],
                progress=EventWriter(writer.stream, log),
                store=out / "clips",
                checkpoints=checkpoints,
            )
            module, _, function = BODIES[stage["name"]].partition(":")
            metrics = getattr(importlib.import_module(module), function)(task)
        # What an attempt that was killed spent on what this one went on from counts, too.
        seconds = time.monotonic() - started + metrics.get("seconds_before", 0.0)
        write_json(working / "metrics.json", metrics | {"seconds": seconds})
    result["seconds"][stage["name"]] = result["seconds"].get(stage["name"], 0.0) + seconds
    writer.send("done", label=stage["label"], seconds=seconds)


def _all_scores(evaluations: list[list[str]], out: Path) -> str:
    """clip,driving,frame,metric,region,value of every family that is done, in one table."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["clip", "driving", "frame", "metric", "region", "value"])
    for mode, name in evaluations:
        path = out / "stages" / name / "scores.csv"
        if path.exists():
            with open(path, newline="") as file:
                for r in csv.DictReader(file):
                    writer.writerow([r["clip"], mode, r["frame"], r["metric"], r["region"], r["value"]])
    return table.getvalue()


def _told(error: Exception) -> Exception:
    """The error as a person should read it where it came from a full disk, else itself."""
    if isinstance(error, OSError) and error.errno in FULL:
        return disk_full(error.filename or "a file")
    return error


def _one_line(error: Exception) -> str:
    text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def _kind(error: Exception) -> str:
    if isinstance(error, AssetMissing):
        return "asset"
    return "user" if isinstance(error, UserError) else "internal"


def environment() -> dict[str, str]:
    """Versions and hardware that a number may depend on."""
    packages = ("erlnet", "torch", "numpy", "scipy", "av", "mediapipe", "transformers")
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except ImportError:
            found[package] = "not installed"
    return found | {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu_count": str(os.cpu_count()),
        "device": device_type(chosen_device()),
    }


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command that started this job decides; it sends SIGTERM
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
