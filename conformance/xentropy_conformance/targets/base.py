"""What a target is: for each case a line of Python that calls it, and the settings in which that line is run.

An adapter maps a case to an expression over the names of its inputs. The same text is run, and printed as the
reproduction of a failure, so that one cannot say something else than the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ..libraries.base import Mode, NotOfferedError as NotOfferedError
from ..vectors import POSITIONAL, Case

NEUTRAL: dict[str, Any] = {  # options that ask for nothing
    "where": None, "label_smoothing": 0.0, "temperature": 1.0, "softcap": None, "z_loss": 0.0, "ignore_index": None,
    "keepdims": False, "return_sign": False, "return_lse": False, "log_target": False, "normalizer": None,
    "alpha": None, "reduction": "none", "class_weight": None, "sample_weight": None, "check_labels": None,
}  # fmt: skip
POLICIES = ("check_labels",)  # always met: by the option, or by raising


@dataclass(frozen=True)
class Call:
    """What a target does with a case, as Python over the names of the case's inputs."""

    expression: str
    imports: tuple[str, ...] = ()
    frozen: frozenset[str] = frozenset()  # inputs that it does not differentiate with respect to
    gradients: Mapping[str, str] = field(default_factory=dict)  # of its own, where the library has none
    given: Mapping[str, Any] = field(default_factory=dict)  # names for the expression that cannot be imported


@dataclass(frozen=True)
class Setting:
    """An array library, a mode of it, and what the process needs before either is imported."""

    library: str
    mode: str = "eager"
    environment: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""  # of the target: another function, another backend

    @property
    def name(self) -> str:
        return ", ".join(part for part in (self.variant, self.library, self.mode) if part)

    def fits(self, globs: Iterable[str]) -> bool:
        """Whether its name, library, mode or variant is one of these."""
        return fits((self.name, self.library, self.mode, self.variant), globs)


def fits(names: Iterable[str], globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


Adapter = Callable[["Ask"], Call]


@dataclass(frozen=True)
class Target:
    """A library's losses: an adapter for each function it has, and the settings to run them in."""

    name: str
    adapters: Mapping[str, Adapter]
    settings: tuple[Setting, ...]
    packages: tuple[str, ...] = ()  # distributions whose versions are written down
    modules: tuple[str, ...] = ()  # that must be there
    may_raise: bool = True  # a bad label may raise instead of giving NaN
    strict: bool = False  # the dtype of the result and the type of its array are judged too
    open_ended: bool = False  # NotImplementedError means "not offered"
    modes: Mapping[str, Mode] = field(default_factory=dict)  # in place of the library's own, by "library, mode"

    def call(self, case: Case, setting: Setting) -> Call:
        """The call of a case; NotOfferedError says what is missing."""
        adapter = self.adapters.get(case.function)
        if adapter is None:
            raise NotOfferedError(f"no {case.function}")
        ask = Ask(case, setting)
        call = adapter(ask)
        ask.all_used()
        return call


class Ask:
    """A case as an adapter sees it. What is asked for and was never looked at is not offered."""

    def __init__(self, case: Case, setting: Setting) -> None:
        self.case, self.setting = case, setting
        self.used: set[str] = set(POSITIONAL[case.function]) | set(POLICIES)

    @property
    def labels(self) -> str:
        """What kind of labels there are: index, soft or sparse."""
        if "label_probs" in self.case.inputs:
            return "sparse"
        return "soft" if self.case.inputs["labels"].floating else "index"

    @property
    def ndim(self) -> int:
        return int(self.case.inputs[POSITIONAL[self.case.function][0]].values.ndim)

    @property
    def axis(self) -> int:
        """The class axis, counted from the front."""
        self.used.add("axis")
        return int(self.case.options.get("axis", -1)) % max(self.ndim, 1)

    def option(self, name: str, default: Any) -> Any:
        self.used.add(name)
        return self.case.options.get(name, default)

    def array(self, name: str) -> str | None:
        """The name of an input, or None where the case has none."""
        self.used.add(name)
        return name if name in self.case.inputs else None

    def number(self, name: str, default: Any) -> Any:
        """An option that is a number here, though it may be a 0-d array in the case."""
        self.used.add(name)
        x = self.case.inputs.get(name)
        if x is None:
            return self.case.options.get(name, default)
        if x.values.ndim:
            raise NotOfferedError(f"{name} as an array")
        return float(x.values)

    def all_used(self) -> None:
        """Raise for the first option or input that the adapter has not taken."""
        options = {name: x for name, x in self.case.options.items() if name not in self.used}
        if options.pop("axis", -1) not in (-1, self.ndim - 1):
            raise NotOfferedError("axis")
        for name in [*self.case.inputs, *options]:
            if name in self.used or (name in options and name in NEUTRAL and options[name] == NEUTRAL[name]):
                continue
            raise NotOfferedError(f'reduction="{options[name]}"' if name == "reduction" else name)


def written(function: str, *positional: Any, **options: Any) -> str:
    """A call as Python. Positional arguments are expressions; options that are None are left out."""
    named = [f"{name}={text(x)}" for name, x in options.items() if x is not None]
    return f"{function}({', '.join([*map(str, positional), *named])})"


@dataclass(frozen=True)
class Name:
    """An expression among the options of a call, where a plain string would be quoted."""

    text: str


def text(x: Any) -> str:
    if isinstance(x, Name):
        return x.text
    return f'"{x}"' if isinstance(x, str) else f"{x!r}"


def name(x: str | None) -> Name | None:
    return None if x is None else Name(x)


def settings(library: str, modes: Iterable[str], **environment: str) -> tuple[Setting, ...]:
    return tuple(Setting(library, mode, environment) for mode in modes)
