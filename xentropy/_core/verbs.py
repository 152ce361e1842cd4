"""What a formula may ask of its library beyond the standard, each with a default in the standard.

A new library works with the defaults at once; a backend overrides a verb to make it fast. The class
axis keeps its place with size 1 in every index and every row quantity, so nothing is ever transposed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .labels import Complaint
    from .rule import Rule

Array = Any  # any array of any library: the standard has no nominal type to name

BLOCK = 32  # terms summed in sequence before the sums are summed: the error grows with this, not with C


class Verbs:
    """The default verbs over one namespace `xp` of the array API."""

    differentiates = False  # whether what is computed now is for the library itself to differentiate
    headroom = 1.0  # above 1 where subnormal numbers are flushed to 0: what small factors are lifted by

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def apply(self, rule: Rule, *inputs: Any) -> tuple[Any, ...]:
        """The outputs of `rule`, differentiable in the way of the library."""
        return rule(self, *inputs)

    def peek(self, x: Any) -> Any:
        """The plain array behind `x`, for looking (comparisons), never for computing a result."""
        return x

    def constant(self, x: Array) -> Array:
        """`x` as a number that no derivative flows through."""
        return x

    def visible(self, x: Array) -> bool:
        """Whether the values of `x` can be looked at now, without waiting for a device or a compiler."""
        return True

    def raise_at_run_time(self, bad: Array, labels: Array, complaint: Complaint) -> Array:
        """Raise `ValueError(complaint(xp, labels, bad))` if any of `bad`, when computed; else return `bad`."""
        if bool(self.xp.any(bad)):
            raise ValueError(complaint(self.xp, labels, bad))
        return bad

    def checkify(self, bad: Array, labels: Array, complaint: Complaint) -> Array:
        raise ValueError("check_labels='checkify' is for a library that has checkify; use 'raise' here")

    def times(self, partial: Any, tangent: Array) -> Array:
        """Their product. Its transpose, where a library makes one of it, gives +0.0 for a cotangent of 0."""
        return partial * tangent

    def scale(self, cotangent: Array, partial: Any) -> Array:
        """The other product, of a gradient."""
        return cotangent * partial

    def device(self, x: Array) -> Any:
        return x.device

    def index_dtype(self) -> Any:
        """The integer dtype that gathers take and that every class index fits."""
        return self.xp.int64

    def make(self, function: Callable[..., Array], *arrays: Array) -> Array:
        """`function(*arrays)`, a function of the namespace, in memory that the formula owns from now on."""
        return function(*arrays)

    def remake(self, function: Callable[..., Array], x: Array, *others: Array) -> Array:
        """`function(x, *others)`, of the shape of `x`, which the formula owns and is done with."""
        return function(x, *others)

    def walk(self, rows: Callable[..., Any], steep: bool, *arrays: Any) -> Any:
        """`rows(self, steep, axis, *arrays)` over any parts of the rows, each of which it computes by itself. It is
        told the class axis, the last one of the arrays."""
        return rows(self, steep, -1, *arrays)

    def in_range(self, labels: Array, classes: int) -> bool:
        """Whether all of these labels, whose values are visible, are class indices."""
        wide = self.xp.astype(labels, self.index_dtype())
        return int(self.xp.min(wide)) >= 0 and int(self.xp.max(wide)) < classes

    def top(self, x: Array, axis: int) -> Array:
        """The maximum, kept with size 1."""
        return self.xp.max(x, axis=axis, keepdims=True)

    def based(self, relative: Callable[..., tuple[Any, ...]], x: Array, axis: int) -> tuple[Any, ...]:
        """`relative(base, highest)` for a base that the exponentials of each row are taken relative to: its maximum,
        or any number near it. `highest` says that it is the maximum and may be told apart."""
        return relative(self.constant(self.top(x, axis)), not self.differentiates)

    def shifted(self, function: Callable[..., Array], x: Array, base: Array) -> Array:
        """`function(x - base)`, a function of the namespace, in memory that the formula owns."""
        return self.remake(function, self.make(self.xp.subtract, x, self.wide(base)))

    def log_is_faster(self, x: Array) -> bool:
        """Whether the logarithm, with five operations more, takes less time than log1p."""
        return False

    def wide(self, x: Array) -> Array:
        """A row quantity, to be broadcast along the class axis."""
        return x

    def contract(self, slope: Array, tangent: Array, index: Array, axis: int) -> Array:
        """The sum along `axis` of the product with slopes that add up to 0: of the tangent less that at `index`, so
        that a tangent that is nearly the same in all classes costs no digits."""
        return self.total(self.times(slope, tangent - self.pick(tangent, index, axis)), axis)

    def peak(self, x: Array, axis: int) -> tuple[Array, Any]:
        """The maximum, kept with size 1, and its place, for `total_but_peak`, if that is to be had as cheaply."""
        return self.top(x, axis), None

    def total_but_peak(self, e: Array, place: Any, nought: Any, axis: int) -> Array:
        """The sum of numbers, most of them up to 1, with `nought`, 0 or NaN, for one 1 among them, which is at
        `place` if that is known. The formula owns `e`, and is done with it."""
        ones = self.make(self.xp.floor, e)
        count = self.total(ones, axis)
        return (count - 1.0) - self.total(self.remake(self.xp.subtract, ones, e), axis) + nought

    def guard(self, x: Array, live: Array) -> Array:
        """`x` with what removed rows hold out of sight of a library that differentiates the formula."""
        return self.xp.where(live, x, 0.0)

    def keep(self, x: Array, live: Array) -> Array:
        """`x`, which the formula owns, with removed rows set to 0."""
        return self.xp.where(live, x, 0.0)

    def positions(self, x: Array, axis: int) -> Array:
        """0, 1, ... along `axis`, with size 1 elsewhere."""
        shape = [1] * x.ndim
        shape[axis] = x.shape[axis]
        iota = self.xp.arange(x.shape[axis], dtype=self.index_dtype(), device=self.device(x))
        return self.xp.reshape(iota, tuple(shape))

    def places(self, x: Array, index: Array, axis: int) -> Array:
        """True at one class a row."""
        return self.positions(x, axis) == index

    def clip(self, x: Array, low: Any, high: Any) -> Array:
        """`x` held between two numbers; what NaN becomes is of no matter."""
        return self.xp.clip(x, low, high)

    def count(self, n: int, like: Array) -> Any:
        """A number of elements, as rules take it."""
        return float(n)

    def move(self, x: Array, source: int, destination: int) -> Array:
        """`x` with one of its axes in another place."""
        return self.xp.moveaxis(x, source, destination)

    def spot(self, x: Array, index: Array, axis: int) -> Any:
        """An index for several uses on arrays of this shape, in the form that serves them best."""
        return index

    def pick(self, x: Array, index: Array, axis: int) -> Array:
        """`x` at `index` along `axis`; the index is always in range."""
        return self.xp.take_along_axis(x, index, axis=axis)

    def put(self, x: Array, index: Array, value: Array | float, axis: int) -> Array:
        """`x`, which the formula owns, with one class a row replaced by `value`."""
        return self.xp.where(self.places(x, index, axis), value, x)

    def drop(self, x: Array, index: Array, axis: int) -> Array:
        """`x`, which the formula owns, with one class a row set to 0."""
        return self.put(x, index, 0.0, axis)

    def minus_abs(self, x: Array) -> Array:
        """-|x|, whose derivative at 0 is that of one side: abs and maximum have other ones there, and half of them
        no second."""
        return self.xp.where(x > 0, -x, x)

    def all_finite(self, x: Array) -> bool:
        """Whether all of `x` is seen to be finite; not where that takes waiting."""
        return False

    def between(self, x: Array, low: float, high: float) -> bool:
        """Whether all of `x`, whose values are visible, lies between these numbers; no NaN does."""
        return 0 in x.shape or bool((self.xp.min(x) >= low) & (self.xp.max(x) <= high))

    def fold(self, terms: Callable[..., Any], steep: bool, *arrays: Any) -> tuple[Array, Any]:
        """The sum of the first of `terms(self, steep, *arrays)`, and the second, over any parts of the arrays, each
        of whose elements it computes by itself."""
        each, slope = terms(self, steep, *arrays)
        return self.sum(each), slope

    def total_but(self, terms: Callable[..., Array], x: Array, base: Array, index: Array, axis: int) -> Array:
        """The sum along `axis`, kept with size 1, of terms(self, x, base) but that of one class a row. Each term is
        that of its own logit, owned by the formula, and that of a logit of -inf is 0."""
        return self.total(self.drop(terms(self, x, base), index, axis), axis)

    def all_but(
        self, terms: Callable[..., Array], x: Array, base: Array, index: Array, axis: int
    ) -> tuple[Array, Array]:
        """The terms, where that of the class left out may be anything, and `total_but` of them."""
        e = self.drop(terms(self, x, base), index, axis)
        return e, self.total(e, axis)

    def total_but_one(
        self, terms: Callable[..., Array], x: Array, top: Array, index: Array, own: Array, axis: int
    ) -> Array:
        """`total_but`, for terms up to 1 of which one is 1: of all but that one, where exp(own) is the term of the
        class. That class is left out, and what it lacks to 1 put back."""
        return self.total_but(terms, x, top, index, axis) + (self.xp.exp(own) - 1.0)

    def without(self, x: Array, index: Array, axis: int) -> Array:
        """The sum along `axis`, kept with size 1, of all but one class a row. The formula owns `x`, and keeps it."""
        return self.total(self.drop(x, index, axis), axis)

    def deposit(self, x: Array, index: Array, amount: Array, axis: int) -> Array:
        """`x`, which the formula owns, with `amount` added at `index`; equal indices add up."""
        place = self.positions(x, axis)
        for k in range(index.shape[axis]):
            cut = tuple(slice(k, k + 1) if i == axis % x.ndim else slice(None) for i in range(x.ndim))
            x = x + self.xp.where(place == index[cut], amount[cut], 0.0)
        return x

    def sum(self, x: Array) -> Array:
        """The sum of a whole array, in one fixed tree."""
        return self.xp.reshape(self.total(self.xp.reshape(x, (-1,)), 0), ())

    def total(self, x: Array, axis: int) -> Array:
        """The sum along `axis`, kept with size 1, in blocks: many small terms keep their digits."""
        xp, n = self.xp, x.shape[axis]
        if n <= BLOCK:
            return xp.sum(x, axis=axis, keepdims=True)
        x = xp.moveaxis(x, axis, -1)
        whole = n - n % BLOCK
        blocks = xp.reshape(x[..., :whole], (*x.shape[:-1], whole // BLOCK, BLOCK))
        parts = [xp.sum(blocks, axis=-1)]
        if whole < n:
            parts.append(xp.sum(x[..., whole:], axis=-1, keepdims=True))
        return xp.moveaxis(self.total(xp.concat(parts, axis=-1), -1), -1, axis)
