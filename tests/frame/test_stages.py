import pytest

from erlnet.driving import budget_endpoint, choose_driving, primary_endpoint
from erlnet.errors import UserError
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve
from erlnet.metrics.cards import FAMILIES
from erlnet.runs.notes import said_of_twins
from erlnet.stages import Plan, make_plan


def plans(*words, driving=("tracked", "audio"), seed=0, families=("ssim", "lpips")) -> list[Plan]:
    grid = resolve(parse_assignments(list(words)))
    return [make_plan(v, seed, {"seed": 0}, driving, families) for v in grid.variants]


def keys(plan: Plan, name: str) -> set[str]:
    return {s.key for s in plan.stages if s.name == name}


def test_variants_of_fusion_share_all_but_the_renderer():
    pixel, feature = plans("fusion=pixel,feature")
    for shared in ("prepare", "features", "codec", "motion", "references"):
        assert keys(pixel, shared) == keys(feature, shared)
    for own in ("renderer", "render", "evaluate"):
        assert not keys(pixel, own) & keys(feature, own)


def test_an_adf_setting_leaves_the_renderer_and_its_tracked_render_alone():
    few, many = plans("motion.steps=5,6")
    assert keys(few, "renderer") == keys(many, "renderer")
    assert keys(few, "motion") != keys(many, "motion")
    render = [{mode: s.key for mode, s in plan.renders} for plan in (few, many)]
    assert render[0]["tracked"] == render[1]["tracked"]
    assert render[0]["audio"] != render[1]["audio"]


def test_every_input_comes_before_what_reads_it():
    (plan,) = plans()
    seen = set()
    for stage in plan.stages:
        assert {s.key for s in stage.inputs.values()} <= seen
        seen.add(stage.key)


def test_sound_features_come_before_anything_trains():
    (plan,) = plans(driving=("tracked", "reconstructed", "audio"))
    names = [s.name for s in plan.stages]
    assert names.index("features") < min(names.index(n) for n in ("codec", "motion", "renderer"))


def test_the_seed_reaches_only_what_trains_and_what_follows():
    first, second = plans(seed=0)[0], plans(seed=1)[0]
    for shared in ("prepare", "features", "references"):
        assert keys(first, shared) == keys(second, shared)
    for own in ("codec", "motion", "renderer", "render", "evaluate"):
        assert not keys(first, own) & keys(second, own)


def test_tracked_alone_trains_no_adf():
    (plan,) = plans(driving=("tracked",), families=tuple(FAMILIES))
    assert not {s.name for s in plan.stages} & {"codec", "motion", "features"}


def test_threads_are_part_of_what_a_network_computes():
    one, two = plans("threads=1")[0], plans("threads=2")[0]
    assert keys(one, "prepare") == keys(two, "prepare")
    assert keys(one, "renderer") != keys(two, "renderer")


def variants(*words):
    return resolve(parse_assignments(list(words))).variants


def test_every_mode_is_shown_where_adf_is_swept():
    assert choose_driving(None, ["fusion"], variants("fusion=pixel,feature")) == ("tracked", "audio")
    everything = ("tracked", "reconstructed", "audio", "audio_free")
    assert choose_driving(None, ["motion"], variants("motion.steps=5,6")) == everything


def test_the_primary_endpoint_follows_what_is_swept():
    modes = ("tracked", "audio")
    assert primary_endpoint(["fusion"], modes) == ("ssim", "neck", "tracked")
    assert primary_endpoint(["vq"], modes) == ("mouth_open_r", "mouth", "audio")
    assert primary_endpoint([], modes) == ("lpips", "frame", "tracked")
    assert primary_endpoint(["vq"], ("reconstructed", "audio"), has_frames=False)[0] == "mesh_mouth_r"
    assert primary_endpoint(["vq"], ("reconstructed",), has_frames=False)[0] == "expression_error"


def test_clips_without_frames_train_no_renderer():
    (plan,) = plans("dataset=bank", driving=("reconstructed", "audio", "audio_free"), families=tuple(FAMILIES))
    assert not {s.name for s in plan.stages} & {"renderer", "render"}
    assert {family for _, family, _ in plan.evaluations} == {"motion", "style", "codebook"}
    with pytest.raises(UserError, match=r"tracked.*no frames"):
        choose_driving("tracked", [], variants("dataset=bank"))


def test_a_codec_without_codes_reconstructs_nothing():
    none, dual = plans("vq=none,dual", driving=("tracked", "reconstructed", "audio"), families=("ssim", "codebook"))
    assert {mode for mode, *_ in none.evaluations} == {"tracked", "audio"}
    assert {mode for mode, *_ in dual.evaluations} == {"tracked", "reconstructed", "audio", "none"}
    assert keys(none, "renderer") == keys(dual, "renderer")


def test_a_quantizer_is_nothing_to_a_codec_without_codes():
    ema, fsq = plans("vq=none", "quantizer=ema,fsq")
    assert keys(ema, "codec") == keys(fsq, "codec")
    assert keys(ema, "motion") == keys(fsq, "motion")


def test_stage_one_alone_needs_no_renderer_on_video_either():
    (plan,) = plans(driving=("audio",), families=("motion", "codebook"))
    assert not {s.name for s in plan.stages} & {"renderer", "render"}


def test_no_frame_is_rendered_where_nothing_true_can_stand_beside_it():
    (plan,) = plans(driving=("tracked", "audio_free"), families=tuple(FAMILIES))
    assert [mode for mode, _ in plan.renders] == ["tracked"]
    assert {f for mode, f, _ in plan.evaluations if mode == "audio_free"} == {"motion", "style"}


def budget(*words, driving=("tracked", "audio"), families=("ssim", "lpips")):
    grid = resolve(parse_assignments(list(words)))
    return budget_endpoint(grid.swept_slots, driving, families, grid.variants)


def test_renderers_are_scored_after_shares_of_their_steps_where_that_says_something():
    assert budget("fusion=pixel,feature", "preset=study") == ("ssim", "tracked")
    assert budget("renderer.steps=100,200", "preset=study") == ("lpips", "tracked")
    for quick in ("demo", "smoke"):
        assert budget("fusion=pixel,feature", f"preset={quick}") is None
    assert budget("vq=dual,single", "preset=study") is None  # stage one keeps no snapshots
    assert budget("fusion=pixel,feature", "preset=study", families=("lpips",)) is None  # not asked for
    assert budget("fusion=pixel,feature", "preset=study", driving=("audio",)) is None
    assert budget("dataset=bank", families=tuple(FAMILIES)) is None


def test_scores_after_shares_of_the_steps_change_no_other_key():
    grid = resolve(parse_assignments(["fusion=feature", "preset=study"]))
    plain, scored = (
        make_plan(grid.variants[0], 0, {}, ("tracked",), ("ssim",), wanted) for wanted in (None, ("ssim", "tracked"))
    )
    assert plain.budget is None
    assert scored.budget is not None
    assert {s.key for s in plain.stages} | {scored.budget.key} == {s.key for s in scored.stages}


def test_variants_that_nothing_tells_apart_are_named():
    assert said_of_twins(plans("vq=dual,none", "quantizer=ema,fsq", driving=("audio",))) == [
        "vq=none quantizer=ema and vq=none quantizer=fsq are the same here: no stage reads what tells them apart."
    ]
    seeds = [plan for seed in (0, 1) for plan in plans("fusion=pixel,feature", seed=seed)]
    assert said_of_twins(seeds) == []
    (told,) = said_of_twins(plans("motion.steps=5,6", driving=("tracked",)))
    assert told.startswith("motion.steps=5 and motion.steps=6 are")
