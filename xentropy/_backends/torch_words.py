"""What an operator of torch is told to compute, in words: it takes text, tensors and numbers, and no functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import torch

from .._core.rule import Rule

LARGEST = 1 << 63  # of the integers that an operator takes


def spelled(x: Any, tensors: list[Any], numbers: list[Any]) -> list[Any]:
    """An argument in words, but for tensors, and for numbers, which may be symbols: they go to the lists."""
    if isinstance(x, torch.Tensor):
        tensors.append(x)
        return ["tensor"]
    if isinstance(x, float) or (isinstance(x, int) and not isinstance(x, bool) and -LARGEST <= x < LARGEST):
        numbers.append(x)
        return ["number"]
    if isinstance(x, Rule):
        options = [spelled(getattr(x, name), tensors, numbers) for name in x.options]
        return ["rule", type(x).__module__, type(x).__name__, options]
    return ["constant", x]


def joined(*words: Any) -> str:
    return json.dumps(words).replace('"', "'")  # Inductor may write it into C++, as it is


# torch.compile calls it while it traces
joined._dynamo_marked_constant = True  # type: ignore[attr-defined]


def read(words: str, tensors: list[Any], numbers: list[Any]) -> tuple[Callable[..., Any], tuple[Any, ...], Any]:
    """A function, its arrays and its options, of what it is called and their words."""
    module, name, operands, settings = json.loads(words.replace("'", '"'))
    given = {"tensor": iter(tensors), "number": iter(numbers)}
    arrays = tuple(_read(x, given) for x in operands)
    return getattr(import_module(module), name), arrays, {key: _read(x, given) for key, x in settings.items()}


def _read(words: list[Any], given: dict[str, Iterator[Any]]) -> Any:
    kind, *parts = words
    if kind == "rule":
        module, name, options = parts
        return getattr(import_module(module), name)(*[_read(x, given) for x in options])
    return next(given[kind]) if kind in given else parts[0]
