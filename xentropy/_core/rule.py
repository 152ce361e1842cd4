"""What a derivative is, written once for every library.

A rule is a value and its two derivative products. Most rules are local: each output depends on each
input through one array of partial derivatives that broadcasts against both, so that both products are
a multiplication and a sum to a shape. A backend turns any rule into its library's own kind of
differentiable function; none of them knows a formula.

Arrays of one rule have the same number of dimensions (row quantities keep the class axis with size 1)
or are Python numbers; `None` is an input that is absent. Integer and boolean arrays have no derivative.
"""

from __future__ import annotations

from typing import Any, ClassVar

from .precision import is_array, is_floating, promote, working_dtype
from .verbs import Array, Verbs


class Rule:
    """The base. The annotated attributes of a subclass are its static options, given in order or by name;
    rules with equal options are equal, and share what a library compiles for them. (Dataclasses would do
    the same, at half a millisecond of import time each.)"""

    options: ClassVar[tuple[str, ...]] = ()

    like_input = False  # outputs get the dtype of the first input rather than the one computed in
    records = False  # value and partials come cheaper together
    separate = False  # each row along `axis`, or each element without one, is computed by itself
    plain = False  # a library's own derivative of the value is as good: no need to register this one

    def __init_subclass__(cls) -> None:
        own = cls.__dict__.get("__annotations__", {})  # noqa: RUF063  (inspect takes 10 ms to import)
        cls.options = (*cls.options, *(name for name in own if name not in cls.options))

    def __init__(self, *values: Any, **named: Any) -> None:
        for name, value in (*zip(self.options, values, strict=False), *named.items()):
            setattr(self, name, value)

    def along(self, axis: int) -> Rule:
        """The same rule along another axis."""
        return type(self)(**{name: getattr(self, name) for name in self.options} | {"axis": axis})

    def key(self) -> tuple[Any, ...]:
        return (type(self), *(getattr(self, name) for name in self.options))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        raise NotImplementedError

    def shapes(self, *inputs: Any) -> list[tuple[int, ...]]:
        """The shapes of the outputs."""
        raise NotImplementedError

    def pull(self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any]) -> list[Any]:
        """Gradients of the inputs marked in `needs` (vector-Jacobian product)."""
        raise NotImplementedError

    def push(self, v: Verbs, inputs: list[Any], tangents: list[Any]) -> list[Any]:
        """Tangents of the outputs (Jacobian-vector product)."""
        raise NotImplementedError

    def record(self, v: Verbs, needs: list[bool], *inputs: Any) -> tuple[tuple[Array, ...], Any]:
        """The outputs and the partials, from a rule that `records` both in one pass; None for the partials if they
        do not come cheaper so."""
        raise NotImplementedError

    def ahead(self, v: Verbs, inputs: Any, tangents: Any) -> Any:
        """The outputs and their tangents, where they come cheaper together; else None."""
        return None

    def __call__(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        first = inputs[0]
        outputs = self.value(v, *promote(v, inputs, working_dtype(v, first)))
        return tuple(promote(v, outputs, first.dtype)) if self.like_input else outputs

    def vjp(self, v: Verbs, inputs: Any, needs: Any, cotangents: Any) -> tuple[Any, ...]:
        dtype = working_dtype(v, inputs[0])
        ready, cotangents = promote(v, inputs, dtype), promote(v, cotangents, dtype)
        gradients = self.pull(v, ready, list(needs), cotangents)
        return tuple(
            None if g is None else promote(v, (g + 0.0,), x.dtype)[0]  # a zero is +0.0
            for g, x in zip(gradients, inputs, strict=True)
        )

    def finish(self, v: Verbs, inputs: Any, needs: Any, cotangents: Any, table: Any) -> tuple[Any, ...]:
        """The vjp, of the partials that `record` gave."""
        raise NotImplementedError

    def jvp(self, v: Verbs, inputs: Any, tangents: Any) -> tuple[Any, ...]:
        dtype = working_dtype(v, inputs[0])
        out = self.push(v, promote(v, inputs, dtype), promote(v, tangents, dtype))
        return tuple(promote(v, out, inputs[0].dtype)) if self.like_input else tuple(out)


class Local(Rule):
    """A rule whose derivative is one array of partials for each pair of output and input."""

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        """Rows are outputs, columns inputs; None where a partial is not needed or is zero."""
        raise NotImplementedError

    def anchor(self, v: Verbs, tangent: Array, *inputs: Any) -> tuple[Array, list[Any]]:
        """A tangent of the first input relative to some point of it, and what that point itself moves
        each output by: for contractions that would lose digits near a constant shift."""
        return tangent, []

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        """Where an input has an effect at all; a NaN cotangent must not reach the rest. None or no word: all."""
        return {}

    def live(self, *inputs: Any) -> Any:
        """The rows that count (a boolean row quantity), or None for all: the rest have derivative 0."""
        return None

    def pull(self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any]) -> list[Any]:
        return self.contract(v, inputs, needs, cotangents, self.partials(v, needs, *inputs))

    def contract(
        self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any], table: Any
    ) -> list[Any]:
        """The gradients, of partials that are there."""
        cotangents = [self._living(v, ct, inputs) for ct in cotangents]
        out = []
        for i, x in enumerate(inputs):
            pairs = [(ct, row[i]) for ct, row in zip(cotangents, table, strict=True)] if needs[i] else []
            # each summed before they are added: the partials of one output may be wider than another's
            out.append(add([sum_to(v, v.scale(ct, p), x.shape) for ct, p in pairs if _both(ct, p)]))
        return self._supported(v, out, inputs)

    def _supported(self, v: Verbs, arrays: list[Any], inputs: list[Any]) -> list[Any]:
        for i, kept in self.support(v, *inputs).items():
            if kept is not None and arrays[i] is not None:
                arrays[i] = v.xp.where(kept, arrays[i], 0.0)
        return arrays

    def finish(self, v: Verbs, inputs: Any, needs: Any, cotangents: Any, table: Any) -> tuple[Any, ...]:
        gradients = self.contract(v, inputs, needs, cotangents, table)
        return tuple(g if g is None else promote(v, (g,), x.dtype)[0] for g, x in zip(gradients, inputs, strict=True))

    def _living(self, v: Verbs, x: Any, inputs: list[Any]) -> Any:
        live = self.live(*inputs)
        return x if live is None or x is None else v.xp.where(live, x, 0.0)

    def push(self, v: Verbs, inputs: list[Any], tangents: list[Any]) -> list[Any]:
        table = self.partials(v, [t is not None for t in tangents], *inputs)
        carried: list[Any] = []
        tangents = self._supported(v, list(tangents), inputs)
        if tangents[0] is not None:
            # masked before the product too: its transpose then gives a removed row +0.0, not -0.0
            first, carried = self.anchor(v, self._living(v, tangents[0], inputs), *inputs)
            tangents = [first, *tangents[1:]]
        out = []
        for k, (row, shape) in enumerate(zip(table, self.shapes(*inputs), strict=True)):
            terms = [sum_to(v, v.times(p, t), shape) for p, t in zip(row, tangents, strict=True) if _both(p, t)]
            terms += [c for c in carried[k : k + 1] if c is not None]
            if not terms:
                terms = [v.xp.zeros(shape, dtype=inputs[0].dtype, device=v.device(inputs[0]))]
            out.append(self._living(v, add(terms), inputs))
        return out


def _both(one: Any, other: Any) -> bool:
    return one is not None and other is not None


def add(terms: list[Any]) -> Any:
    """Their sum, or None of nothing."""
    return sum(terms[1:], terms[0]) if terms else None


def sum_to(v: Verbs, x: Array, shape: tuple[int, ...]) -> Array:
    """`x` summed over the axes along which `shape` has size 1, and over all of them for a 0-d shape."""
    if x.shape == shape:
        return x
    for axis in range(x.ndim):
        if x.shape[axis] != 1 and (not shape or shape[axis] == 1):
            x = v.total(x, axis)
    if not shape:
        return v.xp.reshape(x, ())
    return x if x.shape == shape else v.xp.broadcast_to(x, shape)


def differentiable(x: Any) -> bool:
    """Whether an input of a rule can have a derivative."""
    return is_array(x) and is_floating(x)
