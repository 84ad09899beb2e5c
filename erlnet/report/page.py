"""The page: gathers what the template shows. One HTML file that asks the network for nothing."""

from __future__ import annotations

import base64
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from erlnet.report import numbers, sentences
from erlnet.report.analysis import Analysis
from erlnet.report.charts import COLOURS
from erlnet.report.clips_shown import choose_clips, choose_ranking
from erlnet.report.comparison_text import endpoint
from erlnet.report.curves import curve_rows
from erlnet.report.figures import difference_figure, value_figure
from erlnet.report.pictures import clip_media
from erlnet.report.style_control import style_matrices
from erlnet.report.tables import budget_table, check_tables, cost_table, score_tables, shown_cards

FILES = "report_files"
DRIVING_MEANS = {
    "tracked": "the test clip's own coefficients drive the renderer: the renderer alone",
    "reconstructed": "the test clip's own coefficients, passed through the codec: codec and renderer",
    "audio": "expression generated from the sound, head pose as tracked: the whole pipeline",
    "audio_free": "expression and head pose generated from the sound: nothing to compare frame by frame",
    "none": "what belongs to a network and not to what drives it",
    "given": "frames as they were given, from any system",
}
REFERENCE_MEANS = {
    "mean_frame": "floor: the mean training frame",
    "last_frame": "floor: the last training frame",
    "nearest_pose": "floor: the training frame nearest in head pose",
    "mean_motion": "floor: the mean posture of the training clips of the same speaker and style",
    "ridge": "floor: a ridge regression from log-mels to the expression stream, fitted to the training clips",
    "truth": "control: the truth scored against itself",
    "frozen_mouth": "control: the true frames with a mouth that does not move",
    "delayed": "control: the true motion, five frames late",
    "passthrough": "control: the style clip's own motion, whatever the sound says",
}
MARKS = {
    "better": "\N{BLACK UP-POINTING TRIANGLE}",
    "worse": "\N{BLACK DOWN-POINTING TRIANGLE}",
    "equivalent": "\N{ALMOST EQUAL TO}",
    "identical": "\N{IDENTICAL TO}",
    "undecided": "?",
    "blocked": "\N{HEAVY MULTIPLICATION X}",
    "not_converged": "\N{HORIZONTAL ELLIPSIS}",
}


@dataclass
class MediaStore:
    """Collects pictures and videos while the page is built; `finish` decides whether they lie in it or beside it."""

    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> str:
        """A placeholder for the template to put into `src`."""
        self.files[name] = content
        return f"{FILES}/{name}"

    def finish(self, page: str, budget: int) -> tuple[str, dict[str, bytes]]:
        """(page, files beside it): embedded where the page stays within `budget` bytes, else left beside it."""
        if len(page) + sum(len(content) * 4 / 3 for content in self.files.values()) > budget:
            return page, self.files
        kinds = {"png": "image/png", "mp4": "video/mp4"}

        def embedded(found: re.Match[str]) -> str:
            name = found[1]
            # "//" is written out, so that whoever searches the page for hosts finds none in the data.
            data = base64.b64encode(self.files[name]).decode().replace("//", "%2F%2F")
            return f'src="data:{kinds[name.rsplit(".", 1)[1]]};base64,{data}"'

        return re.sub(f'src="{FILES}/([^"]+)"', embedded, page), {}


def render_page(analysis: Analysis, budget: int) -> tuple[str, dict[str, bytes]]:
    """(HTML, files that lie in `report_files/` beside it; none where all fits within `budget` bytes)."""
    study = analysis.study
    store = MediaStore()
    ranking = choose_ranking(study)
    shown = choose_clips(study, ranking)
    colours = variant_colours(analysis)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # decoding, scaling and encoding release the GIL
        clips = list(pool.map(lambda clip: clip_media(study, clip, store), shown))
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update(n=numbers, marks=MARKS, driving_means=DRIVING_MEANS)
    page = environment.get_template("template.html").render(
        a=analysis,
        study=study,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        headline=sentences.headline(analysis),
        tone=tone(analysis),
        conditions=sentences.conditions(analysis),
        cautions=sentences.cautions(analysis),
        others=sentences.others(analysis),
        endpoint=endpoint(analysis),
        levels=sentences.levels(analysis),
        differences=difference_figure(analysis, colours),
        values=value_figure(analysis, colours),
        budget=budget_table(study.variants),
        tables=score_tables(analysis),
        checks=check_tables(study.variants),
        ranking=ranking,
        ranking_name=endpoint(analysis, (ranking.metric, ranking.region, ranking.driving)),
        clips=clips,
        styles=style_matrices(study),
        reference_means={r.name: REFERENCE_MEANS[r.name] for r in study.references if r.name in REFERENCE_MEANS},
        curves=curve_rows(study, ranking, colours),
        colours=colours,
        cards=shown_cards(analysis),
        costs=cost_table(study.variants),
        speakers=len({clip.speaker for clip in study.clips}),
    )
    return store.finish(page, budget)


def variant_colours(analysis: Analysis) -> dict[str, str]:
    return {v.name: COLOURS[i % len(COLOURS)] for i, v in enumerate(analysis.study.variants)}


def tone(analysis: Analysis) -> str:
    """The verdict that colours the head of the page."""
    verdicts = {c.verdict for c in analysis.primary}
    order = ("better", "worse", "equivalent", "identical", "blocked", "not_converged", "undecided")
    return next((word for word in order if word in verdicts), "undecided")
