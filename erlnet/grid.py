"""Axes -> variants: the words of a command, resolved and typed before anything runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from erlnet import registry
from erlnet.errors import UserError
from erlnet.grammar import parse_seeds
from erlnet.interfaces import SLOTS
from erlnet.options import option_types, parse_value
from erlnet.presets import default_preset, preset_values
from erlnet.variant import GIVEN, STAGE_SETTINGS, Choice, Variant, physical_cores

SPLITS = ("own", "auto", "auto-time", "blocks", "last", "time")
OWN_SPLIT = ("demo", "bank", "mead", "hdtf", "voxceleb")  # data sets that say which clip is on which side
SINGLE = ("data", "preset", "split", "threads")  # they change the test frames or their count: one value a study


@dataclass(frozen=True)
class Grid:
    """What a command means."""

    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    axes: tuple[str, ...]  # the names that were swept, in the command's order
    swept_slots: tuple[str, ...] = field(default=())  # slots whose component or option was swept


@dataclass(frozen=True)
class _Target:
    """Where an option word leads: options of a slot's component, or settings of a stage."""

    kind: str  # "slot" or "stage"
    owner: str
    component: str | None  # only variants with this component, where the word named one
    option: str


def resolve(assignments: Mapping[str, list[str]]) -> Grid:
    """All variants of a command; UserError at the first word that means nothing."""
    slots = {name: values for name, values in assignments.items() if name in SLOTS}
    for slot, chosen in slots.items():
        for name in chosen:
            registry.find(slot, name)
    single = {name: _one(name, assignments[name]) for name in SINGLE if name in assignments}
    words = {n: v for n, v in assignments.items() if n not in slots and n not in single and n != "seed"}
    targets = {word: _target(word) for word in words}
    if "data" in single and "dataset" not in slots:
        slots["dataset"] = ["folder"]
    base = _Base.of(single, slots)
    used: set[str] = set()
    rows = list(_rows(slots, words, targets, base, used))
    for word in words:
        if word not in used:
            raise UserError(_nobody_has(word, targets[word], rows))
    variants = _unique(rows)
    axes = tuple(n for n, values in assignments.items() if len(values) > 1 and n != "seed")
    swept = {n if n in SLOTS else targets[n].owner for n in axes}
    if "dataset" in swept:
        word = next(n for n in axes if n == "dataset" or (n in targets and targets[n].owner == "dataset"))
        raise UserError(f"{word}: takes one value; variants are compared on the same test frames")
    return Grid(variants, parse_seeds(assignments.get("seed", ["0"])), axes, tuple(s for s in SLOTS if s in swept))


def resolve_study(assignments: Mapping[str, list[str]], also: Sequence[Mapping[str, list[str]]]) -> Grid:
    """The grid of `assignments` and, after it, one variant for each of `also`: its words in place of the swept ones.

    A control that no cross product would name by itself. A variant that the grid has already is not there twice.
    """
    grid = resolve(assignments)
    variants, axes, slots = {v.hash: v for v in grid.variants}, dict.fromkeys(grid.axes), set(grid.swept_slots)
    kept = {name: values for name, values in assignments.items() if len(values) == 1 or name == "seed"}
    for words in also:
        given = next((name for name in words if name in SINGLE or name == "seed"), None)
        if given:
            raise UserError(f"also: {given}={words[given][0]}: is one value for the whole study; put it under set")
        variant = resolve(kept | dict(words)).variants[0]
        variants.setdefault(variant.hash, replace(variant, name=" ".join(f"{n}={v[0]}" for n, v in words.items())))
        axes |= dict.fromkeys(words)
        slots |= {name if name in SLOTS else _target(name).owner for name in words}
    return Grid(tuple(variants.values()), grid.seeds, tuple(axes), tuple(s for s in SLOTS if s in slots))


@dataclass(frozen=True)
class _Base:
    """The values that all variants of a command share."""

    data: str | None
    preset: str
    split: str
    threads: int
    values: Mapping[str, Any]  # the preset's

    @classmethod
    def of(cls, single: Mapping[str, str], slots: Mapping[str, list[str]]) -> _Base:
        dataset = _one("dataset", slots.get("dataset", [SLOTS["dataset"]]))
        preset = single.get("preset", default_preset(dataset))
        default = "own" if dataset in OWN_SPLIT else "auto-time" if dataset == "ldst" else "auto"
        split = single.get("split", default)
        if split.endswith(".json"):
            split = split_name(Path(split))
        elif split not in SPLITS:
            raise UserError(f"split={split}: {registry.did_you_mean(split, SPLITS)}; or a split's file, FILE.json")
        threads = parse_value(single.get("threads", str(physical_cores())), int, "threads")
        if threads < 1:
            raise UserError(f"threads={threads}: expected a whole number from 1")
        return cls(single.get("data"), preset, split, threads, preset_values(preset))


def split_name(file: Path) -> str:
    """What a split given as a file is called in a variant: its stem and the hash of what it says."""
    from erlnet.data.split_files import read_frozen

    return f"{file.stem}{GIVEN}{read_frozen(file).sha256[:12]}"


def _one(name: str, values: list[str]) -> str:
    if len(values) != 1:
        raise UserError(f"{name}={','.join(values)}: takes one value; variants are compared on the same test frames")
    return values[0]


def _target(word: str) -> _Target:
    prefix, dot, option = word.partition(".")
    if not dot:
        known = [*SLOTS, *SINGLE, "seed"]
        raise UserError(f"unknown name '{word}'; {registry.did_you_mean(word, known)}")
    if prefix in STAGE_SETTINGS:
        return _checked(_Target("stage", prefix, None, option), STAGE_SETTINGS[prefix], word)
    if prefix in SLOTS:
        return _Target("slot", prefix, None, option)
    owners = [slot for slot in SLOTS if prefix in registry.names(slot)]
    if len(owners) > 1:
        raise UserError(f"{word}: '{prefix}' is a component of {' and '.join(owners)}; write {owners[0]}.{option}")
    if not owners:
        known = [*SLOTS, *STAGE_SETTINGS, *{n for s in SLOTS for n in registry.names(s)}]
        raise UserError(f"{word}: unknown name '{prefix}'; {registry.did_you_mean(prefix, known)}")
    target = _Target("slot", owners[0], prefix, option)
    return _checked(target, registry.load(owners[0], prefix), word)


def _checked(target: _Target, owner: type, word: str) -> _Target:
    types = option_types(owner)
    if target.option not in types:
        raise UserError(
            f"{word}: '{word.partition('.')[0]}' has no option '{target.option}'; "
            f"{registry.did_you_mean(target.option, types)}"
        )
    return target


def _rows(
    slots: Mapping[str, list[str]],
    words: Mapping[str, list[str]],
    targets: Mapping[str, _Target],
    base: _Base,
    used: set[str],
) -> Iterator[Variant]:
    chosen_by_preset = {name: [value] for name, value in base.values.items() if name in SLOTS}
    slots = chosen_by_preset | dict(slots)
    for names in itertools.product(*(slots.get(slot, [default]) for slot, default in SLOTS.items())):
        config = dict(zip(SLOTS, names))
        classes = {slot: registry.load(slot, name) for slot, name in config.items()}
        mine = {w: v for w, v in words.items() if _applies(targets[w], config, classes)}
        used |= set(mine)
        labels = [(slot, config[slot]) for slot, values in slots.items() if len(values) > 1]
        for picked in itertools.product(*mine.values()):
            chosen = dict(zip(mine, picked))
            swept = [(w, chosen[w]) for w in mine if len(mine[w]) > 1]
            yield _variant(config, classes, chosen, targets, base, [*labels, *swept])


def _applies(target: _Target, config: Mapping[str, str], classes: Mapping[str, type]) -> bool:
    if target.kind == "stage":
        return True
    if target.component is not None and config[target.owner] != target.component:
        return False
    return target.option in option_types(classes[target.owner])


def _variant(
    config: Mapping[str, str],
    classes: Mapping[str, type],
    chosen: Mapping[str, str],
    targets: Mapping[str, _Target],
    base: _Base,
    labels: list[tuple[str, str]],
) -> Variant:
    values: dict[str, dict[str, Any]] = {owner: {} for owner in [*SLOTS, *STAGE_SETTINGS]}
    for name, value in base.values.items():
        if name in SLOTS:
            continue
        target = _target(name)
        if _applies(target, config, classes):
            values[target.owner][target.option] = value
    for word, text in chosen.items():
        target = targets[word]
        owner_type = STAGE_SETTINGS[target.owner] if target.kind == "stage" else classes[target.owner]
        values[target.owner][target.option] = parse_value(text, option_types(owner_type)[target.option], word)
    choices = {slot: Choice(config[slot], _made(classes[slot], values[slot], slot)) for slot in SLOTS}
    _check_layers(choices)
    settings = {stage: _made(kind, values[stage], stage) for stage, kind in STAGE_SETTINGS.items()}
    # One swept slot: its component's name says it all. More: every label carries its axis.
    name = labels[0][1] if len(labels) == 1 and labels[0][0] in SLOTS else " ".join(f"{a}={v}" for a, v in labels)
    return Variant(name or "default", choices, settings, base.data, base.preset, base.split, base.threads)


def _check_layers(choices: Mapping[str, Choice]) -> None:
    """What a fusion trains apart must be apart: UserError where it is one NeRF."""
    fusion, branches = choices["fusion"], choices["branches"]
    if getattr(fusion.component, "SEPARATE", False) and getattr(branches.component, "LAYERS", 2) == 1:
        raise UserError(
            f"fusion={fusion.name} with train=separate trains head and torso apart, and branches={branches.name} has "
            "one NeRF for both; choose branches=dual or fusion.train=joint"
        )


def _made(kind: type, values: Mapping[str, Any], where: str) -> Any:
    try:
        return kind(**values)
    except ValueError as error:  # a dataclass checks its own ranges in __post_init__
        raise UserError(f"{where}: {error}") from None


def _unique(rows: list[Variant]) -> tuple[Variant, ...]:
    return tuple({variant.hash: variant for variant in reversed(rows)}.values())[::-1]


def _nobody_has(word: str, target: _Target, rows: list[Variant]) -> str:
    names = sorted({row.choices[target.owner].name for row in rows})
    if target.component is not None:
        return f"{word}: no variant here has {target.owner}={target.component} (it is {', '.join(names)})"
    options = {o for row in rows for o in option_types(type(row.choices[target.owner].component))}
    return (
        f"{word}: {target.owner}={','.join(names)} has no option '{target.option}'; "
        f"{registry.did_you_mean(target.option, sorted(options))}"
    )
