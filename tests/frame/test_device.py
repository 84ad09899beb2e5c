import pytest
import torch

from erlnet.device import chosen_device, device_type, usable_device
from erlnet.errors import UserError
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve
from erlnet.runs.job import environment
from erlnet.stages import make_plan


def plan():
    (variant,) = resolve(parse_assignments(["fusion=feature"])).variants
    return make_plan(variant, 0, {}, ("tracked", "audio"), ("ssim",))


def test_a_device_is_cpu_unless_it_is_named():
    assert chosen_device({}) == chosen_device({"ERLNET_DEVICE": ""}) == "cpu"
    assert chosen_device({"ERLNET_DEVICE": "cuda:1"}) == "cuda:1"
    for wrong in ("gpu", "cuda:x", "CPU", "0"):
        with pytest.raises(UserError, match=f"^ERLNET_DEVICE={wrong}: expected cpu, cuda or cuda:N$"):
            chosen_device({"ERLNET_DEVICE": wrong})


def test_a_device_that_is_not_there_is_one_line():
    assert usable_device("cpu") == "cpu"
    absent = f"cuda:{torch.cuda.device_count() if torch.cuda.is_available() else 0}"
    with pytest.raises(UserError, match=rf"^ERLNET_DEVICE={absent}: torch .* sees \d+ CUDA devices here; unset"):
        usable_device(absent)


def test_jobs_beside_each_other_take_devices_in_turns(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [usable_device("cuda", {"ERLNET_JOB_SLOT": str(slot)}) for slot in range(4)] == ["cuda:0", "cuda:1"] * 2
    assert usable_device("cuda:1", {"ERLNET_JOB_SLOT": "0"}) == "cuda:1"
    assert usable_device("cuda", {}) == "cuda"
    assert usable_device("cpu", {"ERLNET_JOB_SLOT": "1"}) == "cpu"


def test_keys_know_the_kind_of_device_where_renderers_are_concerned_and_nowhere_else(monkeypatch):
    monkeypatch.delenv("ERLNET_DEVICE", raising=False)
    cpu = {s.label: s.key for s in plan().stages}
    monkeypatch.setenv("ERLNET_DEVICE", "cuda")
    cuda = {s.label: s.key for s in plan().stages}
    monkeypatch.setenv("ERLNET_DEVICE", "cuda:1")
    assert {s.label: s.key for s in plan().stages} == cuda
    changed = {label for label in cpu if cpu[label] != cuda[label]}
    assert changed == {label for label in cpu if "render" in label or label.startswith("score ssim")}
    monkeypatch.setenv("ERLNET_DEVICE", "gpu")
    with pytest.raises(UserError):
        plan()


def test_what_the_key_holds_of_a_device():
    assert device_type("cuda:3") == device_type("cuda") == "cuda"


def test_a_report_says_which_device_its_numbers_are_from(monkeypatch):
    monkeypatch.delenv("ERLNET_DEVICE", raising=False)
    assert environment()["device"] == "cpu"
    monkeypatch.setenv("ERLNET_DEVICE", "cuda:1")
    assert environment()["device"] == "cuda"
