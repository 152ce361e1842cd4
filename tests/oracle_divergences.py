"""Entropy and the divergences between distributions, row by row, as `Problem`s."""

from __future__ import annotations

import numpy as np
from mpmath import mp
from oracle_categorical import kept_table, number, row_table
from oracle_numbers import INF, NAN, NOT_A_NUMBER, NOTHING, ONE, UNSPECIFIED, ZERO, Quantity, add_up, finite
from oracle_reduce import Problem, Row, spread
from oracle_rows import SoftmaxRow
from oracle_target import row_shape


def entropy(
    logits,
    *,
    axis=-1,
    where=None,
    temperature=1.0,
    softcap=None,
    sample_weight=None,
    reduction="mean",
    normalizer=None,
):
    """-sum p log p; 0 for a row without classes (rule 4), NaN for all -inf logits and NaN rows."""
    logits = np.asarray(logits)
    axis = axis % logits.ndim
    shape = row_shape(logits.shape, axis)
    numbers, places = row_table(logits, axis)
    keeps = kept_table(where, logits.shape, axis)
    temperatures, temperature_places = spread(temperature, shape)

    def as_row(i):
        row = SoftmaxRow(numbers[i], keeps[i], temperatures[i], number(softcap))
        if row.state == "void":
            return Row(NOTHING)
        if row.state != "good":
            return Row(
                NOT_A_NUMBER,
                lambda name: (
                    [(places[i][j], NOT_A_NUMBER) for j in row.kept]
                    if name == "logits"
                    else [(temperature_places[i] if name == "temperature" else 0, NOT_A_NUMBER)]
                ),
            )
        value, slopes = row.entropy()

        def partials(name):
            if name == "logits":
                return [(places[i][j], slope) for j, slope in row.to_logits(slopes).items()]
            if name == "temperature":
                return [(temperature_places[i], row.to_temperature(slopes))]
            return [(0, row.to_softcap(slopes))]

        return Row(value, partials)

    rows = [as_row(i) for i in range(len(numbers))]
    shapes = {"logits": logits.shape, "temperature": np.shape(temperature), "softcap": ()}
    return Problem(rows, shape, shapes, reduction, normalizer, sample_weight)


# Two distributions. `where` removes a class from both of them.


def two_rows(first, second, axis, where):
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape:
        raise ValueError(f"shapes {first.shape} and {second.shape} differ")
    axis = axis % first.ndim
    a, places = row_table(first, axis)
    b, _ = row_table(second, axis)
    keeps = kept_table(where, first.shape, axis)
    for i, keep in enumerate(keeps):
        kept = [j for j in range(len(keep)) if keep[j]]
        yield [(places[i][j], a[i][j], b[i][j]) for j in kept]


def kl_term(log_q, p, log_target):
    """(value, derivative by log_q, derivative by p) of p (log p - log q) at one class."""
    if log_target:
        log_p = p
        p = mp.exp(log_p) if not mp.isnan(log_p) else NAN
        factor = 1 + abs(log_p)
    else:
        log_p = None
        factor = ONE
    if p == 0:  # 0 log 0 = 0, whatever log q is; by p the limit, unless log q = -inf removes the class
        slope = NOTHING
        if not log_target and log_q != -INF:
            slope = Quantity(-INF, ZERO) if finite(log_q) else UNSPECIFIED
        return NOTHING, NOTHING, slope
    if mp.isnan(p) or mp.isnan(log_q) or p < 0 or INF in (p, log_q):
        return NOT_A_NUMBER, UNSPECIFIED, UNSPECIFIED
    if log_p is None:
        log_p = mp.log(p)
    if log_q == -INF:  # p > 0 against log q = -inf
        infinite = Quantity(INF, ZERO)
        return infinite, Quantity(-p, p * factor), infinite
    terms = abs(log_p) + abs(log_q)
    value = Quantity(p * (log_p - log_q), factor * p * terms)
    by_p = Quantity(log_p - log_q + 1, factor * (terms + 1))
    return value, Quantity(-p, p * factor), by_p.times(p) if log_target else by_p


def kl_divergence(
    log_q, p, *, axis=-1, where=None, log_target=False, sample_weight=None, reduction="mean", normalizer=None
):
    """sum_j p_j (log p_j - log q_j) for each row; `mean` is over rows."""
    rows = []
    for entries in two_rows(log_q, p, axis, where):
        terms = [(place, *kl_term(a, b, log_target)) for place, a, b in entries]
        by_name = {
            "log_q": [(place, by_q) for place, _, by_q, _ in terms],
            "p": [(place, by_p) for place, _, _, by_p in terms],
        }
        rows.append(Row(add_up(value for _, value, _, _ in terms), by_name.__getitem__))
    shapes = {"log_q": np.shape(log_q), "p": np.shape(p)}
    shape = row_shape(np.shape(p), axis)
    return Problem(rows, shape, shapes, reduction, normalizer, sample_weight)


def js_half(log_p, log_q):
    """(value, derivative by log_p) of p (log p - log m) / 2 and of the whole, with m = (p + q) / 2."""
    if mp.isnan(log_p) or mp.isnan(log_q) or INF in (log_p, log_q):
        return NOT_A_NUMBER, UNSPECIFIED
    if log_p == -INF:  # 0 log 0 = 0
        return NOTHING, NOTHING
    p = mp.exp(log_p)
    log_m = mp.log((p + mp.exp(log_q)) / 2)
    half = Quantity(p * (log_p - log_m) / 2, (1 + abs(log_p)) * p * (abs(log_p) + abs(log_m)) / 2)
    return half, half


def js_divergence(log_p, log_q, *, axis=-1, where=None, sample_weight=None, reduction="mean", normalizer=None):
    """(KL(p || m) + KL(q || m)) / 2 in nats. The derivative by log p_j is p_j (log p_j - log m_j) / 2."""
    rows = []
    for entries in two_rows(log_p, log_q, axis, where):
        first = [(place, *js_half(a, b)) for place, a, b in entries]
        second = [(place, *js_half(b, a)) for place, a, b in entries]
        by_name = {
            "log_p": [(place, slope) for place, _, slope in first],
            "log_q": [(place, slope) for place, _, slope in second],
        }
        rows.append(Row(add_up(value for _, value, _ in first + second), by_name.__getitem__))
    shapes = {"log_p": np.shape(log_p), "log_q": np.shape(log_q)}
    shape = row_shape(np.shape(log_p), axis)
    return Problem(rows, shape, shapes, reduction, normalizer, sample_weight)
