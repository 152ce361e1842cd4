"""NumPy: gathers and scatters by flat places, and sums that keep their digits along any axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from .._core.rule import Rule
from .._core.verbs import BLOCK
from . import replay, tiles, vectors
from .generic import Backend, Traced
from .select import NAMESPACE, keep
from .tiles import run_sums, walk

# Of short runs einsum keeps more partial sums than add.reduce: no less exact, two to four times as fast.
SHORT, LONG = 64, 256


class NumPy(Backend):
    rooms: Any = None  # memory that is there for what a formula makes
    log_is_faster = staticmethod(vectors.log_is_faster)

    def within(self, rooms: list[Any]) -> NumPy:
        """The same verbs, for one formula in this memory."""
        twin = NumPy(self.name, self.xp)
        twin.rooms = list(rooms)
        return twin

    def views(self, arrays: tuple[Any, ...]) -> Any:
        return arrays

    def run(self, function: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
        script = replay.find(self, function, arrays, options)
        with np.errstate(all="ignore"):
            out = (script(*arrays) if script else None) or function(self, *arrays, **options)
        return tuple([np.asarray(x) if isinstance(x, np.generic) else x for x in out])  # not numbers: 0-d arrays

    def make(self, function: Callable[..., Any], *arrays: Any) -> Any:
        if not self.rooms:
            return function(*arrays)
        return function(*arrays, out=self.rooms.pop(0))

    def remake(self, function: Callable[..., Any], x: Any, *others: Any) -> Any:
        return function(x, *others, out=x)

    def place(self, x: Any) -> Any:
        return None

    def in_range(self, labels: Any, classes: int) -> bool:
        labels = labels.view(labels.dtype.str.replace("i", "u"))  # in their byte order; negative ones are large
        return bool(labels.item(labels.argmax()) < classes)  # in a third of the time that a maximum takes

    def spot(self, x: Any, index: Any, axis: int) -> Any:
        return index if type(index) in (tuple, _Flat) else _spots(x, index, axis)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        return _get(x, index if type(index) is _Flat else self.spot(x, index, axis))

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        return _set(x, index if type(index) is _Flat else self.spot(x, index, axis), value)

    def without(self, x: Any, index: Any, axis: int) -> Any:
        spots = _spots(x, index, axis)
        own = _get(x, spots)
        out = self.total(_set(x, spots, 0.0), axis)
        _set(x, spots, own)
        return out

    def apply(self, rule: Rule, *inputs: Any) -> tuple[Any, ...]:
        for x in inputs:
            if type(x) is Traced:
                return self._record(rule, inputs)
        return _parts().value(self, rule, inputs) if self._large(rule, inputs) else rule(self, *inputs)

    def pull(self, rule: Rule, inputs: Any, needs: list[bool], cotangents: list[Any]) -> Any:
        if self._large(rule, inputs):
            return _parts().gradients(self, rule, inputs, needs, cotangents)
        return rule.vjp(self, inputs, needs, cotangents)

    def _large(self, rule: Rule, inputs: Any) -> bool:
        """Whether a rule is computed in parts, which are not cut again."""
        return rule.separate and self.rooms is None and inputs[0].size > tiles.SMALL

    def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
        if axis == 0 or x.shape[-1] <= tiles.WIDE:
            return super().total_but(terms, x, base, index, axis)
        v, sums = self.within([]), []
        place = index.places - _starts(x.shape) if type(index) is _Flat else index[-1]
        for start in range(0, x.shape[-1], tiles.WIDE):
            piece = terms(v, x[..., start : start + tiles.WIDE], base)
            here = (place >= start) & (place < start + tiles.WIDE)
            local = np.where(here, place - start, 0)
            own = np.where(here, 0.0, v.pick(piece, local, -1)).astype(x.dtype, copy=False)
            sums.append(self.total(v.put(piece, local, own, -1), -1))
        return np.add.reduce(np.concatenate(sums, axis=-1), axis=-1, keepdims=True)

    def walk(self, rows: Callable[..., Any], steep: bool, *arrays: Any) -> Any:
        x = arrays[0]
        # tiles of few classes are turned, which pays earlier
        small = x.size <= (tiles.SMALL if x.shape[-1] > tiles.FEW else tiles.SMALL // 4)
        return rows(self, steep, -1, *arrays) if small else walk(self, rows, steep, *arrays)

    def top(self, x: Any, axis: int) -> Any:
        if axis == 0 or x.ndim != 2 or not x.flags.c_contiguous:
            return self.peak(x, axis)[0]
        return x.reshape(-1)[x.argmax(axis, keepdims=True) + _starts(x.shape)]

    def based(self, relative: Callable[..., Any], x: Any, axis: int) -> tuple[Any, ...]:
        if x.shape[axis] <= tiles.FEW:  # to choose takes longer than to subtract
            return super().based(relative, x, axis)
        top = self.top(x, axis)
        found: tuple[Any, ...] = relative(top - np.minimum(np.maximum(top, 0.0), 32.0))
        return found

    def shifted(self, function: Callable[..., Any], x: Any, base: Any) -> Any:
        if x.size <= tiles.SMALL // 4 or base.any():  # of few numbers a look takes longer
            return super().shifted(function, x, base)
        return self.make(function, x)

    def peak(self, x: Any, axis: int) -> tuple[Any, Any]:
        if axis == 0:
            return np.maximum.reduce(x, axis=0, keepdims=True), None
        # along the memory argmax takes less time than the maximum
        place = _spots(x, x.argmax(axis, keepdims=True), axis)
        return _get(x, place), place

    def total_but_peak(self, e: Any, place: Any, nought: Any, axis: int) -> Any:
        if place is None:
            return super().total_but_peak(e, place, nought, axis)
        return self.total(_set(e, place, nought), axis)

    def guard(self, x: Any, live: Any) -> Any:
        return x

    def keep(self, x: Any, live: Any) -> Any:
        return keep(x, live)

    def deposit(self, x: Any, index: Any, amount: Any, axis: int) -> Any:
        for k in range(index.shape[axis]):  # one column at a time: equal indices of a row add up
            cut = (*[slice(None)] * axis, slice(k, k + 1))
            x[_along(x.shape, index[cut], axis)] += amount[cut]
        return x

    def sum(self, x: Any) -> Any:
        flat = x.reshape(-1)
        return np.add.reduce(flat if flat.size <= tiles.RUN else run_sums(flat))

    def between(self, x: Any, low: float, high: float) -> bool:
        if x.size <= tiles.SMALL or not x.ndim:
            return super().between(x, low, high)
        return bool(_parts().every(lambda piece: super(NumPy, self).between(piece, low, high), x))

    def fold(self, terms: Callable[..., Any], steep: bool, *arrays: Any) -> tuple[Any, Any]:
        large = arrays[0].size > tiles.SMALL
        return _parts().fold(self, terms, steep, arrays) if large else super().fold(terms, steep, *arrays)

    def minus_abs(self, x: Any) -> Any:
        out = np.abs(x)
        return np.negative(out, out=out) if x.ndim else -out

    def all_finite(self, x: Any) -> bool:
        return bool(np.isfinite(x).all())

    def total(self, x: Any, axis: int) -> Any:
        classes = x.shape[axis]
        if axis in (-1, x.ndim - 1) and tiles.FEW < classes and (size := _run(classes)) > 1:
            sums = np.einsum("ij->i", np.ascontiguousarray(x).reshape(-1, size))
            if size < classes:
                sums = np.add.reduce(sums.reshape(-1, classes // size), axis=1)
            return sums.reshape(*x.shape[:-1], 1)
        if x.shape[axis] <= BLOCK or x.strides[axis] == x.itemsize:  # NumPy sums pairwise there
            return np.add.reduce(x, axis=axis, keepdims=True)
        return super().total(x, axis)

    def scale(self, cotangent: Any, partial: Any) -> Any:
        # of a plain call all cotangents are 1
        if isinstance(partial, np.ndarray) and partial.size > cotangent.size and _all_ones(cotangent):
            return partial
        return cotangent * partial


def _parts() -> Any:
    """Imported for the first large call."""
    from . import parts

    return parts


def _all_ones(x: Any) -> bool:
    return bool(x == 1.0 if x.ndim == 0 else (x == 1.0).all())


@lru_cache(maxsize=16)
def _run(classes: int) -> int:
    """The longest run of which so many classes are a multiple; 1 if there is none that pays."""
    if classes <= LONG:
        return classes
    return next((size for size in range(LONG, SHORT - 1, -1) if classes % size == 0), 1)


class _Flat:
    """Places in the memory of a contiguous matrix, one a row."""

    __slots__ = ("places",)

    def __init__(self, places: Any) -> None:
        self.places = places


def _spots(x: Any, index: Any, axis: int) -> Any:
    """Where one number a row is: in memory, of a contiguous matrix, or else an index of arrays."""
    if x.ndim != 2 or not x.flags.c_contiguous:
        return _along(x.shape, index, axis)
    return _Flat(index * x.shape[1] + _columns(x.shape[1]) if axis == 0 else index + _starts(x.shape))


def _get(x: Any, spots: Any) -> Any:
    return x[spots] if type(spots) is tuple else x.reshape(-1)[spots.places]


def _set(x: Any, spots: Any, value: Any) -> Any:
    if type(spots) is tuple:
        x[spots] = value
    else:
        x.reshape(-1)[spots.places] = value
    return x


@lru_cache(maxsize=16)
def _starts(shape: tuple[int, ...]) -> Any:
    """Where the rows of a contiguous array start."""
    return np.arange(0, shape[0] * shape[1], max(shape[1], 1)).reshape(-1, 1)


@lru_cache(maxsize=16)
def _columns(count: int) -> Any:
    return np.arange(count)


def _along(shape: tuple[int, ...], index: Any, axis: int) -> tuple[Any, ...]:
    """What `take_along_axis` indexes with, at half of its cost."""
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in shape)])
    grid[axis] = index
    return tuple(grid)


BACKEND = NumPy("numpy", NAMESPACE)
