"""Any rule on NumPy, a part of the rows at a time: what it makes on the way stays in the cache.

A rule that computes each row by itself gives the same bits however it is cut. Gradients of what all rows share,
like class weights, are sums over the rows, and are left whole.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, prod
from typing import Any, NamedTuple

import numpy as np

from .._core.precision import is_array, working_dtype
from .._core.rule import Rule
from . import tiles
from .threads import share, thread_count


def value(v: Any, rule: Rule, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The outputs of a rule."""
    plan = _plan(rule, inputs)
    if plan is None:
        return rule(v, *inputs)
    dtype = inputs[0].dtype if rule.like_input else working_dtype(v, inputs[0])
    out = [np.empty(shape, dtype) for shape in rule.shapes(*inputs)]
    _work(v, plan, lambda v, rule, *part: rule(v, *part), inputs, out)
    return tuple(out)


def gradients(v: Any, rule: Rule, inputs: tuple[Any, ...], needs: list[bool], cotangents: list[Any]) -> Any:
    """The gradients of the inputs that need one."""
    plan = _plan(rule, inputs)
    wanted = [x for x, need in zip(inputs, needs, strict=True) if need]
    if plan is None or any(x.shape[plan.axis] != plan.size for x in wanted):
        return rule.vjp(v, inputs, needs, cotangents)
    count, out = len(inputs), [np.empty(x.shape, x.dtype) for x in wanted]

    def part(v: Any, rule: Rule, *arrays: Any) -> list[Any]:
        found = rule.vjp(v, arrays[:count], needs, list(arrays[count:]))
        return [g for g, need in zip(found, needs, strict=True) if need]

    _work(v, plan, part, (*inputs, *cotangents), out)
    left = iter(out)
    return [next(left) if need else None for need in needs]


def fold(v: Any, terms: Callable[..., Any], steep: bool, arrays: tuple[Any, ...]) -> tuple[Any, Any]:
    """The sum of the terms of all elements, run by run, and what else the terms have for each of them."""
    x = arrays[0]
    if all(not is_array(a) or (a.shape == x.shape and a.flags.c_contiguous) or a.size == 1 for a in arrays):
        arrays = tuple(a.reshape(-1) if is_array(a) else a for a in arrays)
    flat = arrays[0]
    size, width = flat.shape[0], prod(flat.shape[1:])
    step = tiles.RUN // gcd(width, tiles.RUN)  # rows that fill whole runs
    step *= max(1, tiles.TILE // 4 // (step * width * flat.itemsize))
    dtype = working_dtype(v, flat)
    sums = np.empty(-(-x.size // tiles.RUN), dtype)
    slope = np.empty(flat.shape, flat.dtype) if steep else None

    def part(start: int) -> None:
        cut = slice(start, start + step)
        with np.errstate(all="ignore"):
            each, by_x = terms(v.within([]), steep, *(_cut(a, 0, size, cut) for a in arrays))
        found, first = tiles.run_sums(each.reshape(-1)), start * width // tiles.RUN
        sums[first : first + found.size] = found
        if slope is not None:
            slope[cut] = by_x

    starts = range(0, size, step)
    share(part, iter(starts), min(thread_count(), len(starts)) - 1)
    return np.add.reduce(sums), None if slope is None else slope.reshape(x.shape)


def every(test: Callable[[Any], bool], x: Any) -> bool:
    """Whether all parts of an array pass a test."""
    step = max(1, tiles.TILE * len(x) // x.nbytes)
    found: list[bool] = []
    starts = range(0, len(x), step)
    share(lambda i: found.append(test(x[i : i + step])), iter(starts), min(thread_count(), len(starts)) - 1)
    return all(found)


class Plan(NamedTuple):
    rule: Rule
    axis: int  # to cut along
    size: int
    pieces: int
    classes: int | None  # the class axis, if the parts are to be turned to have it first
    room: int  # bytes of what a part makes of its largest array


def _plan(rule: Rule, inputs: tuple[Any, ...]) -> Plan | None:
    """How to cut; None to leave all in one piece."""
    first = inputs[0]
    shape = tuple(map(max, zip(*(x.shape for x in inputs if is_array(x)), strict=True)))
    classes = rule.axis % first.ndim if hasattr(rule, "axis") else None
    size, axis = max(((n, -i) for i, n in enumerate(shape) if i != classes), default=(1, 0))
    width = prod(shape) // size * max(first.itemsize, 4)
    # of elements more is made on the way, of which the cache is to hold as much
    pieces = tiles.pieces(size, width, tiles.TILE if classes is not None else tiles.TILE // 2)
    few = classes is not None and classes == first.ndim - 1 and shape[classes] <= tiles.FEW
    if pieces < 2 and not few:
        return None
    room = -(-size // pieces) * width
    return Plan(rule.along(0) if few else rule, -axis, size, pieces, classes if few else None, room)


def _work(v: Any, plan: Plan, work: Callable[..., Any], arrays: Any, out: list[Any]) -> None:
    """`work` on every part of the arrays, for the same part of each output."""

    def turn(x: Any, size: int) -> Any:
        if plan.classes is None or not is_array(x):
            return x
        x = np.moveaxis(x, plan.classes, 0)
        return np.ascontiguousarray(x) if x.size == size else x

    def one(part: slice) -> None:
        mine = [_cut(x, plan.axis, plan.size, part) for x in arrays]
        mine = [turn(x, mine[0].size) for x in mine]
        shape, dtype = mine[0].shape, working_dtype(v, mine[0])
        block = tiles.borrow(2 * plan.room)
        rooms = [np.ndarray(shape, dtype, block, i * plan.room) for i in (0, 1)]
        places = [_cut(x, plan.axis, plan.size, part) for x in out]
        target = places[0]
        alike = len(places) == 1 and (target.shape, target.dtype) == (shape, dtype) and target.flags.c_contiguous
        if alike and plan.classes is None:
            rooms[0] = target
        with np.errstate(all="ignore"):
            found = work(v.within(rooms), plan.rule, *mine)
        for place, piece in zip(places, found, strict=True):
            if piece is not place:
                place[...] = piece if plan.classes is None else np.moveaxis(piece, 0, plan.classes)
        tiles.give_back(block)

    tiles.share_rows(one, plan.size, plan.pieces)


def _cut(x: Any, axis: int, size: int, part: slice) -> Any:
    """A part of an array that has as many rows; anything else whole."""
    if not is_array(x) or x.ndim <= axis or x.shape[axis] != size:
        return x
    return x[(slice(None),) * axis + (part,)]
