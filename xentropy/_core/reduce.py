"""The small rules around a row rule: weights, z-loss, softcap, and the reductions."""

from __future__ import annotations

from typing import Any

from .partial import expm1
from .precision import is_array
from .rule import Local
from .softmax import INF, NAN
from .verbs import Array, Verbs


class Product(Local):
    """x w, for a weight that broadcasts to x."""

    separate = True

    plain = True

    def value(self, v: Verbs, x: Array, weight: Array) -> tuple[Array, ...]:
        return (x * weight,)

    def partials(self, v: Verbs, needs: list[bool], x: Array, weight: Array) -> list[list[Any]]:
        return [[weight, x]]

    def shapes(self, x: Array, weight: Array) -> list[tuple[int, ...]]:
        return [x.shape]


class Scaled(Product):
    """The same in the dtype of x."""

    like_input = True


class Softcap(Local):
    """(x, c, where) -> c tanh(x / c), at finite logits only.

    tanh u = (1 - e^2) / (1 + e^2) with e = exp(-|u|), and its derivative (2 e / (1 + e^2))^2: the derivative
    of a library's tanh is 1 - tanh^2, which is 0 where the true one is still 1e-8.
    """

    separate = True

    def _read(self, v: Verbs, x: Array, cap: Any, where: Any) -> tuple[Array, ...]:
        xp = v.xp
        if is_array(cap):
            cap = xp.where(cap > 0, cap, NAN)
        finite = xp.isfinite(x)  # NaN is as steep as infinity: the row rule says what becomes of it
        if where is not None:
            finite = finite & where
        u = xp.where(finite, x, 0.0) / cap
        up = u >= 0
        e = xp.exp(xp.where(up, -u, u))
        tanh = -expm1(v, 2.0 * xp.where(up, -u, u)) / (1.0 + e * e)
        return finite, xp.where(up, tanh, -tanh), u, (2.0 * e / (1.0 + e * e)) ** 2, cap

    def value(self, v: Verbs, x: Array, cap: Any, where: Any) -> tuple[Array, ...]:
        finite, tanh, _, _, cap = self._read(v, x, cap, where)
        return (v.xp.where(finite, cap * tanh, x),)

    def partials(self, v: Verbs, needs: list[bool], x: Array, cap: Any, where: Any) -> list[list[Any]]:
        finite, tanh, u, slope, _ = self._read(v, x, cap, where)
        return [[v.xp.where(finite, slope, 1.0), v.xp.where(finite, tanh - u * slope, 0.0), None]]

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        return {0: inputs[2]}

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [x.shape]


class ZLoss(Local):
    """(loss, lse, z) -> loss + z lse^2, with nothing added where lse is -inf."""

    plain = True

    def _lse(self, v: Verbs, lse: Array) -> Array:
        return v.xp.where(lse == -INF, 0.0, lse)

    def value(self, v: Verbs, loss: Array, lse: Array, z: Any) -> tuple[Array, ...]:
        return (loss + z * self._lse(v, lse) ** 2,)

    def partials(self, v: Verbs, needs: list[bool], loss: Array, lse: Array, z: Any) -> list[list[Any]]:
        lse = self._lse(v, lse)
        return [[1.0, 2.0 * z * lse, lse**2]]

    def shapes(self, loss: Array, *_: Any) -> list[tuple[int, ...]]:
        return [loss.shape]


class ClassMass(Local):
    """(loss, class weight, dense or probs, index, fixed, live) -> sum_j cw_j t_j of each row, 0 in removed rows.

    The loss gives its dtype only.
    The labels of the entries that are `fixed` have no derivative: those of a class that is removed.
    """

    axis: int
    plain = True

    def _read(self, v: Verbs, inputs: tuple[Any, ...]) -> tuple[Array, Array]:
        """The weights and the labels, entry by entry."""
        _, weight, given, index, fixed, live = inputs
        if index is None:
            shape = given.shape
        else:
            shape = tuple(weight.shape[i] if i == self.axis else n for i, n in enumerate(index.shape))
        if live is not None and given is not None:
            given = v.xp.where(live, given, 0.0)
        if fixed is not None and given is not None:
            given = v.xp.where(fixed, v.constant(given), given)
        weight = v.xp.broadcast_to(weight, shape)
        if index is not None:
            weight = v.pick(weight, index, self.axis)
            given = v.xp.ones_like(weight) if given is None else given
        return weight, given

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        weight, given = self._read(v, inputs)
        out = v.total(weight * given, self.axis)
        return (out if inputs[-1] is None else v.xp.where(inputs[-1], out, 0.0),)

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        weight, given = self._read(v, inputs)
        index, fixed = inputs[3], inputs[4]
        by_weight = given
        if needs[1] and index is not None:
            rows = tuple(inputs[1].shape[i] if i == self.axis else n for i, n in enumerate(given.shape))
            like = v.xp.broadcast_to(inputs[1], rows)
            by_weight = v.deposit(v.xp.zeros_like(like), index, given, self.axis)
        by_given = weight if fixed is None else v.xp.where(fixed, 0.0, weight)
        return [[None, by_weight, by_given, None, None, None]]

    def live(self, *inputs: Any) -> Any:
        return inputs[-1]

    def shapes(self, loss: Array, *_: Any) -> list[tuple[int, ...]]:
        return [loss.shape]


def everything(v: Verbs, x: Array) -> Array:
    """The sum of a whole array in one fixed tree, with size 1 along every axis."""
    return v.xp.reshape(v.sum(x), (1,) * x.ndim)


class Sum(Local):
    plain = True

    def value(self, v: Verbs, x: Array) -> tuple[Array, ...]:
        return (everything(v, x),)

    def partials(self, v: Verbs, needs: list[bool], x: Array) -> list[list[Any]]:
        return [[v.xp.ones_like(x)]]

    def shapes(self, x: Array) -> list[tuple[int, ...]]:
        return [(1,) * x.ndim]


class Mean(Local):
    """(weighted losses, denominator) -> their quotient; 0 over a denominator of 0, NaN if any loss is.

    A NaN row makes the value NaN and reaches its own derivative, but not, through the denominator,
    the derivatives of the others. Nor does an infinite sum over a denominator that is `counted` from the rows.
    """

    counted: bool

    plain = True

    def _read(self, v: Verbs, x: Array, denominator: Any) -> tuple[Array, ...]:
        xp = v.xp
        spoilt = x != x
        clean = everything(v, xp.where(spoilt, 0.0, x))
        # xp.where wants an array; a Python number of rows or a given normalizer may come in as one
        denominator = denominator + xp.zeros_like(clean)
        empty = denominator == 0.0
        fixed = (empty | (xp.abs(clean) == INF)) if self.counted else empty
        denominator = xp.where(fixed, v.constant(denominator), denominator)
        return spoilt, clean, empty, fixed, xp.where(empty, 1.0, denominator)

    def value(self, v: Verbs, x: Array, denominator: Any) -> tuple[Array, ...]:
        spoilt, clean, empty, _, denominator = self._read(v, x, denominator)
        whole = v.xp.where(empty, 0.0, clean) / denominator
        return (whole + everything(v, v.xp.where(spoilt, x, 0.0)),)

    def partials(self, v: Verbs, needs: list[bool], x: Array, denominator: Any) -> list[list[Any]]:
        xp = v.xp
        spoilt, clean, empty, fixed, denominator = self._read(v, x, denominator)
        each = xp.where(spoilt, 1.0, xp.where(empty, 0.0, 1.0 / denominator))
        return [[each, xp.where(fixed, 0.0, -clean / denominator / denominator)]]

    def shapes(self, x: Array, denominator: Any) -> list[tuple[int, ...]]:
        return [(1,) * x.ndim]
