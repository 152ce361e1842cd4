"""The binary losses, element by element: every element is a row of its own (rules 6, 7, 9 and 10).

    from logits         l = pw y softplus(-x) + (1 - y) softplus(x)
    from probabilities  l = -y log p - (1 - y) log(1 - p)
    focal               l = alpha_t (1 - p_t)^gamma (y softplus(-x) + (1 - y) softplus(x))

with y = y0 (1 - eps) + eps / 2. A term whose label is 0 is gone from the value and from every
derivative where it would be infinite, so exact matches cost 0.
"""

from __future__ import annotations

import numpy as np
from mpmath import mp
from oracle_numbers import (
    INF,
    NAN,
    NOT_A_NUMBER,
    NOTHING,
    ONE,
    UNSPECIFIED,
    ZERO,
    Quantity,
    exact,
    exact_number,
    finite,
)
from oracle_reduce import Problem, Row, spread
from oracle_rows import MOST_TAIL_DIGITS

HALF = ONE / 2


def tail_digits(x):
    """Working digits that keep exp(-|x|) next to 1."""
    return mp.dps + (int(min(abs(x), 3 * MOST_TAIL_DIGITS) / 2) + 1 if finite(x) else 0)


def sigmoid(x):
    """1 / (1 + exp(-x)), 0 and 1 at the infinities."""
    if mp.isinf(x) or mp.isnan(x):
        return NAN if mp.isnan(x) else (ONE if x > 0 else ZERO)
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    """log(1 + exp(x)), with the bar of max(x, 0) + log1p(exp(-|x|))."""
    if mp.isinf(x) or mp.isnan(x):
        return Quantity(x if not x < 0 else ZERO, ZERO)
    with mp.workdps(tail_digits(x)):
        value = mp.log(1 + mp.exp(x))
        above = max(x, ZERO)
        return Quantity(value, above + (1 + abs(x)) * (value - above))


def gated(weight, quantity):
    """weight * quantity, where a weight of 0 removes an infinite quantity (0 log 0 = 0)."""
    return NOTHING if weight == 0 else quantity.times(weight)


def minus(a, b):
    return a + b.times(-ONE)


def from_logit(x, y0, y, epsilon, pos_weight):
    """Value and derivatives of one element of binary_cross_entropy_with_logits."""
    if mp.isnan(x):
        return NOT_A_NUMBER, lambda name: NOT_A_NUMBER
    if mp.isnan(pos_weight):
        broken = UNSPECIFIED if y == 0 else NOT_A_NUMBER
        return broken, lambda name: broken
    positive, negative = softplus(-x), softplus(x)
    up = pos_weight * y
    value = gated(up, positive) + gated(1 - y, negative)

    def by_logit():
        high, low = sigmoid(x), sigmoid(-x)
        factor = 1 + abs(x) if not mp.isinf(x) else ONE
        return Quantity((1 - y) * high - up * low, factor * (abs((1 - y) * high) + abs(up * low)))

    def by_y():
        """pw softplus(-x) - softplus(x); a term that vanished at an infinity has derivative 0 (rule 10)."""
        plus = NOTHING if mp.isinf(positive.value) and up == 0 else positive.times(pos_weight)
        return minus(plus, NOTHING if mp.isinf(negative.value) and y == 1 else negative)

    def partial(name):
        if name == "logits":
            return by_logit()
        if name == "labels":
            return gated(1 - epsilon, by_y())
        if name == "label_smoothing":
            return gated(HALF - y0, by_y())
        if mp.isinf(positive.value) and up == 0:
            return NOTHING
        return gated(y, positive)  # pos_weight

    return value, partial


def from_probability(p, y0, y, epsilon):
    """Value and derivatives of one element of binary_cross_entropy."""
    if not 0 <= p <= 1:  # probabilities outside [0, 1] are bad
        return NOT_A_NUMBER, lambda name: NOT_A_NUMBER
    positive, negative = minus_log(p), minus_log(1 - p)
    value = gated(y, positive) + gated(1 - y, negative)

    def by_probability():
        one = NOTHING if y == 0 else one_over(p).times(-y)
        return one + (NOTHING if y == 1 else one_over(1 - p).times(1 - y))

    def by_y():
        plus = NOTHING if mp.isinf(positive.value) and y == 0 else positive
        return minus(plus, NOTHING if mp.isinf(negative.value) and y == 1 else negative)

    def partial(name):
        if name == "probs":
            return by_probability()
        return gated(1 - epsilon if name == "labels" else HALF - y0, by_y())

    return value, partial


def minus_log(p):
    if p == 0:
        return Quantity(INF, ZERO)
    return Quantity(-mp.log(p), abs(mp.log(p)))


def one_over(p):
    return Quantity(INF, ZERO) if p == 0 else Quantity(1 / p, 1 / p)


def from_focal(x, y, alpha, gamma):
    """Value and derivatives of one element of sigmoid_focal_loss; q stands for 1 - p_t."""
    if mp.isnan(x):
        return NOT_A_NUMBER, lambda name: NOT_A_NUMBER
    with mp.workdps(tail_digits(x)):
        share = ONE if alpha is None else alpha * y + (1 - alpha) * (1 - y)
        positive, negative = softplus(-x), softplus(x)
        cost = gated(y, positive) + gated(1 - y, negative)
        if mp.isinf(x) and cost.value == 0:  # an exact match has derivative 0 in every argument
            return NOTHING, lambda name: NOTHING
        high, low = sigmoid(x), sigmoid(-x)
        q = high * (1 - y) + low * y
        power = q**gamma
        bend = gamma * q ** (gamma - 1)
        factor = (1 + abs(gamma)) * (1 + abs(x) if not mp.isinf(x) else ONE)
        value = gated(share * power, cost)
        value = Quantity(value.value, factor * value.scale)

    def by_logit():
        """share (gamma q^(gamma-1) q' cost + q^gamma cost'); the first term is 0 at an infinite logit."""
        first = ZERO if mp.isinf(x) else bend * high * low * (1 - 2 * y) * cost.value
        up, down = (1 - y) * high, y * low
        terms = abs(first) + power * (up + down)
        return Quantity(share * (first + power * (up - down)), factor * abs(share) * terms)

    def by_label():
        if mp.isinf(x):  # between infinities of both signs: left open
            return UNSPECIFIED
        by_share = ZERO if alpha is None else (2 * alpha - 1) * power * cost.value
        by_focus = share * bend * (low - high) * cost.value
        by_cost = share * power * x
        return Quantity(by_share + by_focus - by_cost, factor * (abs(by_share) + abs(by_focus) + abs(by_cost)))

    def by_gamma():
        log = mp.log(q)
        slope = gated(share * power * log, cost)
        return Quantity(slope.value, factor * (slope.scale + gated(share * power, cost).scale))

    def partial(name):
        with mp.workdps(tail_digits(x)):
            if name == "alpha":
                slope = gated((2 * y - 1) * power, cost)
                return Quantity(slope.value, factor * slope.scale)
            return {"logits": by_logit, "labels": by_label, "gamma": by_gamma}[name]()

    return value, partial


def optional(argument):
    return None if argument is None else exact_number(np.asarray(argument)[()])


def binary(
    name,
    inputs,
    labels,
    *,
    where=None,
    sample_weight=None,
    pos_weight=None,
    label_smoothing=0.0,
    alpha=None,
    gamma=2.0,
    reduction="mean",
    normalizer=None,
):
    """The rows of the three binary losses; pos_weight broadcasts to the logits."""
    inputs, labels = np.asarray(inputs), np.asarray(labels)
    if inputs.shape != labels.shape:
        raise ValueError(f"labels of shape {labels.shape} for inputs of shape {inputs.shape}")
    shape = inputs.shape
    keep = np.ones(shape, bool) if where is None else np.broadcast_to(np.asarray(where), shape)
    pos_weights, pos_places = spread(1.0 if pos_weight is None else pos_weight, shape)
    epsilon, alpha, gamma = optional(label_smoothing), optional(alpha), optional(gamma)

    def as_row(i, x, y0, kept):
        if not kept:  # where=False removes the element like ignore_index removes a row
            return Row(NOTHING, removed=True)
        place_of = {"pos_weight": pos_places[i], "alpha": 0, "gamma": 0, "label_smoothing": 0}
        y = y0 * (1 - epsilon) + epsilon / 2
        if not 0 <= y0 <= 1:  # rule 9, NaN included
            value, partial = NOT_A_NUMBER, lambda name: NOT_A_NUMBER
        elif name == "binary_cross_entropy_with_logits":
            value, partial = from_logit(x, y0, y, epsilon, pos_weights[i])
        elif name == "binary_cross_entropy":
            value, partial = from_probability(x, y0, y, epsilon)
        else:
            value, partial = from_focal(x, y, alpha, gamma)
        return Row(value, lambda wrt: [(place_of.get(wrt, i), partial(wrt))])

    flat = zip(exact(inputs).flat, exact(labels).flat, keep.flat, strict=True)
    rows = [as_row(i, x, y0, kept) for i, (x, y0, kept) in enumerate(flat)]
    shapes = {
        **dict.fromkeys(("logits", "probs", "labels"), shape),
        **dict.fromkeys(("label_smoothing", "alpha", "gamma"), ()),
        "pos_weight": np.shape(pos_weight) if pos_weight is not None else (),
    }
    return Problem(rows, shape, shapes, reduction, normalizer, sample_weight)
