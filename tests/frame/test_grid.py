from pathlib import Path

import pytest

from erlnet.errors import UserError
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve, resolve_study
from erlnet.study import parse_command

STUDIES = Path(__file__).parents[2] / "ablations"


def grid(*words):
    return resolve(parse_assignments(list(words)))


def test_one_swept_slot_names_its_variants_by_the_component():
    assert [v.name for v in grid("fusion=pixel,feature").variants] == ["pixel", "feature"]


def test_no_word_is_the_default_on_the_demo():
    (variant,) = grid().variants
    assert variant.config["dataset"] == "demo"
    assert variant.preset == "demo"
    assert variant.split == "own"


def test_data_means_the_folder_dataset_and_the_fast_preset():
    (variant,) = grid("data=talk.mp4").variants
    assert (variant.config["dataset"], variant.preset, variant.split) == ("folder", "fast", "auto")


def test_an_option_applies_to_the_variants_whose_component_has_it():
    names = [v.name for v in grid("fusion=pixel,feature", "fusion.rule=normalised,over").variants]
    assert names == ["pixel", "fusion=feature fusion.rule=normalised", "fusion=feature fusion.rule=over"]


def test_stage_settings_reach_every_variant():
    for variant in grid("fusion=pixel,feature", "renderer.steps=7").variants:
        assert variant.settings["renderer"].steps == 7


@pytest.mark.parametrize(
    "word",
    [
        "renderer.factor=0", "renderer.steps=0", "renderer.windows=0", "renderer.channels=2", "renderer.rate=-1",
        "renderer.rate=nan", "renderer.mouth_weight=-1", "renderer.head_samples=[16]", "renderer.static_samples=[8,0]",
        "renderer.eyes_share=0.9", "renderer.mouth_share=-0.1", "triplane.resolution=0", "conditioning.width=0",
        "deform.reach=-1", "cnn.layers=0",
    ],
)  # fmt: skip
def test_a_renderer_that_cannot_be_is_refused_before_anything_runs(word):
    with pytest.raises(UserError) as error:
        grid(word)
    assert word.partition(".")[2].partition("=")[0] in str(error.value)
    assert "expected" in str(error.value)


def test_a_component_may_be_the_prefix():
    (variant,) = grid("demo.seed=3").variants
    assert variant.options["dataset.seed"] == 3


def test_the_hash_ignores_the_name_and_the_presets_name_but_no_value():
    swept = {v.config["fusion"]: v for v in grid("fusion=pixel,feature").variants}
    (alone,) = grid("fusion=pixel").variants
    assert swept["pixel"].hash == alone.hash != swept["feature"].hash
    assert grid("renderer.steps=9").variants[0].hash != grid("renderer.steps=8").variants[0].hash


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fusoin=pixel"], "unknown name 'fusoin'; did you mean 'fusion'"),
        (["fusion=pixle"], "no component 'pixle'; did you mean 'pixel'"),
        (["renderer.steps=many"], "renderer.steps=many: expected a whole number"),
        (["renderer.stpes=3"], "did you mean 'steps'"),
        (["fusion=pixel", "fusion.rule=over"], "fusion=pixel has no option 'rule'"),
        (["fusion.rule=ovr"], "did you mean 'over'"),
        (["fusion=pixel", "folder.size=2"], "no variant here has dataset=folder"),
        (["dual.width=8"], "'dual' is a component of"),
        (["preset=dmeo"], "did you mean 'demo'"),
        (["split=lsat"], "did you mean 'last'"),
        (["data=a,b"], "takes one value"),
        (["threads=0"], "threads=0"),
        (["nothing.x=1"], "unknown name 'nothing'"),
    ],
)
def test_a_mistake_is_named_before_anything_runs(words, message):
    with pytest.raises(UserError, match=message):
        grid(*words)


def test_head_and_torso_are_not_trained_apart_where_they_are_one():
    with pytest.raises(UserError, match=r"branches=single has one NeRF for both; choose branches=dual or fusion.train"):
        grid("fusion=pixel", "fusion.train=separate", "branches=single")
    assert len(grid("fusion=pixel", "fusion.train=joint", "branches=dual,single").variants) == 2


def test_each_data_set_has_the_split_it_comes_with():
    def split(*words):
        return grid(*words).variants[0].split

    assert split("dataset=mead", "data=x") == split("dataset=hdtf", "data=x") == split("dataset=voxceleb", "data=x")
    assert split("dataset=mead", "data=x") == "own"
    assert split("dataset=ldst", "data=x") == "auto-time"
    assert split("data=x") == "auto"


def test_a_data_sets_option_cannot_be_swept():
    with pytest.raises(UserError, match=r"mead\.speakers: takes one value"):
        grid("dataset=mead", "data=x", "mead.speakers=M003,M030")


def test_a_list_of_one_needs_no_brackets():
    variant = grid("dataset=mead", "data=x", "mead.speakers=[M003,M030]", "mead.views=down")
    component = variant.variants[0].choices["dataset"].component
    assert (component.speakers, component.views) == (("M003", "M030"), ("down",))


def test_a_split_given_as_a_file_is_named_by_what_it_says(tmp_path):
    from erlnet.data.split_files import FrozenSplit, Row, write_frozen

    def named(stop):
        rows = {
            "train": [Row("a", "talk", "talk", 0, stop, 100, 0)],
            "val": [],
            "test": [Row("b", "talk", "talk", 90, 100, 100, 0)],
        }
        write_frozen(tmp_path / "mine.json", FrozenSplit("mine", rows))
        return grid(f"split={tmp_path / 'mine.json'}").variants[0].split

    first = named(50)
    assert first.startswith("mine@")
    assert named(60) != first
    assert named(50) == first
    with pytest.raises(UserError, match="no split file"):
        grid(f"split={tmp_path / 'absent.json'}")


def test_a_study_has_controls_beside_its_grid():
    assignments = {"fusion": ["pixel", "feature"], "renderer.steps": ["7"], "seed": ["0", "1"]}
    also = ({"branches": ["single"]}, {"fusion": ["pixel"], "fusion.refine": ["true"]}, {"fusion": ["pixel"]})
    found = resolve_study(assignments, also)
    assert [v.name for v in found.variants] == [
        "pixel",
        "feature",
        "branches=single",
        "fusion=pixel fusion.refine=true",
    ]
    control, refined = found.variants[2:]
    assert (control.config["fusion"], control.config["branches"]) == ("feature", "single")  # the default fusion
    assert refined.options["fusion.refine"] is True
    assert {v.settings["renderer"].steps for v in found.variants} == {7}
    assert found.seeds == (0, 1)
    assert found.axes == ("fusion", "branches", "fusion.refine")
    assert found.swept_slots == ("branches", "fusion")


def test_a_control_changes_no_test_frames():
    with pytest.raises(UserError, match="also: split=last"):
        resolve_study({"fusion": ["pixel", "feature"]}, ({"split": ["last"]},))
    with pytest.raises(UserError, match="unknown name 'fusoin'; did you mean 'fusion'"):
        resolve_study({"fusion": ["pixel", "feature"]}, ({"fusoin": ["pixel"]},))


@pytest.mark.parametrize("study", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_published_study_means_something(study):
    command = parse_command([str(study)])
    found = resolve_study(command.assignments, command.also)
    assert command.title.endswith("?")
    assert len(found.variants) == len(next(iter(command.assignments.values()))) + len(command.also)
    assert len({v.name for v in found.variants}) == len(found.variants)
