"""Which cases a setting runs: those that the target offers, together where they call it in the same way.

Cases that differ in their numbers alone share one compilation. A mode that compiles for a second a call runs some
of them: first one for each function, rule and kind of labels, then one for each situation, then what there is
time for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .libraries import LIBRARIES
from .libraries.base import Library, Mode, NotOfferedError
from .targets.base import Call, Setting, Target
from .vectors import Case


@dataclass
class Group:
    """Cases with one call, one list of shapes and dtypes."""

    call: Call
    names: tuple[str, ...]
    wrt: tuple[str, ...]  # what is differentiated, for second derivatives: moved
    cases: list[Case] = field(default_factory=list)


@dataclass
class Plan:
    """What is to be run, what is not offered and why, and how many cases the mode leaves out."""

    library: Library
    mode: Mode
    groups: list[Group] = field(default_factory=list)
    not_offered: list[tuple[Case, str]] = field(default_factory=list)
    left_out: int = 0  # for the time they would take
    unasked: int = 0  # that the mode has nothing to say about

    @property
    def count(self) -> int:
        return sum(len(group.cases) for group in self.groups)


def mode_of(target: Target, setting: Setting) -> Mode:
    key = f"{setting.library}, {setting.mode}"
    return target.modes.get(key) or LIBRARIES[setting.library].modes[setting.mode]


def plan(target: Target, setting: Setting, cases: Iterable[Case], *, everything: bool = False) -> Plan:
    """Sort the cases of a setting."""
    library, mode = LIBRARIES[setting.library], mode_of(target, setting)
    out = Plan(library, mode)
    groups: dict[object, Group] = {}
    for case in cases:
        if (mode.order == 2 and case.expected.hvp is None) or unfit(mode, case):
            out.unasked += 1
            continue
        try:
            call = offered(target, setting, library, mode, case)
        except NotOfferedError as error:
            out.not_offered.append((case, str(error)))
            continue
        wrt = chosen(library, mode, case, call)
        key = (*signature(case), call.expression, wrt)
        groups.setdefault(key, Group(call, tuple(case.inputs), wrt)).cases.append(case)
    out.groups = list(groups.values())
    if mode.signatures is not None and not everything:
        kept = spread(out.groups, mode.signatures)
        out.left_out = out.count - sum(len(group.cases) for group in kept)
        out.groups = kept
    return out


def offered(target: Target, setting: Setting, library: Library, mode: Mode, case: Case) -> Call:
    for x in case.inputs.values():
        if x.dtype not in library.dtypes:
            raise NotOfferedError(f"no {x.dtype}")
        if x.dtype == "bfloat16" and x.values.dtype.name != "bfloat16":
            raise NotOfferedError("bfloat16 without ml_dtypes")
    call = target.call(case, setting)
    if mode.order == 2 and case.expected.hvp is not None:
        for name in case.expected.hvp.direction:
            if name in call.frozen:
                raise NotOfferedError(f"derivatives with respect to {name}")
    return call


def chosen(library: Library, mode: Mode, case: Case, call: Call) -> tuple[str, ...]:
    """What to differentiate with respect to, in the order of the inputs."""
    if mode.order == 2 and case.expected.hvp is not None:
        wanted = set(case.expected.hvp.direction)
    else:
        wanted = set(case.expected.gradients) - call.frozen
    return tuple(name for name in case.inputs if name in wanted)


def unfit(mode: Mode, case: Case) -> bool:
    """Too large for a Jacobian, or without elements, of which torch's jacfwd raises."""
    sizes = [x.values.size for x in case.inputs.values()]
    return mode.elements is not None and (sum(sizes) > mode.elements or 0 in sizes)


def signature(case: Case) -> tuple[str, str, str]:
    shapes = [(name, x.dtype, x.values.shape) for name, x in case.inputs.items()]
    return case.function, json.dumps(case.options, sort_keys=True), str(shapes)


def labels_kind(case: Case) -> str:
    labels = case.inputs.get("labels")
    return (
        "" if labels is None else "sparse" if "label_probs" in case.inputs else "soft" if labels.floating else "index"
    )


COVERED: tuple[Callable[[Case], object], ...] = (
    lambda case: (case.function, case.rule, labels_kind(case)),
    lambda case: (case.function, case.rule, case.dtype),
    lambda case: (case.function, tuple(sorted(case.options)), tuple(sorted(case.inputs))),
    lambda case: (case.function, case.rule, case.about),
    lambda case: case.id,
)


def spread(groups: list[Group], limit: int) -> list[Group]:
    """At most `limit` groups, in their order, that show as many kinds of things as they can."""
    kept: set[int] = set()
    for kind in COVERED:
        seen = {kind(case) for i in kept for case in groups[i].cases}
        # a stride walks through the dtypes, which take turns in the file
        for i in walk(len(groups)):
            if len(kept) >= limit:
                return [groups[i] for i in sorted(kept)]
            fresh = {kind(case) for case in groups[i].cases} - seen
            if i not in kept and fresh:
                kept.add(i)
                seen |= fresh
    return [groups[i] for i in sorted(kept)]


def walk(count: int) -> Iterable[int]:
    """Every number below `count`, far apart from the one before."""
    stride = next((p for p in (389, 397, 401, 409) if count % p), 1)
    return ((i * stride) % count for i in range(count))
