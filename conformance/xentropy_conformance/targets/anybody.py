"""Anybody's own loss: `--target package.module:name`.

`name` is a function, or a class or object whose methods are functions of the names of the cases:

    def cross_entropy(logits, labels, *, axis=-1, ignore_index=None, reduction="mean"): ...

    class Mine:
        library = "torch"                       # or --library; numpy is the default
        def cross_entropy(self, logits, labels, **options): ...
        def softmax(self, x, *, axis): ...
        def gradients(self, function, inputs, options): ...   # {name: array}, where the library has none

Positional arguments are those of xentropy (`xentropy_conformance.vectors.POSITIONAL`), every other input and option
is passed by its name. What the signature does not take is not offered, and so is what raises NotImplementedError.
A function without `reduction` is asked for one loss a row. A function is the one it is called after, or
`cross_entropy` where its name is no function of the cases. Without `check_labels`, a bad label may raise.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import Parameter, isclass, isroutine, signature
from typing import Any

from ..libraries import LIBRARIES
from ..vectors import POSITIONAL
from .base import NEUTRAL, Ask, Call, Name, NotOfferedError, Target, settings, written

EVERYTHING = ("gradients", "library")


def resolve(text: str) -> Any:
    """What `package.module:name` stands for."""
    module, _, path = text.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found() if isclass(found) else found


def functions(thing: Any) -> dict[str, Callable[..., Any]]:
    """The functions of the cases that it has."""
    if isroutine(thing) or not any(hasattr(thing, name) for name in POSITIONAL):
        return {
            getattr(thing, "__name__", "") if getattr(thing, "__name__", "") in POSITIONAL else "cross_entropy": thing
        }
    return {name: getattr(thing, name) for name in POSITIONAL if hasattr(thing, name)}


def accepted(function: Callable[..., Any]) -> tuple[set[str], bool]:
    """The keywords of a signature, and whether it takes any other too."""
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):  # of a builtin
        return set(), True
    kinds = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return {p.name for p in parameters if p.kind in kinds}, any(p.kind == Parameter.VAR_KEYWORD for p in parameters)


def adapter(text: str, thing: Any, name: str, function: Callable[..., Any]) -> Callable[[Ask], Call]:
    names, anything = accepted(function)
    module, _, path = text.partition(":")
    where = (
        path
        if function is thing
        else f"{path}{'()' if isclass(getattr(import_module(module), path, None)) else ''}.{name}"
    )
    top = path.partition(".")[0]

    def call(ask: Ask) -> Call:
        positional = POSITIONAL[name]
        named: dict[str, Any] = {key: Name(key) for key in ask.case.inputs if key not in positional}
        for key, x in {**ask.case.options, **named}.items():
            if anything or key in names:
                ask.used.add(key)
                named.setdefault(key, x)
            elif not (key in NEUTRAL and x == NEUTRAL[key]) and key != "axis":
                raise NotOfferedError(f'reduction="{x}"' if key == "reduction" else key)
        options = {key: x for key, x in named.items() if key in ask.used}
        return Call(written(where, *positional, **options), (f"from {module} import {top}",), gradients=slopes(ask))

    def slopes(ask: Ask) -> dict[str, str]:
        if not hasattr(thing, "gradients"):
            return {}
        inputs = "{" + ", ".join(f'"{key}": {key}' for key in ask.case.inputs) + "}"
        every = f'{where.removesuffix("." + name)}.gradients("{name}", {inputs}, {dict(ask.case.options)!r})'
        return {key: f'{every}["{key}"]' for key, x in ask.case.inputs.items() if x.floating}

    return call


def find(text: str, library: str | None = None) -> Target:
    thing = resolve(text)
    library = library or getattr(thing, "library", "numpy")
    if library not in LIBRARIES:
        raise ValueError(f"no library {library!r}; there are {', '.join(LIBRARIES)}")
    has = functions(thing)
    polite = all("check_labels" in names or anything for names, anything in map(accepted, has.values()))
    chosen = LIBRARIES[library]
    modes = ("eager", "second order") if "second order" in chosen.modes else ("eager",)
    return Target(
        name=text,
        adapters={name: adapter(text, thing, name, f) for name, f in has.items()},
        settings=settings(library, modes),
        modules=(text.partition(":")[0],),
        may_raise=not polite,
        open_ended=True,
    )
