"""The page as a reader and a browser meet it."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import av
import numpy as np
import pytest
from PIL import Image
from synthetic_study import make_study

from erlnet.report.analysis import analyse
from erlnet.report.clips_shown import choose_clips, choose_ranking
from erlnet.report.inputs import Check
from erlnet.report.sentences import headline
from erlnet.report.write import write_report

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Outline(HTMLParser):
    """Collects tags with their attributes, and checks that they close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        self.text.append(data)

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    frames = tmp_path_factory.mktemp("frames")
    return make_study(frames, n_clips=3, n_frames=6, driving=("tracked", "audio"), failed=True)


@pytest.fixture(scope="module")
def page(study, tmp_path_factory):
    return write_report(study, tmp_path_factory.mktemp("report")).read_text()


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page)


def data_of(attrs):
    kind, content = re.fullmatch(r"data:([a-z0-9/]+);base64,(.+)", attrs["src"]).groups()
    return kind, base64.b64decode(unquote(content))


def test_the_page_is_well_formed_and_asks_the_network_for_nothing(page, outline):
    assert outline.open == []
    for _, attrs in outline.tags:
        for name in ("src", "srcset", "poster", "data", "action"):
            assert attrs.get(name, "data:").startswith("data:")
        assert attrs.get("href", "#").startswith("#")
    assert not re.search(r"@import|url\(|//", page)  # no host anywhere, not even by chance in base64
    assert outline.all("script") == outline.all("link") == []


def test_the_answer_comes_first(study, outline):
    words = " ".join(" ".join(outline.text).split())
    answer = words.index(headline(analyse(study)))
    assert answer < words.index("How large the difference is") < words.index("Driving: tracked")
    assert "sanity check, not evidence" in words[: words.index("How large")]
    assert "does not cover training randomness" in words[: words.index("How large")]


def test_every_picture_has_an_alt_text_and_every_chart_a_label(outline):
    assert outline.all("img")
    assert all(attrs["alt"] for attrs in outline.all("img"))
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in outline.all("svg"))
    assert all(attrs["aria-label"] for attrs in outline.all("video"))
    assert all(attrs.get("scope") in ("row", "col") for attrs in outline.all("th"))


def test_inner_links_lead_somewhere(outline):
    targets = {attrs["id"] for _, attrs in outline.tags if "id" in attrs}
    assert {attrs["href"][1:] for attrs in outline.all("a")} <= targets


def test_stills_are_lossless_and_the_truth_is_among_them(study, outline):
    truth = {study.clips[0].frames.frame(t).tobytes() for t in range(6)}
    stills = [a for a in outline.all("img") if a["alt"].startswith("truth, clip00")]
    assert len(stills) == 3
    for attrs in stills:
        kind, content = data_of(attrs)
        picture = np.asarray(Image.open(io.BytesIO(content))).transpose(2, 0, 1)
        assert kind == "image/png"
        assert picture.tobytes() in truth


def test_every_clip_has_a_video_in_step_with_its_sound(study, outline):
    videos = outline.all("video")
    assert len(videos) == 3
    kind, content = data_of(videos[0])
    assert kind == "video/mp4"
    with av.open(io.BytesIO(content)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt, sound.codec_context.name) == (
            "h264",
            "yuv420p",
            "aac",
        )
        assert float(video.average_rate) == 25
        pictures = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert len(pictures) == 6
    assert pictures[0].shape == (
        2 * (128 + 24),
        3 * 128,
        3,
    )  # two modes; truth and two variants; 64 px shown twice as large
    tile = pictures[2][24:152, :128].astype(float)
    true = np.asarray(Image.fromarray(study.clips[0].frames.frame(2).transpose(1, 2, 0)).resize((128, 128)), float)
    assert np.abs(tile - true).mean() < 6  # of 255: coded, but the right frame with the right colours
    with av.open(io.BytesIO(content)) as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert 6 * 640 <= len(heard) <= 6 * 640 + 2 * 1024
    assert np.abs(heard).max() > 0.1


def test_the_worst_frame_is_the_worst_by_the_primary_score(study):
    ranking = choose_ranking(study)
    shown = choose_clips(study, ranking)
    rows = [v.scores for v in study.variants if v.scores is not None]
    values = sum(
        t[(t["metric"] == "ssim") & (t["region"] == "neck") & (t["driving"] == "tracked") & (t["clip"] == "clip01")]
        .set_index("frame")["value"]
        .sort_index()
        for t in rows
    ) / len(rows)  # fmt: skip
    moments = {m.why: m for m in shown[1].moments}
    assert (moments["worst"].frame, moments["best"].frame) == (values.idxmin(), values.idxmax())
    assert moments["worst"].value == pytest.approx(values.min())
    assert sorted(clip.rank for clip in shown) == ["best", "median", "worst"]


def test_every_metric_shown_is_defined_and_unavailable_ones_have_a_remedy(study, page):
    for name in ("ssim", "psnr", "mouth_open_r", "mouth_open_slope", "lpips"):
        assert study.cards[name].definition[:40] in page.replace("&#39;", "'")
    assert "python -m erlnet assets fetch lpips" in page


def test_the_cost_of_a_frame_is_shown_with_what_is_not_counted(page):
    assert "<td>346 million</td>" in page
    assert "reading feature grids, compositing and activations are not counted" in page


def test_the_failed_variant_is_shown_with_its_error(page):
    assert "loss became NaN at step 412" in page


def test_mouth_opening_curves_stand_beside_the_truth(outline):
    labels = [a["aria-label"] for a in outline.all("svg") if "mouth opening over" in a["aria-label"]]
    assert len(labels) == 3
    assert all("truth" in label for label in labels)


def test_names_from_outside_cannot_inject_markup(study, tmp_path):
    evil = replace(study.variants[2], name="<script>alert(1)</script>", error="<img src=http://x>")
    text = write_report(replace(study, variants=(*study.variants[:2], evil)), tmp_path).read_text()
    assert "<script>" not in text
    assert "&lt;img src=http://x&gt;" in text


def test_large_media_go_beside_the_page_and_leave_when_they_fit_again(study, tmp_path):
    text = write_report(study, tmp_path, budget=100_000).read_text()
    names = re.findall(r'src="report_files/([^"]+)"', text)
    assert sorted(names) == sorted(p.name for p in (tmp_path / "report_files").iterdir())
    assert "data:" not in text
    write_report(study, tmp_path)
    assert not (tmp_path / "report_files").exists()


def test_a_study_without_frames_references_or_checks_still_makes_a_page(study, tmp_path):
    bare = [replace(v, frames={}, health=Check(), mouth_guard=Check()) for v in study.variants]
    text = write_report(replace(study, variants=tuple(bare), references=(), clips=()), tmp_path).read_text()
    assert Outline(text).all("video") == []
    assert "Health gate: not applicable." in text


def test_a_renderer_that_stopped_early_is_shown_as_far_as_it_goes(study, tmp_path):
    folder = study.variants[0].frames["tracked", "clip00"]
    short = tmp_path / "short"
    short.mkdir()
    for t in range(4):
        (short / f"{t:05d}.png").write_bytes((folder / f"{t:05d}.png").read_bytes())
    frames = dict(study.variants[0].frames) | {("tracked", "clip00"): short}
    made = replace(study, variants=(replace(study.variants[0], frames=frames), study.variants[1]))
    page = Outline(write_report(made, tmp_path / "out").read_text())
    with av.open(io.BytesIO(data_of(page.all("video")[0])[1])) as container:
        assert sum(1 for _ in container.decode(video=0)) == 4
