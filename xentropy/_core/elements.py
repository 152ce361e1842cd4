"""What the binary losses have in common: one loss an element, or the sum of all in one pass with its slope."""

from __future__ import annotations

from typing import Any

from .labels import bad_probabilities, poison
from .precision import promote, working_dtype
from .rule import Local
from .softmax import NAN
from .verbs import Array, Verbs


class ElementLoss(Local):
    """One loss an element. The first two inputs are predictions and labels, the last the elements that
    count: the others are 0 in value and derivative, whatever they hold."""

    separate = True

    @property
    def checks(self) -> tuple[str, ...]:
        """What must lie in [0, 1], by its name in messages: the labels, and the predictions if named too."""
        return ("labels",)

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        return {0: inputs[-1]}

    def live(self, *inputs: Any) -> Any:
        return inputs[-1]

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [x.shape]

    def with_slope(self, v: Verbs, *inputs: Any) -> tuple[Array, Array]:
        """The loss of each element, and its derivative with respect to the prediction."""
        needs = [True] + [False] * (len(inputs) - 1)
        return self.value(v, *inputs)[0], self.partials(v, needs, *inputs)[0][0]

    def _clean(self, v: Verbs, inputs: tuple[Any, ...]) -> tuple[Array, Array]:
        x, y, live = inputs[0], inputs[1], inputs[-1]
        if live is None:
            return x, y
        return v.xp.where(live, x, 0.5), v.xp.where(live, y, 0.5)

    def _done(self, v: Verbs, loss: Array, inputs: tuple[Any, ...]) -> tuple[Array, ...]:
        live = inputs[-1]
        return (loss if live is None else v.xp.where(live, loss, 0.0),)


class Whole(Local):
    """(inputs of an element rule, divisor) -> the sum of its losses over the divisor, in one pass with its slope.

    With `spoil`, elements with a bad label are NaN, and so are their derivatives. The divisor, a number or an array
    with size 1 along every axis, is not differentiated.
    """

    rule: ElementLoss
    spoil: bool = False
    records = True

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        total, _ = v.fold(self._terms, False, *inputs)
        return (self._reduced(v, total, inputs),)

    __call__ = value  # 16-bit floats are promoted part by part

    def record(self, v: Verbs, needs: list[bool], *inputs: Any) -> tuple[tuple[Array, ...], Any]:
        if any(needs[1:]):
            return self.value(v, *inputs), None
        total, slope = v.fold(self._terms, True, *inputs)
        return (self._reduced(v, total, inputs),), [[slope, *[None] * (len(inputs) - 1)]]

    def _terms(self, v: Verbs, steep: bool, *inputs: Any) -> tuple[Array, Any]:
        *given, divisor = promote(v, inputs, working_dtype(v, inputs[0]))
        if not steep:
            return self._spoilt(v, self.rule.value(v, *given)[0], given, v.differentiates), None
        loss, slope = self.rule.with_slope(v, *given)
        return self._spoilt(v, loss, given, False), self._shared(v, slope, given, divisor)

    def _spoilt(self, v: Verbs, x: Array, given: Any, with_derivative: bool) -> Array:
        """As a product where the derivative is to be spoilt as well; a selection is faster."""
        for operand, _ in zip((given[1], given[0]), self.rule.checks if self.spoil else (), strict=False):
            bad = bad_probabilities(v, v.peek(operand))
            bad = bad if given[-1] is None else bad & given[-1]
            x = x * poison(v, bad, x) if with_derivative else v.xp.where(bad, NAN, x)
        return x

    def _shared(self, v: Verbs, partial: Array, given: Any, divisor: Any) -> Array:
        partial = self._spoilt(v, partial if divisor is None else partial / divisor, given, True)
        return partial if given[-1] is None else v.xp.where(given[-1], partial, 0.0)

    def _reduced(self, v: Verbs, total: Array, inputs: tuple[Any, ...]) -> Array:
        total = v.xp.reshape(total, (1,) * inputs[0].ndim)
        return total if inputs[-1] is None else total / inputs[-1]

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        *given, divisor = inputs
        [row] = self.rule.partials(v, needs[:-1], *given)
        return [[*(None if p is None else self._shared(v, p, given, divisor) for p in row), None]]

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        return {0: inputs[-2], 1: inputs[-2]}

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [(1,) * x.ndim]
