"""The local executor: one process per (variant, seed), `jobs` at a time."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from erlnet.device import SLOT
from erlnet.errors import UserError
from erlnet.runs.folders import write_json
from erlnet.runs.progress import Display
from erlnet.stages import Plan, Stage


@dataclass
class Running:
    """One job's process and the read end of its event pipe."""

    plan: Plan
    slot: int  # from 0; no two running jobs have the same
    process: subprocess.Popen
    events: int  # file descriptor
    rest: bytes = b""  # an unfinished line

    def read(self) -> list[dict[str, Any]] | None:
        """The events that have arrived; None at the end. Reads once, so it never blocks after `select`."""
        chunk = os.read(self.events, 1 << 16)
        if not chunk:
            return None
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        return [json.loads(line) for line in lines]


def result_name(plan: Plan) -> str:
    """The folder under OUT/results."""
    return f"{plan.variant.hash}-s{plan.seed}"


def job_name(plan: Plan, several_seeds: bool) -> str:
    return f"{plan.variant.name} s{plan.seed}" if several_seeds else plan.variant.name


def is_finished(plan: Plan, out: Path) -> bool:
    """Every stage is done and the result folder speaks of exactly these stages."""
    try:
        result = json.loads((out / "results" / result_name(plan) / "result.json").read_text())
    except (OSError, ValueError):
        return False
    return (
        result["status"] == "done"
        and set(result["stages"]) == {f"{s.name}/{s.key}" for s in plan.stages}
        and not plan.missing(out)
    )


def run_plans(plans: Sequence[Plan], out: Path, jobs: int, display: Display) -> None:
    """Runs every unfinished plan; failures stand in each result.json. A missing asset ends all with UserError."""
    waiting = [plan for plan in plans if not is_finished(plan, out)]
    several_seeds = len({plan.seed for plan in plans}) > 1
    running: dict[int, Running] = {}
    selector = selectors.DefaultSelector()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                slot = min(set(range(jobs)) - {job.slot for job in running.values()})
                job = _start(waiting.pop(0), slot, out)
                running[job.events] = job
                selector.register(job.events, selectors.EVENT_READ)
            for key, _ in selector.select():
                job = running[key.fd]
                name = job_name(job.plan, several_seeds)
                events = job.read()
                if events is not None:
                    for event in events:
                        _show(name, event, display)
                    continue
                selector.unregister(job.events)
                del running[key.fd]
                os.close(job.events)
                job.process.wait()
                _check_ended(name, job, out, display)
    finally:
        for job in running.values():
            job.process.terminate()
            job.process.wait()
        display.close()


def _start(plan: Plan, slot: int, out: Path) -> Running:
    job_file = out / "stages" / ".tmp" / f"job-{result_name(plan)}.json"
    write_json(job_file, _job(plan, out))
    log = open(out / "stages" / ".tmp" / f"job-{result_name(plan)}.log", "w")  # noqa: SIM115, the process holds it
    read_end, write_end = os.pipe()
    # A waiting thread spins for some microseconds, then sleeps. OpenMP's default spins for milliseconds, which made
    # training 3 to 20 times slower wherever the cores were shared; never spinning costs a third on free cores.
    own = {"OMP_NUM_THREADS": str(plan.variant.threads), SLOT: str(slot)}
    environment = {"GOMP_SPINCOUNT": "20000"} | dict(os.environ, **own)
    process = subprocess.Popen(
        [sys.executable, "-m", "erlnet.runs.job", str(job_file), str(write_end)],
        pass_fds=[write_end], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
    )  # fmt: skip
    log.close()
    os.close(write_end)
    return Running(plan, slot, process, read_end)


def _job(plan: Plan, out: Path) -> dict[str, Any]:
    variant = plan.variant
    return {
        "out": str(out.resolve()),
        "result": result_name(plan),
        "data": variant.data,
        "threads": variant.threads,
        "variant": {
            "name": variant.name, "hash": variant.hash, "config": variant.config, "options": variant.options,
            "seed": plan.seed, "settings": {k: asdict(v) for k, v in variant.settings.items()},
        },
        "stages": [_described(stage) for stage in plan.stages],
        "scores": [[mode, f"{stage.name}/{stage.key}"] for mode, _, stage in plan.evaluations],
    }  # fmt: skip


def _described(stage: Stage) -> dict[str, Any]:
    return {
        "name": stage.name, "key": stage.key, "label": stage.label, "config": dict(stage.config),
        "inputs": {role: f"{s.name}/{s.key}" for role, s in stage.inputs.items()},
        "seed": stage.seed, "compute": stage.compute,
    }  # fmt: skip


def _show(name: str, event: dict[str, Any], display: Display) -> None:
    if event["event"] != "finished":
        display.event(name, event)
    elif event["status"] == "failed":
        if event["error_kind"] == "asset":
            raise UserError(event["error"])
        display.line(f"{name}: FAILED: {event['error']}")


def _check_ended(name: str, job: Running, out: Path, display: Display) -> None:
    """A process that was killed could not write its own result: it is written here."""
    code = job.process.returncode
    if code in (0, 1):
        return
    reason = f"its process ended with signal {-code}" if code < 0 else f"its process ended with exit code {code}"
    log = out / "stages" / ".tmp" / f"job-{result_name(job.plan)}.log"
    result: dict[str, Any] = {
        "status": "failed", "error": f"{reason}; its log: {log}", "error_kind": "internal", "unavailable": [],
        "seconds": {}, "wall_seconds": None, "peak_rss_bytes": None, "stages": {},
    }  # fmt: skip
    write_json(out / "results" / result_name(job.plan) / "result.json", result)
    display.line(f"{name}: FAILED: {reason}; its log: {log}")
