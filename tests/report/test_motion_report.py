"""The report of clips without frames: style matrices by hand, curves of the mesh's mouth, no pictures."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from erlnet.metrics.cards import CARDS
from erlnet.report.analysis import analyse
from erlnet.report.clips_shown import choose_clips, choose_ranking
from erlnet.report.curves import curve_rows
from erlnet.report.inputs import SCORE_COLUMNS, Check, Primary, ReferenceResult, Study, TruthClip, VariantResult
from erlnet.report.page import render_page
from erlnet.report.style_control import style_matrices

CLIPS = ("one", "two", "three", "four")
FRAMES = 20


def rows_of(metric, region, values, driving="audio", seed=0):
    """`values`: clip -> one value, or one a frame."""
    rows = []
    for clip, value in values.items():
        frames = enumerate(value) if np.ndim(value) else [(None, value)]
        rows += [(seed, clip, driving, frame, metric, region, float(v)) for frame, v in frames]
    return rows


def reached(answers, styles, seed=0):
    """`answers`: clip -> style asked for -> style reached; a row for every style of the judge."""
    return [
        row
        for clip, asked in answers.items()
        for style, seen in asked.items()
        for other in styles
        for row in rows_of("style_reached", f"{style}>{other}", {clip: seen == other}, "audio_free", seed)
    ]


def table(*parts):
    return pd.DataFrame([row for part in parts for row in part], columns=list(SCORE_COLUMNS))


def opening(size):
    return {clip: size * (1 + np.sin(np.arange(FRAMES) / 2 + i)) for i, clip in enumerate(CLIPS)}


def arm(name, size, answers):
    mouth = {clip: size - 0.01 * i for i, clip in enumerate(CLIPS)}
    scores = table(
        rows_of("mesh_mouth_r", "mouth", mouth), rows_of("mesh_open", "mouth", opening(size)),
        rows_of("mesh_open_reference", "mouth", opening(1.0)), reached(answers, ("calm", "happy", "sad")),
    )  # fmt: skip
    guard = Check("passed", {"driving": "audio", "mouth_open_r": 0.9})
    return VariantResult(name, "done", {"vq": name}, {}, name, None, (0,), scores, mouth_guard=guard)


@pytest.fixture(scope="module")
def study():
    right = {clip: {"calm": "calm", "happy": "happy"} for clip in CLIPS}
    mixed = right | {"one": {"calm": "happy", "happy": "happy"}, "two": {"calm": "sad", "happy": "happy"}}
    truth = table(rows_of("mesh_mouth_r", "mouth", dict.fromkeys(CLIPS, 1.0)),
                  rows_of("mesh_open", "mouth", opening(1.0)))  # fmt: skip
    floor = table(rows_of("mesh_mouth_r", "mouth", dict.fromkeys(CLIPS, 0.2)))
    through = table(reached({"one": {"calm": "calm"}}, ("calm", "happy", "sad")))
    return Study(
        "vq", "python -m erlnet.ablate vq=dual,single dataset=bank", Primary("mesh_mouth_r", "mouth", "audio"), "dual",
        (arm("dual", 0.9, right), arm("single", 0.7, mixed)),
        (ReferenceResult("ridge", "floor", floor), ReferenceResult("truth", "control", truth),
         ReferenceResult("passthrough", "control", through)),
        ("audio", "audio_free"), CARDS, tuple(TruthClip(clip, None, 25.0, speaker="anna") for clip in CLIPS),
        "bank", "own", notes=("The judge knows 90% of the clips.",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(study):
    text, beside = render_page(analyse(study), 10**7)
    assert beside == {}
    return text


class Outline(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.tags, self.links = set(), set(), []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.add(tag)
        self.ids |= {found["id"]} if "id" in found else set()
        self.links += [found["href"]] if "href" in found else []


# The matrices


def test_a_cell_is_the_share_of_the_clips_that_were_taken_for_a_style(study):
    dual, single, through = style_matrices(study)
    assert dual == {
        "name": "dual", "role": "variant", "styles": ["calm", "happy", "sad"],
        "lines": [("calm", [1, 0, 0]), ("happy", [0, 1, 0])],  # sad was never asked for
    }  # fmt: skip
    assert single["lines"] == [("calm", [0.5, 0.25, 0.25]), ("happy", [0, 1, 0])]
    assert (through["name"], through["role"]) == ("passthrough", "control")


def test_seeds_are_averaged_and_lines_of_asked_styles_add_up(study):
    styles = ("calm", "happy", "sad")
    scores = table(reached({"one": {"calm": "calm"}}, styles), reached({"one": {"calm": "sad"}}, styles, seed=1))
    two = replace(study.variants[0], scores=scores, seeds=(0, 1))
    (matrix, *_) = style_matrices(replace(study, variants=(two,)))
    assert dict(matrix["lines"])["calm"] == [0.5, 0, 0.5]
    for found in style_matrices(study):
        assert {sum(shares) for _, shares in found["lines"]} == {1}


def test_rows_without_a_judged_motion_have_no_matrix(study):
    bare = replace(study.variants[0], scores=study.variants[0].scores.query("metric != 'style_reached'"))
    failed = replace(study.variants[1], status="failed", error="it broke")
    missing = replace(study.variants[1], name="x", status="missing", scores=None)
    assert [m["name"] for m in style_matrices(replace(study, variants=(bare, failed, missing)))] == ["passthrough"]


# The page


def test_without_frames_there_is_no_picture_and_no_word_of_one(page):
    outline = Outline()
    outline.feed(page)
    assert {"styles", "curves", "scores", "conditions"} <= outline.ids
    assert "frames" not in outline.ids
    assert not outline.tags & {"img", "video"}
    assert {link.lstrip("#") for link in outline.links} <= outline.ids
    assert "http" not in page.replace("http://www.w3.org", "")


def test_the_page_shows_the_matrices_with_the_shares_of_every_row(page):
    section = page[page.index('<section id="styles">') : page.index('<section id="curves">')]
    assert section.count('<table class="matrix">') == 3
    assert re.findall(r">(\d\.\d\d)<", section)[:6] == ["1.00", "0.00", "0.00", "0.00", "1.00", "0.00"]
    assert "passthrough (control)" in section
    assert "The judge knows 90% of the clips." in page


def test_no_clip_is_chosen_to_be_looked_at(study):
    assert choose_clips(study, choose_ranking(study)) == []


def test_curves_are_the_mesh_mouths_of_variants_and_truth_for_every_clip(study):
    (row,) = curve_rows(study, choose_ranking(study), {"dual": "red", "single": "blue"})
    assert row["title"] == "mouth opening of the mesh"
    assert row["driving"] == "audio"
    assert [chart["clip"] for chart in row["charts"]] == list(CLIPS)
    assert "dual, single, truth" in row["charts"][0]["svg"]


def test_the_verdict_goes_by_the_mesh_and_the_guard_is_shown_without_a_gate(page):
    heading = re.search(r"<h1>(.*?)</h1>", page)[1]
    assert heading.startswith("single is worse than dual on mouth of the mesh, r (audio)")
    assert "Health gate: not applicable." in page


def test_a_study_without_styles_has_no_style_section(study):
    bare = tuple(replace(v, scores=v.scores.query("metric != 'style_reached'")) for v in study.variants)
    text, _ = render_page(analyse(replace(study, variants=bare, references=study.references[:2])), 10**7)
    assert 'id="styles"' not in text
    assert "#styles" not in text


def test_a_styles_name_cannot_inject_markup(study):
    scores = table(reached({"one": {"<b": "<b"}}, ("<b",)))
    text, _ = render_page(analyse(replace(study, variants=(replace(study.variants[0], scores=scores),))), 10**7)
    assert '<th scope="row">&lt;b</th>' in text
