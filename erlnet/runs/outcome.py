"""From finished stages to a published report: results are gathered from the folders, which are the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erlnet import __version__
from erlnet.driving import primary_endpoint
from erlnet.errors import UserError
from erlnet.grid import Grid
from erlnet.metrics.cards import MODES, REFERENCES, said_in
from erlnet.runs.budget_points import budget_points
from erlnet.runs.folders import write_whole
from erlnet.runs.local import is_finished, result_name
from erlnet.runs.notes import study_notes
from erlnet.runs.progress import Display
from erlnet.stages import Plan
from erlnet.study import Command
from erlnet.variant import digest

if TYPE_CHECKING:
    import pandas as pd

    from erlnet.report.inputs import ReferenceResult, Study, TruthClip, VariantResult

REPORT_VERSION = 4  # raised when the same results give another report


@dataclass(frozen=True)
class Published:
    report: Path
    failed: bool  # some variant is not done


@dataclass(frozen=True)
class Sweep:
    """One command, planned."""

    command: str  # as a person would type it again
    parsed: Command
    grid: Grid
    plans: tuple[Plan, ...]
    driving: tuple[str, ...]
    out: Path


def study_name(command: Command, grid: Grid, data: str | None) -> str:
    """The folder under OUT/reports: the study's name, or what is swept; and the data it is run on."""
    name = command.study or "-".join(axis.replace(".", "_") for axis in grid.axes) or "single"
    return f"{name}-{Path(data).stem}" if data else f"{name}-{grid.variants[0].config['dataset']}"


def publish(sweep: Sweep, display: Display) -> Published:
    """Writes the report, or finds that the one on disk already says all this."""
    plans, out = sweep.plans, sweep.out
    results = {result_name(plan): _read_result(plan, out) for plan in plans}
    failed = any(r["status"] != "done" for r in results.values())
    folder = out / "reports" / study_name(sweep.parsed, sweep.grid, plans[0].variant.data)
    content = {
        "version": [REPORT_VERSION, __version__], "command": sweep.command, "driving": list(sweep.driving),
        "results": {k: [r["status"], r["error"], r["unavailable"], r["stages"]] for k, r in results.items()},
    }  # fmt: skip
    key, key_file = digest(content), folder / "report.key"
    report = folder / "report.html"
    if report.exists() and key_file.exists() and key_file.read_text() == key:
        return Published(report, failed)
    scored = [s for plan in plans for s in (*(e[2] for e in plan.evaluations), *(r[1] for r in plan.references))]
    if not any(stage.done(out) for stage in scored):  # not even a floor
        nothing = "no metric that was asked for says anything of these data and driving modes"
        errors = "; ".join(dict.fromkeys(r["error"] or nothing for r in results.values()))
        raise UserError(f"nothing could be scored, so there is no report: {errors}")
    display.line("writing the report ...")
    key_file.unlink(missing_ok=True)
    from erlnet.report.write import write_report

    written = write_report(gather(sweep, results), folder)
    write_whole(key_file, key)
    return Published(written, failed)


def gather(sweep: Sweep, results: Mapping[str, dict[str, Any]]) -> Study:
    """Everything that the report is made from."""
    plans, driving, out = sweep.plans, sweep.driving, sweep.out
    from erlnet.metrics.cards import CARDS
    from erlnet.report.inputs import Primary, Study

    filmed, sounds = any(plan.renders for plan in plans), any(plan.variant.renders_sound for plan in plans)
    metric, region, mode = primary_endpoint(sweep.grid.swept_slots, driving, filmed, sounds)
    primary = Primary(metric, region, mode if mode in driving else driving[0])
    by_variant: dict[str, list[Plan]] = {}
    for plan in plans:
        by_variant.setdefault(plan.variant.hash, []).append(plan)
    references = _references(plans, driving, out)
    variants = tuple(
        replace(
            _variant(group, plans, primary.driving, references, out, results), budget=budget_points(group, primary, out)
        )
        for group in by_variant.values()
    )
    first = plans[0].variant
    environment = _environment(plans, out) | {"threads": first.threads, "preset": first.preset}
    return Study(
        name=sweep.parsed.study or "-".join(sweep.grid.axes) or "single",
        command=sweep.command,
        primary=primary,
        baseline=variants[0].name,
        variants=variants,
        references=references,
        driving=driving,
        cards=CARDS,
        clips=_truth(plans, out),
        dataset=first.config["dataset"],
        split=_split_text(plans, out),
        environment=environment,
        notes=study_notes(sweep.parsed.title, plans, out),
    )


def _read_result(plan: Plan, out: Path) -> dict[str, Any]:
    path = out / "results" / result_name(plan) / "result.json"
    missing: dict[str, Any] = {"status": "missing", "error": None, "unavailable": [], "stages": {}, "seconds": {}}
    result = missing | (json.loads(path.read_text()) if path.exists() else {})
    if result["status"] == "done" and not result["unavailable"] and not is_finished(plan, out):
        return missing  # a result of another plan of the same variant
    return result


def _read_scores(path: Path) -> pd.DataFrame:
    import pandas as pd

    # A clip may be called "null" or "NA".
    empty = {"frame": [""], "value": ["", "nan"]}
    return pd.read_csv(path, dtype={"row": str, "clip": str}, keep_default_na=False, na_values=empty)


def _references(plans: Sequence[Plan], driving: Sequence[str], out: Path) -> tuple[ReferenceResult, ...]:
    """Scored once, shown once per driving mode, carrying that mode's name."""
    import pandas as pd

    from erlnet.report.inputs import SCORE_COLUMNS, ReferenceResult

    # The same in every plan that has them: a plan whose variant failed may lack some.
    found = {family: stage for plan in plans for family, stage in plan.references if stage.done(out)}
    tables = []
    for family, stage in found.items():
        table = _read_scores(stage.folder(out) / "scores.csv")
        for mode in (m for m in driving if m in MODES[family]):
            shown = table[[said_in(mode, family, metric) for metric in table["metric"]]]
            tables.append(shown.assign(driving=mode, seed=0))
    if not tables:
        return ()
    every = pd.concat(tables, ignore_index=True)
    return tuple(
        ReferenceResult(name, role, mine[list(SCORE_COLUMNS)])  # type: ignore[arg-type]
        for name, role in REFERENCES.items()
        if len(mine := every[every["row"] == name])
    )


def _variant(
    group: Sequence[Plan],
    plans: Sequence[Plan],
    guard_mode: str,
    references: tuple[ReferenceResult, ...],
    out: Path,
    results: Mapping[str, dict[str, Any]],
) -> VariantResult:
    import pandas as pd

    from erlnet.report.inputs import SCORE_COLUMNS, SharedPlan, Unavailable, VariantResult
    from erlnet.runs.checks import health_check, mouth_guard_check
    from erlnet.runs.cost import cost_of

    variant = group[0].variant
    own = [results[result_name(plan)] for plan in group]
    error = next((r["error"] for r in own if r["status"] == "failed"), None)
    status = "failed" if error else "done" if all(r["status"] == "done" for r in own) else "missing"
    tables = [
        _read_scores(stage.folder(out) / "scores.csv").assign(driving=mode, seed=plan.seed)
        for plan in group
        for mode, _, stage in plan.evaluations
        if stage.done(out)
    ]
    scores = pd.concat(tables, ignore_index=True)[list(SCORE_COLUMNS)] if tables else None
    unavailable = {(u["family"], u["reason"], u["remedy"]) for r in own for u in r["unavailable"]}
    return VariantResult(
        name=variant.name,
        status=status,  # type: ignore[arg-type]
        config=variant.config,
        options=variant.options,
        hash=variant.hash,
        error=error,
        seeds=tuple(plan.seed for plan in group),
        scores=scores,
        health=health_check(group, out),
        mouth_guard=mouth_guard_check(scores, references, guard_mode, bool(group[0].renders)),
        cost=cost_of(group, out, max((r.get("peak_rss_bytes") or 0 for r in own), default=0) or None),
        plan=SharedPlan(
            stages={stage.label: f"{stage.name}/{stage.key}" for stage in group[0].stages},
            shared_with=_shared(group[0], plans),
        ),
        unavailable=tuple(Unavailable(*u) for u in sorted(unavailable)),
        frames=_frames(group[0], out),
    )


def _shared(plan: Plan, plans: Sequence[Plan]) -> dict[str, list[str]]:
    """Stage label -> the other variants whose plan has the same key."""
    shared = {}
    for stage in plan.stages:
        others = {p.variant.name for p in plans if p.variant.hash != plan.variant.hash and stage in p.stages}
        if others:
            shared[stage.label] = sorted(others)
    return shared


def _frames(plan: Plan, out: Path) -> dict[tuple[str, str], Path]:
    found = {}
    for mode, stage in plan.renders:
        if stage.done(out):
            for folder in sorted((stage.folder(out) / "frames").iterdir()):
                found[mode, folder.name] = folder
    return found


def _truth(plans: Sequence[Plan], out: Path) -> tuple[TruthClip, ...]:
    from erlnet.data.clip import FPS, SAMPLE_RATE
    from erlnet.report.inputs import TruthClip
    from erlnet.runs.clips import open_split

    plan = next(p for p in plans if p.stages and p.stages[0].done(out))
    config = {"split": plan.variant.split, "size": plan.variant.settings["renderer"].size}
    test = open_split(plan.stages[0].folder(out), config).test
    return tuple(
        TruthClip(c.name, c, FPS, c.audio if c.has_sound else None, SAMPLE_RATE, c.labels.speaker, c)
        if c.has_frames
        else TruthClip(c.name, None, FPS, speaker=c.labels.speaker)
        for c in test
    )


def _split_text(plans: Sequence[Plan], out: Path) -> str:
    """The frozen split's name and the head of its hash."""
    from erlnet.data.split_files import read_frozen
    from erlnet.runs.clips import frozen_path

    plan = next(p for p in plans if p.stages and p.stages[0].done(out))
    frozen = read_frozen(frozen_path(plan.stages[0].folder(out), plan.variant.split))
    return f"{frozen.name} ({frozen.sha256[:12]})"


def _environment(plans: Sequence[Plan], out: Path) -> dict[str, Any]:
    for plan in plans:
        path = out / "results" / result_name(plan) / "env.json"
        if path.exists():
            return json.loads(path.read_text())
    return {}
