"""Runs a target on cases in one setting, in this process, and judges what comes out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib import import_module
from math import fsum
from typing import Any

import numpy as np

from .judge import INF, errors, loosened
from .libraries.base import Answer, Job, Library, NotOfferedError
from .plan import Group, Plan
from .targets.base import Target
from .vectors import Case, Numbers

AGREES, DISAGREES, RAISES, NOT_OFFERED = "agrees", "disagrees", "raises", "not offered"


@dataclass
class Part:
    """One array of an answer: the value, a gradient, a product."""

    name: str
    worst: float  # in bars
    given: list[str] = field(default_factory=list)  # where it disagrees, as decimals
    bars: list[float] = field(default_factory=list)
    complaint: str = ""  # of its shape, dtype or type

    @property
    def agrees(self) -> bool:
        return self.worst <= 1.0


@dataclass
class Outcome:
    """What came of one case."""

    id: str
    status: str
    text: str = ""  # of an exception; why it is not offered
    parts: list[Part] = field(default_factory=list)
    partly: list[str] = field(default_factory=list)  # what else of it is not offered

    @property
    def failed(self) -> bool:
        return self.status in (DISAGREES, RAISES)

    @property
    def worst(self) -> float:
        return max((part.worst for part in self.parts), default=0.0)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Outcome:
        return Outcome(**{**data, "parts": [Part(**part) for part in data["parts"]]})


def run(target: Target, made: Plan, begin: Callable[[list[Case]], None] = lambda _: None) -> Iterator[Outcome]:
    """The outcome of each case of a plan; `begin` is told of every group before its turn."""
    for case, reason in made.not_offered:
        yield Outcome(case.id, NOT_OFFERED, reason)
    with made.library.context(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for group in made.groups:
            begin(group.cases)
            yield from run_group(target, made, group)


def run_group(target: Target, made: Plan, group: Group) -> list[Outcome]:
    """All cases of a group in one go; one by one where that raises, to find the one that does."""
    try:
        function = evaluated(group)
        answers, complaints = answered(made, group, function)
    except NotOfferedError as error:
        return [Outcome(case.id, NOT_OFFERED, str(error)) for case in group.cases]
    except NotImplementedError as error:
        if target.open_ended:
            return [Outcome(case.id, NOT_OFFERED, first_line(error)) for case in group.cases]
        return blamed(target, made, group, error)
    except Exception as error:
        return blamed(target, made, group, error)
    results = zip(group.cases, answers, complaints, strict=True)
    return [judged(target, made, group, *result) for result in results]


def blamed(target: Target, made: Plan, group: Group, error: Exception) -> list[Outcome]:
    if len(group.cases) > 1:
        alone = [Group(group.call, group.names, group.wrt, [case]) for case in group.cases]
        return [outcome for one in alone for outcome in run_group(target, made, one)]
    [case], text = group.cases, f"{type(error).__name__}: {first_line(error)}"
    if target.may_raise and has_bad_label(case):
        return [Outcome(case.id, AGREES, f"raises on the bad label: {text}")]
    return [Outcome(case.id, RAISES, text)]


def has_bad_label(case: Case) -> bool:
    """Whether the rules ask for NaN because of a label, where raising is as good."""
    spoilt = [case.expected.value, *case.expected.gradients.values()]
    return case.options.get("check_labels") == "nan" and any(np.isnan(x.data).any() for x in spoilt)


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def evaluated(group: Group) -> Callable[..., Any]:
    """The call as a function of the inputs, by position."""
    return compiled(group, group.call.expression)


def compiled(group: Group, expression: str) -> Callable[..., Any]:
    space: dict[str, Any] = {"np": np, **group.call.given}
    for line in group.call.imports:
        exec(line, space)
    for name in ("torch", "jax", "tensorflow"):
        if name in expression or (name == "tensorflow" and "tf." in expression):
            space["tf" if name == "tensorflow" else name] = import_module(name)
    function: Callable[..., Any] = eval(f"lambda {', '.join(group.names)}: {expression}", space)
    return function


def answered(made: Plan, group: Group, function: Callable[..., Any]) -> tuple[list[Answer], list[str]]:
    """What the mode gives for each case, and what became of its inputs."""
    array, numbers = made.library.array, made.library.numbers
    examples = [tuple(array(x) for x in case.inputs.values()) for case in group.cases]
    directions = [
        tuple(array(case.expected.hvp.direction[name]) for name in group.wrt)
        if made.mode.order == 2 and case.expected.hvp
        else ()
        for case in group.cases
    ]
    places = tuple(group.names.index(name) for name in group.wrt)
    own = {name: compiled(group, text) for name, text in group.call.gradients.items() if name in group.wrt}

    def own_gradients(*example: Any) -> dict[str, Any]:
        return {name: f(*example) for name, f in own.items()}

    before = [[numbers(x).tobytes() for x in example] for example in examples]
    job = Job(function, group.names, places, examples, directions, own_gradients)
    answers = made.mode.run(job)
    changed = []
    for example, bytes_ in zip(examples, before, strict=True):
        pairs = zip(group.names, example, bytes_, strict=True)
        touched = [name for name, x, old in pairs if numbers(x).tobytes() != old]
        changed.append(f"changed its input {', '.join(touched)}" if touched else "")
    return answers, changed


# ---------------------------------------------------------------------------------------------
# judging


def judged(target: Target, made: Plan, group: Group, case: Case, answer: Answer, changed: str) -> Outcome:
    """Every part of an answer held against what is expected."""
    parts, partly = [], []
    try:
        for name, expected, given in wanted(case, answer, made.library):
            if given is None:
                partly.append(name)
            else:
                parts.append(part(target, made, case, name, expected, given))
    except Exception as error:  # lazy libraries compute, and raise, when they are read
        return blamed(target, made, Group(group.call, group.names, group.wrt, [case]), error)[0]
    if changed:
        parts.append(Part("inputs", INF, complaint=changed))
    status = AGREES if all(p.agrees for p in parts) else DISAGREES
    return Outcome(case.id, status, parts=parts, partly=partly)


def wanted(case: Case, answer: Answer, library: Library) -> Iterator[tuple[str, Numbers, Any]]:
    """(name, expected, given) of each part; given is None where the target has no such thing."""
    expected = case.expected
    if "products" in answer:
        assert expected.hvp is not None
        for name, numbers in expected.hvp.products.items():
            yield f"second order in {name}", numbers, answer["products"].get(name)
        return
    yield "value", expected.value, answer["value"]
    if expected.second is not None:
        yield "sign" if expected.sign is not None else "lse", expected.second, answer.get("second")
    for name, numbers in expected.gradients.items():
        if name in answer.get("jacobians", {}):
            jacobian = library.numbers(answer["jacobians"][name])
            yield f"forward mode in {name}", numbers, summed(jacobian, numbers, expected.value)
        else:
            yield f"gradient of {name}", numbers, answer["gradients"].get(name)


def summed(jacobian: np.ndarray, expected: Numbers, value: Numbers) -> np.ndarray:
    """The gradient of the value's sum from its Jacobian.

    A tangent of 0 times a derivative that is NaN or infinite is NaN: it spoils the tangent of its output along
    everything else. Such outputs are left out, and what is NaN for nothing else is left open.
    """
    truth = expected.data.reshape(-1)
    rows = jacobian.astype(np.float64).reshape(value.data.size, truth.size)
    lost = np.isnan(value.data).reshape(-1)
    given = np.where(np.isnan(truth), column_sums(rows), column_sums(rows[~lost]))
    if lost.any() or not np.isfinite(truth).all():
        given = np.where(np.isnan(given) | (lost.all() & (lost.size > 0)), truth, given)
    with np.errstate(over="ignore"):
        return np.asarray(given.reshape(expected.shape).astype(jacobian.dtype))


def column_sums(rows: np.ndarray) -> np.ndarray:
    """Without a rounding of our own: many shares of a row may cancel."""
    finite = np.isfinite(rows).all(axis=0)
    return np.asarray([fsum(column) if ok else column.sum() for column, ok in zip(rows.T, finite, strict=True)])


def part(target: Target, made: Plan, case: Case, name: str, expected: Numbers, given: Any) -> Part:
    try:
        summed_up = name.startswith("forward")  # and by that an array of NumPy's
        computed = given if summed_up else made.library.numbers(given)
    except TypeError as error:
        if target.strict:
            return Part(name, INF, complaint=str(error))
        computed = np.asarray(given)
    if tuple(computed.shape) != expected.shape:
        return Part(name, INF, complaint=f"shape {tuple(computed.shape)}, expected {expected.shape}")
    # a Jacobian has the dtype of the output
    if target.strict and str(computed.dtype) != expected.dtype and not name.startswith("forward"):
        return Part(name, INF, complaint=f"dtype {computed.dtype}, expected {expected.dtype}")
    raw = dict(expected.raw)
    if made.mode.loose and name.startswith("gradient"):
        raw = loosened(raw, int(case.options.get("axis", -1)))
    bars = errors(raw, computed, expected.dtype)
    worst = float(np.max(bars, initial=0.0))
    if worst <= 1.0:
        return Part(name, worst)
    return Part(name, worst, [decimal(x) for x in computed.reshape(-1)], [float(b) for b in bars])


def decimal(x: Any) -> str:
    """The shortest decimal that reads back as this number in its dtype."""
    return str(x) if isinstance(x, (np.float32, np.float64, np.float16)) else str(float(x))
