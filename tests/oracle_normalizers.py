"""logsumexp, softmax, log_softmax and the elementwise functions.

A row or an element is a `Row` of oracle_reduce where it has one output. softmax and log_softmax have
one output per class, so their derivative is contracted with the cotangent here.
"""

from __future__ import annotations

import numpy as np
from mpmath import mp
from oracle_binary import gated, sigmoid, softplus, tail_digits
from oracle_categorical import kept_table, row_table
from oracle_numbers import (
    INF,
    NAN,
    NOT_A_NUMBER,
    NOTHING,
    ONE,
    UNSPECIFIED,
    ZERO,
    Quantity,
    add_up,
    exact,
    finite,
    to_reference,
)
from oracle_reduce import Problem, Row, spread
from oracle_rows import SoftmaxRow
from oracle_target import row_shape

# ---------------------------------------------------------------------------------------------
# log |sum_j b_j exp(x_j)|


def lse_state(x, b, kept):
    """The classes that take part; b = 0 removes a term whatever it holds."""
    classes = [j for j in kept if b[j] != 0]
    broken = any(mp.isnan(x[j]) or mp.isnan(b[j]) for j in classes)
    signs = {b[j] > 0 for j in classes if not broken and x[j] == INF}
    if broken or len(signs) == 2:
        return "nan", classes, ZERO
    if signs:
        return "inf", classes, ONE if signs.pop() else -ONE
    live = [j for j in classes if x[j] != -INF]
    return ("good" if live else "void"), live, ZERO


def signed_lse(x, b, kept):
    """(value, sign, {class: derivative by x}, {class: derivative by b}) of one row."""
    state, live, sign = lse_state(x, b, kept)
    if state == "nan" or state == "inf":  # rule 5: NaN gradients at every class that takes part
        value = NOT_A_NUMBER if state == "nan" else Quantity(INF, ZERO)
        broken = {j: NOT_A_NUMBER for j in kept if b[j] != 0}
        return value, NAN if state == "nan" else sign, broken, broken
    if state == "void":  # rules 4 and 15
        return Quantity(-INF, ZERO), ZERO, {}, {}
    alive = set(live)
    row = SoftmaxRow(x, [j in alive for j in range(len(x))])
    with mp.workdps(row.dps):
        power = {j: mp.exp(x[j]) for j in live}
        whole = mp.fsum([b[j] * power[j] for j in live])
        if whole == 0:
            broken = dict.fromkeys(live, UNSPECIFIED)
            return Quantity(-INF, ZERO), ZERO, broken, broken
        top = row.top
        rest = mp.fsum([abs(b[j]) * power[j] for j in live if j != top])
        inner = max(abs(mp.log(abs(whole / (b[top] * power[top])))), rest / abs(whole))
        scale = row.row_factor * (abs(x[top]) + abs(mp.log(abs(b[top]))) + inner)
        slack = 1 + rest / abs(whole)  # what cancels in the sum
        by_x = {j: one_share(b[j] * power[j] / whole, row, j, slack) for j in live}
        by_b = {j: one_share(power[j] / whole, row, j, slack) for j in live}
        # a weight of 0 takes its term out of the sum, and can come back: the derivative has a value there
        for j in kept:
            if b[j] == 0 and mp.isfinite(x[j]):
                slope = mp.exp(x[j]) / whole
                by_b[j] = Quantity(slope, (1 + abs(x[j] - x[top])) * abs(slope) * slack)
        return Quantity(mp.log(abs(whole)), scale), ONE if whole > 0 else -ONE, by_x, by_b


def one_share(value, row, j, slack):
    return Quantity(value, row.factor(j) * abs(value) * slack)


def logsumexp(x, *, axis=-1, keepdims=False, where=None, b=None, signed=False):
    """(Problem for the value, object array of the signs). Not signed: the log of a negative sum is NaN."""
    x = np.asarray(x)
    shape = row_shape(x.shape, axis)
    numbers, places = row_table(x, axis)
    keeps = kept_table(where, x.shape, axis)
    b_shape = () if b is None else np.shape(b)
    flat_b, b_places = spread(1.0 if b is None else b, x.shape)
    rows, signs = [], []
    for i, keep in enumerate(keeps):
        kept = [j for j in range(len(keep)) if keep[j]]
        factors = {j: flat_b[places[i][j]] for j in kept}
        value, sign, by_x, by_b = signed_lse(numbers[i], factors, kept)
        if sign < 0 and not signed:
            value = NOT_A_NUMBER
            by_x, by_b = dict.fromkeys(by_x, UNSPECIFIED), dict.fromkeys(by_b, UNSPECIFIED)
        by_name = {
            "x": [(places[i][j], slope) for j, slope in by_x.items()],
            "b": [(b_places[places[i][j]], slope) for j, slope in by_b.items()],
        }
        rows.append(Row(value, by_name.__getitem__))
        signs.append(Quantity(sign, ZERO))
    if keepdims:
        shape = tuple(1 if k == axis % x.ndim else n for k, n in enumerate(x.shape))
    return Problem(rows, shape, {"x": x.shape, "b": b_shape}, "none"), to_reference(signs, shape)


# ---------------------------------------------------------------------------------------------
# softmax and log_softmax


def softmax_rows(x, axis, where, temperature):
    x = np.asarray(x)
    numbers, places = row_table(x, axis)
    keeps = kept_table(where, x.shape, axis)
    temperatures, temperature_places = spread(temperature, row_shape(x.shape, axis))
    for i, keep in enumerate(keeps):
        yield SoftmaxRow(numbers[i], keep, temperatures[i]), places[i], temperature_places[i]


def softmax_values(x, log, *, axis=-1, where=None, temperature=1.0):
    out = [Quantity(-INF if log else ZERO, ZERO)] * np.size(x)  # disallowed classes (rule 1)
    for row, places, _ in softmax_rows(x, axis, where, temperature):
        for j in row.kept:
            if row.state != "good":  # rules 4 and 5
                out[places[j]] = NOT_A_NUMBER
            elif j in row.p and log:
                out[places[j]] = row.cost(j).times(-ONE)
            elif j in row.p:
                out[places[j]] = Quantity(row.p[j], row.factor(j) * row.p[j])
    return to_reference(out, np.shape(x))


def softmax_slopes(row, g, log):
    """Derivative of sum_j g_j out_j with respect to the final logits.

    log_softmax: g_j - p_j sum_k g_k.   softmax: p_j (g_j - sum_k p_k g_k).
    """
    with mp.workdps(row.dps):
        share = {j: ONE if log else row.p[j] for j in row.allowed}
        whole = mp.fsum([share[j] * g[j] for j in row.allowed])
        terms = mp.fsum([(1 if log else row.factor(j)) * share[j] * abs(g[j]) for j in row.allowed])
        return {
            j: Quantity(
                share[j] * g[j] - row.p[j] * whole,
                row.factor(j) * (share[j] * abs(g[j]) + row.p[j] * terms),
            )
            for j in row.allowed
        }


def softmax_gradient(x, log, wrt, cotangent, *, axis=-1, where=None, temperature=1.0):
    g = exact(np.broadcast_to(1.0 if cotangent is None else cotangent, np.shape(x))).reshape(-1)
    shape = np.shape(x) if wrt == "x" else np.shape(temperature)
    parts = [[] for _ in range(int(np.prod(shape, dtype=int)))]
    for row, places, temperature_place in softmax_rows(x, axis, where, temperature):
        if row.state in ("nan", "empty"):
            for place in [places[j] for j in row.kept] if wrt == "x" else [temperature_place]:
                parts[place].append(NOT_A_NUMBER)
        elif row.state == "good":
            slopes = softmax_slopes(row, {j: g[places[j]] for j in row.allowed}, log)
            if wrt == "x":
                for j, slope in row.to_logits(slopes).items():
                    parts[places[j]].append(slope)
            else:
                parts[temperature_place].append(row.to_temperature(slopes))
    return to_reference([add_up(part) for part in parts], shape)


# ---------------------------------------------------------------------------------------------
# elementwise


def sigmoid_pair(x):
    """sigmoid and its derivative sigmoid(x) sigmoid(-x)."""
    high, low = sigmoid(x), sigmoid(-x)
    factor = 1 + abs(x) if finite(x) else ONE
    return Quantity(high, factor * high), {"x": Quantity(high * low, factor * high * low)}


def softplus_pair(x):
    high = sigmoid(x)
    return softplus(x), {"x": Quantity(high, (1 + abs(x) if finite(x) else ONE) * high)}


def log_sigmoid_pair(x):
    """log sigmoid(x) = -softplus(-x)."""
    value, slope = softplus_pair(-x)
    return value.times(-ONE), slope


def xlogy_pair(x, y):
    """x log y; 0 at x = 0 unless y is NaN, and the vanished term has derivative 0."""
    if mp.isnan(x) or mp.isnan(y):
        return NOT_A_NUMBER, {"x": NOT_A_NUMBER, "y": NOT_A_NUMBER}
    if y < 0:
        return (NOTHING if x == 0 else NOT_A_NUMBER), {"x": UNSPECIFIED, "y": UNSPECIFIED}
    log = Quantity(-INF, ZERO) if y == 0 else Quantity(mp.log(y), abs(mp.log(y)))
    by_x = NOTHING if x == 0 and not finite(log.value) else log
    if y == 0:
        by_y = NOTHING if x == 0 else Quantity(INF * x, ZERO)
    else:
        by_y = Quantity(x / y, abs(x / y))
    return gated(x, log), {"x": by_x, "y": by_y}


PAIRS = {
    "sigmoid": sigmoid_pair,
    "softplus": softplus_pair,
    "log_sigmoid": log_sigmoid_pair,
    "xlogy": xlogy_pair,
}


def elementwise(name, *arrays):
    """An elementwise function as a Problem; the arguments of xlogy broadcast."""
    shape = np.broadcast_shapes(*[np.shape(array) for array in arrays])
    spreads = [spread(array, shape) for array in arrays]
    rows = []
    for i in range(int(np.prod(shape, dtype=int))):
        numbers = [values[i] for values, _ in spreads]
        places = {argument: at[i] for argument, (_, at) in zip("xy", spreads, strict=False)}
        with mp.workdps(tail_digits(numbers[0]) if name != "xlogy" else mp.dps):
            value, slopes = PAIRS[name](*numbers)
        rows.append(Row(value, lambda wrt, p=places, s=slopes: [(p[wrt], s[wrt])]))
    return Problem(rows, shape, {a: np.shape(v) for a, v in zip("xy", arrays, strict=False)}, "none")
