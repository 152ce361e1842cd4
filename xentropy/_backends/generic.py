"""Any library of the array API standard, with reverse-mode differentiation by recorded rules.

A library without autodiff gets it here: while a gradient is taken, the chosen arguments are `Traced`
arrays; every rule applied to one records itself, and the products of the rules are run backwards. A traced
array takes part in nothing else: arithmetic that no rule knows raises, so that no gradient is ever lost.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import count
from typing import Any

import numpy as np

from .._core.rule import Rule, add, differentiable
from .._core.verbs import Verbs

_ticks = count()


class Backend(Verbs):
    """The verbs of a library, and how a public function runs on it."""

    def __init__(self, name: str, xp: Any) -> None:
        super().__init__(xp)
        self.name = name

    def quiet(self) -> AbstractContextManager[Any]:
        """No warnings about the infinities that the formulas handle themselves: most libraries of the
        standard that are not one of the large ones compute with NumPy."""
        return np.errstate(all="ignore")

    def run(self, function: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call a formula with this backend."""
        with self.quiet():
            return function(self, *arrays, **options)

    def views(self, arrays: tuple[Any, ...]) -> Any:
        """The arrays as NumPy's, over the same memory, where NumPy can compute on them for this library; or None."""
        return None

    def run_on(
        self, views: Any, function: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """`run` for arrays that have these views."""
        return self.run(function, arrays, options)

    def place(self, x: Any) -> Any:
        """Where an array lives, for a comparison; None if that is open."""
        return x.device

    def apply(self, rule: Rule, *inputs: Any) -> tuple[Any, ...]:
        for x in inputs:
            if type(x) is Traced:
                return self._record(rule, inputs)
        return rule(self, *inputs)

    def pull(self, rule: Rule, inputs: Any, needs: list[bool], cotangents: list[Any]) -> Any:
        """The gradients of the inputs of a rule."""
        return rule.vjp(self, inputs, needs, cotangents)

    def _record(self, rule: Rule, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        values = tuple(x.value if type(x) is Traced else x for x in inputs)
        if rule.records:
            outputs, table = rule.record(self, [type(x) is Traced for x in inputs], *values)
        else:
            outputs, table = self.apply(rule, *values), None
        node = Node(self, rule, inputs, values, outputs, table)
        return tuple(Traced(self, y, node, k) for k, y in enumerate(outputs))

    def peek(self, x: Any) -> Any:
        return x.value if type(x) is Traced else x

    def value_and_grad(self, f: Callable[..., Any], arguments: list[Any]) -> tuple[Any, list[Any]]:
        """`f(*arguments)` and the gradients of its sum; `f` may return a tuple, whose first counts."""
        leaves = [Traced(self, x, None, 0) for x in arguments]
        out = f(*leaves)
        value = out[0] if isinstance(out, tuple) else out
        seeds = [(value, self.xp.ones_like(value.value))] if type(value) is Traced else []
        with self.quiet():
            gradients = self.backward(seeds, leaves)
        gradients = [self.xp.asarray(g) for g in gradients]  # NumPy makes numbers of 0-d arrays
        bare = [self.xp.asarray(self.peek(y)) for y in (out if isinstance(out, tuple) else (out,))]
        return tuple(bare) if isinstance(out, tuple) else bare[0], gradients

    def backward(self, seeds: list[tuple[Traced, Any]], leaves: list[Traced]) -> list[Any]:
        """The gradients of the leaves, from the cotangents of some results."""
        cotangents: dict[Any, Any] = {y.key(): ct for y, ct in seeds}
        pending = {y.node.tick: y.node for y, _ in seeds if y.node is not None}
        while pending:
            node = pending.pop(max(pending))
            given = [cotangents.pop((node.tick, k), None) for k in range(len(node.shapes))]
            needs = [type(x) is Traced and differentiable(x.value) for x in node.inputs]
            for x, g in zip(node.inputs, node.gradients(self, needs, given), strict=True):
                if type(x) is Traced and g is not None:
                    cotangents[x.key()] = add([c for c in (cotangents.get(x.key()), g) if c is not None])
                    if x.node is not None:
                        pending[x.node.tick] = x.node
        zeros = self.xp.zeros_like
        return [zeros(x.value) if (g := cotangents.get(x.key())) is None else g for x in leaves]


class Node:
    """One application of a rule; later ones have a larger tick."""

    def __init__(self, v: Backend, rule: Rule, inputs: Any, values: Any, outputs: Any, table: Any) -> None:
        self.tick = next(_ticks)
        self.rule, self.inputs, self.values, self.table = rule, inputs, values, table
        self.shapes = [y.shape for y in outputs]

    def gradients(self, v: Backend, needs: list[bool], cotangents: list[Any]) -> Any:
        if self.table is None:
            return v.pull(self.rule, self.values, needs, cotangents)
        return self.rule.finish(v, self.values, needs, cotangents, self.table)


class Traced:
    """An array that a gradient is taken with respect to, or that depends on one."""

    __array_ufunc__ = None  # NumPy's operators defer to the ones below

    def __init__(self, backend: Backend, value: Any, node: Node | None, position: int) -> None:
        self.backend, self.value, self.node, self.position = backend, value, node, position
        self.shape, self.dtype, self.ndim = value.shape, value.dtype, value.ndim

    @property
    def device(self) -> Any:
        return self.value.device

    def key(self) -> Any:
        return id(self) if self.node is None else (self.node.tick, self.position)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._foreign()

    def _foreign(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"value_and_grad on {self.backend.name}, which has no automatic differentiation, follows the functions "
            f"of xentropy only: other arithmetic on an argument (shape {tuple(self.shape)}, dtype {self.dtype}) or "
            "on a result of theirs would lose the gradient. Compute it outside the function, or use a library "
            "that differentiates"
        )

    __array__ = __array_namespace__ = __dlpack__ = __getitem__ = __setitem__ = __iter__ = _foreign
    __bool__ = __float__ = __int__ = __index__ = __complex__ = _foreign


for _name in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split():
    for _form in (f"__{_name}__", f"__r{_name}__", f"__i{_name}__"):
        setattr(Traced, _form, Traced._foreign)
for _name in "neg pos abs invert lt le gt ge eq ne".split():
    setattr(Traced, f"__{_name}__", Traced._foreign)
Traced.__hash__ = object.__hash__  # type: ignore[method-assign]
