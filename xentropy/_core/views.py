"""The same numbers in another shape, as rules, for libraries that differentiate nothing by themselves."""

from __future__ import annotations

from typing import Any

from .precision import is_array
from .rule import Rule
from .verbs import Array, Verbs


class Reshape(Rule):
    shape: tuple[int, ...]
    like_input = True
    plain = True

    def value(self, v: Verbs, x: Array) -> tuple[Array, ...]:
        return (v.xp.reshape(x, self.shape),)

    def pull(self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any]) -> list[Any]:
        return [v.xp.reshape(cotangents[0], inputs[0].shape)]


class MoveAxis(Rule):
    source: int
    destination: int
    like_input = True
    plain = True

    def value(self, v: Verbs, x: Array) -> tuple[Array, ...]:
        return (v.move(x, self.source, self.destination),)

    def pull(self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any]) -> list[Any]:
        return [v.move(cotangents[0], self.destination, self.source)]


class Select(Rule):
    """(x, mask) -> x where the mask is True, else 0."""

    like_input = True
    plain = True

    def value(self, v: Verbs, x: Array, mask: Array) -> tuple[Array, ...]:
        return (v.xp.where(mask, x, 0.0),)

    def pull(self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any]) -> list[Any]:
        return [v.xp.where(inputs[1], cotangents[0], 0.0), None]


def select(v: Verbs, x: Any, mask: Array) -> Any:
    return v.apply(Select(), x, mask)[0]


def reshape(v: Verbs, x: Any, shape: tuple[int, ...]) -> Any:
    """An array in another shape; a Python number or nothing as it is."""
    if not is_array(x) or tuple(x.shape) == shape:
        return x
    return v.apply(Reshape(shape), x)[0]


def move_axis(v: Verbs, x: Any, source: int, destination: int) -> Any:
    same = x is None or source % x.ndim == destination % x.ndim
    return x if same else v.apply(MoveAxis(source, destination), x)[0]


def as_scalar(v: Verbs, x: Any, ndim: int) -> Any:
    """A 0-d array with size 1 along every axis."""
    return reshape(v, x, (1,) * ndim)


def as_rows(v: Verbs, x: Any, ndim: int, axis: int) -> Any:
    """Of at most the rows' dimensions, aligned with `ndim` by a size 1 at the class axis."""
    if not is_array(x):
        return x
    shape = (1,) * (ndim - 1 - x.ndim) + tuple(x.shape)
    return reshape(v, x, (*shape[:axis], 1, *shape[axis:]))


def as_classes(v: Verbs, x: Any, ndim: int, axis: int) -> Any:
    """(C,) along the class axis."""
    return None if x is None else reshape(v, x, tuple(x.shape[0] if i == axis else 1 for i in range(ndim)))


def as_mask(v: Verbs, x: Any, ndim: int) -> Any:
    """With leading axes of size 1."""
    return None if x is None else v.xp.reshape(x, (1,) * (ndim - x.ndim) + tuple(x.shape))


def leading(v: Verbs, x: Any, ndim: int) -> Any:
    """An array with leading axes of size 1."""
    return reshape(v, x, (1,) * (ndim - x.ndim) + tuple(x.shape)) if is_array(x) else x


def without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def with_a_class(v: Verbs, axis: int, *arrays: Any) -> list[Any]:
    """Arrays without a class get one, of zeros, that a mask is to remove."""
    return [
        v.xp.zeros(
            tuple(1 if i == axis else n for i, n in enumerate(x.shape)), dtype=x.dtype, device=v.device(v.peek(x))
        )
        if is_array(x) and x.ndim > axis and x.shape[axis] == 0
        else x
        for x in arrays
    ]
