"""Health and cost of a variant, gathered from what its stages left behind."""

import json

import pytest

from erlnet.nerf.health import NOT_APPLICABLE
from erlnet.runs.checks import health_check
from erlnet.runs.cost import cost_of
from erlnet.stages import Plan, Stage


def left_behind(out, name: str, number: int, figures: dict) -> Stage:
    """A finished stage."""
    stage = Stage(name, f"stage {name}", {"number": number}, {})
    stage.folder(out).mkdir(parents=True)
    (stage.folder(out) / "metrics.json").write_text(json.dumps(figures))
    (stage.folder(out) / "DONE").touch()
    return stage


def plan(*stages: Stage, seed: int = 0) -> Plan:
    renders = tuple(("tracked", stage) for stage in stages if stage.name == "render")
    return Plan(None, seed, stages, (), (), renders)


def test_one_nerf_has_no_health_gate_and_says_why(tmp_path):
    check = health_check([plan(left_behind(tmp_path, "render", 0, {"health": NOT_APPLICABLE}))], tmp_path)
    assert check.status == "n/a"
    assert "one NeRF" in check.values["reason"]


@pytest.mark.parametrize("order", [("passed", "failed"), ("failed", "passed")])
def test_one_failed_seed_fails_a_variant(tmp_path, order):
    health = {
        "passed": {"status": "passed", "values": {"x": 1.0}},
        "failed": {"status": "failed", "values": {"x": 0.0}},
    }
    group = [plan(left_behind(tmp_path, "render", i, {"health": health[word]}), seed=i) for i, word in enumerate(order)]
    assert health_check(group, tmp_path).status == "failed"
    assert health_check(group, tmp_path).values == {"x": 0.0}


def test_cost_adds_seconds_over_seeds_and_takes_sizes_and_work_of_the_first(tmp_path):
    trained = [
        left_behind(
            tmp_path, "renderer", i, {"seconds": 10.0 + i, "parameters": 700.0, "multiply_adds_per_frame": 40 + i}
        )
        for i in range(2)
    ]
    shared = left_behind(tmp_path, "prepare", 0, {"seconds": 3.0})
    cost = cost_of([plan(shared, trained[0]), plan(shared, trained[1], seed=1)], tmp_path, 99)
    assert cost.stages == {"stage prepare": 3.0, "stage renderer": 21.0}
    assert cost.seconds == 24.0
    assert cost.parameters == {"renderer": 700}
    assert cost.multiply_adds_per_frame == 40
    assert cost.peak_rss_bytes == 99


def test_without_a_renderer_no_frame_has_a_cost(tmp_path):
    codec = left_behind(tmp_path, "codec", 0, {"seconds": 1.0, "parameters": 5.0})
    assert cost_of([plan(codec)], tmp_path, None).multiply_adds_per_frame is None
