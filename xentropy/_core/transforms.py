"""The functions that return an array like their input, as rules applied to aligned arrays."""

from __future__ import annotations

from math import prod
from typing import Any

from .normalizers import LogSumExp, Softmax, row_shape
from .reduce import Scaled
from .sigmoid import LogSigmoid, Sigmoid, Softplus, XLogY
from .signed import SignedLogSumExp
from .softmax import INF, NAN
from .verbs import Array, Verbs
from .views import as_mask, as_rows, leading, reshape, without

_ELEMENTWISE = {"sigmoid": Sigmoid(), "log_sigmoid": LogSigmoid(), "softplus": Softplus()}


def elementwise(v: Verbs, x: Array, *, name: str) -> tuple[Array, ...]:
    return v.apply(_ELEMENTWISE[name], x)


def xlogy(v: Verbs, x: Array, y: Array) -> tuple[Array, ...]:
    ndim = max(x.ndim, y.ndim)
    return v.apply(XLogY(), leading(v, x, ndim), leading(v, y, ndim))


def softmax(v: Verbs, x: Array, temperature: Any, where: Any, *, axis: int, log: bool) -> tuple[Array, ...]:
    if prod(x.shape) == 0:
        return (x,)
    temperature, where = as_rows(v, temperature, x.ndim, axis), as_mask(v, where, x.ndim)
    return v.apply(Softmax(axis, log), x, temperature, where)


def logsumexp(
    v: Verbs, x: Array, where: Any, b: Any, *, axis: int, keepdims: bool, signed: bool
) -> tuple[Array, Array]:
    """log |sum b exp x| and the sign; without `signed` the logarithm of a negative sum is NaN."""
    shape = row_shape(x, axis)
    out_shape = shape if keepdims else without(shape, axis)
    where, b = as_mask(v, where, x.ndim), leading(v, b, x.ndim)
    if x.shape[axis] == 0:
        zeros = v.xp.sum(v.peek(x), axis=axis, keepdims=keepdims)
        return v.xp.astype(zeros - INF, x.dtype), v.xp.astype(zeros, x.dtype)
    if b is None:
        (log,) = v.apply(LogSumExp(axis), x, None, where)
        raw = v.peek(log)
        sign = v.xp.astype(raw != -INF, raw.dtype)
    else:
        log, sign = v.apply(SignedLogSumExp(axis), x, b, where)
        sign = v.peek(sign)
        if not signed:
            (log,) = v.apply(Scaled(), log, v.xp.astype(v.xp.where(sign < 0, NAN, v.xp.ones_like(sign)), log.dtype))
    return reshape(v, log, out_shape), v.xp.reshape(sign, out_shape)
