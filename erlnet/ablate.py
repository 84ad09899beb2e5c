"""The main job: train the variants of a sweep, score them, and write the report that says which one won.

python -m erlnet.ablate fusion=pixel,feature
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from erlnet.errors import UserError
from erlnet.files import FULL, disk_full

if TYPE_CHECKING:
    from erlnet.variant import Variant

HELP = """\
Trains the variants that the words span, scores them and writes one HTML report.

  python -m erlnet.ablate fusion=pixel,feature                 the embedded demo
  python -m erlnet.ablate neck_artifacts data=talk.mp4         a study from ablations/, on a real video
  python -m erlnet.ablate fusion=feature fusion.rule=normalised,over 'seed=range(3)'
  python -m erlnet.ablate vq=dual,single dataset=bank          stage one alone, on the demo's motion bank

NAME=VALUE[,VALUE...] sweeps; NAME=[A,B] is one value that is a list. NAME is
  a slot             {slots}
  data               a video, a folder of videos, a folder that `erlnet prepare` wrote, or a dataset's root
  preset             smoke, demo (default without data), study (default without frames), fast (default on real data),
                     full, full512, paper (its guesses marked as such)
  split              own (the dataset's), blocks, last, time, or a frozen split's FILE.json; on your own videos the
                     default is auto: the labels that a prepared data set has, else blocks
  seed, threads      seed=0,1,2 or 'seed=range(3)'; threads defaults to the physical cores
  SLOT.OPTION, COMPONENT.OPTION, or codec|motion|renderer.OPTION such as renderer.steps
`python -m erlnet components [SLOT]` lists components and options. The last line on stdout is the report's path.
Exit: 0 all variants done, 1 some failed (the report shows them), 2 the command was wrong, 130 interrupted.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code."""
    from erlnet.interfaces import SLOTS

    parser = argparse.ArgumentParser(
        prog="python -m erlnet.ablate",
        description=HELP.format(slots=", ".join(SLOTS).replace("style, ", "style,\n                     ")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [STUDY] [NAME=VALUE[,VALUE...] ...] [options]",
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where stages, results, reports go (runs)")
    parser.add_argument("--metrics", help="metric families, comma-separated, or all (the usual)")
    parser.add_argument("--driving", help="driving modes: tracked, reconstructed, audio, audio_free (tracked,audio)")
    parser.add_argument("--executor", choices=["local"], default="local", help="where the jobs run (local)")
    parser.add_argument("--jobs", type=int, default=1, help="variants trained at a time (1)")
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_intermixed_args(words)
    command = shlex.join(["python", "-m", "erlnet.ablate", *words])
    try:
        return run(options, command)
    except UserError as error:
        print(f"erlnet.ablate: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in FULL:
            raise
        print(f"erlnet.ablate: {disk_full(error.filename or options.out)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nerlnet.ablate: interrupted; what was finished is kept, re-issue the command to go on", file=sys.stderr)
        return 130


def run(options: argparse.Namespace, command: str) -> int:
    """Plan, run what is missing, report."""
    from erlnet.driving import budget_endpoint, choose_driving, choose_families
    from erlnet.grid import resolve_study
    from erlnet.runs.folders import check_writable
    from erlnet.stages import make_plan
    from erlnet.study import parse_command

    if options.jobs < 1:
        raise UserError(f"--jobs {options.jobs}: expected a whole number from 1")
    parsed = parse_command(options.words)
    grid = resolve_study(parsed.assignments, parsed.also)
    driving = choose_driving(options.driving, grid.swept_slots, grid.variants)
    families = choose_families(options.metrics)
    first = grid.variants[0]
    data = Path(first.data) if first.data else None
    source = first.choices["dataset"].component.build().fingerprint(data)  # type: ignore[attr-defined]
    budget = budget_endpoint(grid.swept_slots, driving, families, grid.variants)
    plans = tuple(
        make_plan(v, seed, source | _files(v), driving, families, budget) for seed in grid.seeds for v in grid.variants
    )
    if not any(plan.evaluations for plan in plans):
        raise UserError("--metrics and --driving name nothing that can be scored on these data")
    check_writable(options.out)
    _keep_split(parsed.assignments.get("split", [""])[0], first.split, options.out)

    from erlnet.runs.local import run_plans
    from erlnet.runs.notes import said_of_twins
    from erlnet.runs.outcome import Sweep, publish
    from erlnet.runs.progress import Display

    display = Display()
    for told in said_of_twins(plans):
        display.line(told)
    run_plans(plans, options.out, options.jobs, display)
    published = publish(Sweep(command, parsed, grid, plans, driving, options.out), display)
    print(published.report)
    return 1 if published.failed else 0


def _files(variant: Variant) -> dict[str, str]:
    """Hashes of the user's own files that tracker and head model read: their paths alone would not tell of a change."""
    from erlnet.data.records import files_read

    read = {slot: files_read(variant.choices[slot].component) for slot in ("tracker", "head_model")}
    return {f"{slot}_files": text for slot, text in read.items() if text}


def _keep_split(given: str, name: str, out: Path) -> None:
    """A split that was given as a file is kept with what was run on it."""
    if given.endswith(".json"):
        from erlnet.files import write_whole

        write_whole(out / "splits" / f"{name}.json", Path(given).read_text())


if __name__ == "__main__":
    sys.exit(main())
