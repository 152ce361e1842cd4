"""Rows to a loss: rules 6 and 7, the same for every loss of the library.

A loss is a list of `Row`s. Each knows its own loss l_i, its weight sw_i, its count c_i in the
denominator of the mean, and the derivatives of l_i and c_i with respect to each argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from mpmath import mp, mpf
from oracle_numbers import (
    NAN,
    NOTHING,
    ONE,
    UNSPECIFIED,
    ZERO,
    Quantity,
    add_up,
    exact,
    exact_number,
    finite,
    to_reference,
)


def no_partials(name):
    return ()


@dataclass
class Row:
    value: Quantity
    # partials(name) yields (flat position in that argument, derivative of l_i)
    partials: Callable[[str], Iterable] = no_partials
    # count_partials(name) yields (flat position, derivative of c_i), exact numbers
    count_partials: Callable[[str], Iterable] = no_partials
    count: mpf = ONE
    removed: bool = False
    weight: mpf = ONE
    weight_place: int = 0

    @property
    def counts(self):
        """Rule 6: rows that do not count are 0 in the value, whatever they hold."""
        return not self.removed and self.weight != 0


def spread(argument, shape):
    """An argument broadcast to the rows: its exact numbers and their flat positions, one per row."""
    argument = np.asarray(argument)
    places = np.broadcast_to(np.arange(argument.size).reshape(argument.shape), shape).reshape(-1)
    flat = exact(argument).reshape(-1)
    return [flat[place] for place in places], [int(place) for place in places]


def sample_weights(sample_weight, shape):
    if sample_weight is None:
        return [ONE] * int(np.prod(shape, dtype=int)), None
    sample_weight = np.asarray(sample_weight)
    if sample_weight.ndim not in (0, len(shape)):
        raise ValueError(f"sample_weight of shape {sample_weight.shape} for rows of shape {shape}")
    return spread(sample_weight, shape)


class Problem:
    """A list of rows with a reduction: its value, and the derivative of value.sum()."""

    def __init__(self, rows, shape, shapes, reduction, normalizer=None, sample_weight=None):
        if reduction not in ("none", "sum", "mean") or (normalizer is not None and reduction != "mean"):
            raise ValueError(f"reduction {reduction!r}, normalizer {normalizer!r}")
        self.rows, self.shape, self.shapes, self.reduction = rows, shape, dict(shapes), reduction
        self.normalizer = None if normalizer is None else exact_number(np.asarray(normalizer)[()])
        weights, places = sample_weights(sample_weight, shape)
        for place, row in enumerate(rows):
            row.weight = weights[place]
            row.weight_place = places[place] if places is not None else 0
        self.shapes["normalizer"] = ()
        self.shapes["sample_weight"] = np.shape(sample_weight) if sample_weight is not None else ()

    # Rule 7: the numerator, the denominator, and the mean

    @cached_property
    def numerator(self):
        return add_up(row.value.times(row.weight) for row in self.rows if row.counts)

    @cached_property
    def denominator(self):
        """sum sw_i c_i or the normalizer, with the sum of its absolute terms as its bar."""
        if self.normalizer is not None:
            return Quantity(self.normalizer, abs(self.normalizer))
        counts = [row.weight * row.count for row in self.rows if row.counts]
        return Quantity(mp.fsum(counts), mp.fsum([abs(count) for count in counts]))

    @cached_property
    def division(self):
        """1 / denominator, and how much its own cancellation widens a bar."""
        below = self.denominator
        sound = finite(below.value) and below.value != 0
        return 1 / below.value, below.scale / abs(below.value) if sound else ONE

    def divide(self, quantity):
        factor, slack = self.division
        return quantity.times(factor, slack)

    @cached_property
    def mean(self):
        above = self.numerator
        if self.denominator.value == 0:  # a mean over nothing is 0, unless the numerator is NaN
            return Quantity(NAN, ZERO) if mp.isnan(above.value) else NOTHING
        return self.divide(above)

    def value(self):
        if self.reduction == "none":
            values = [row.value.times(row.weight) if row.counts else NOTHING for row in self.rows]
            return to_reference(values, self.shape)
        return to_reference([self.numerator if self.reduction == "sum" else self.mean], ())

    # The derivative

    def gradient(self, name, cotangent=None):
        """Derivative of (cotangent * value).sum() with respect to one argument."""
        self.cotangent = [ONE] * len(self.rows) if cotangent is None else self._cotangents(cotangent)
        self.is_mean = self.reduction == "mean"
        self.below = self.denominator if self.is_mean else Quantity(ONE, ONE)
        shape = self.shapes[name]
        parts = [[] for _ in range(int(np.prod(shape, dtype=int)))]
        if name == "normalizer":
            parts[0].append(self._to_normalizer())
        elif name == "sample_weight":
            for i, row in enumerate(self.rows):
                parts[row.weight_place].append(self._to_weight(i, row))
        else:
            for i, row in enumerate(self.rows):
                if row.counts:
                    self._to_argument(name, i, row, parts)
        return to_reference([part[0] if len(part) == 1 else add_up(part) for part in parts], shape)

    def _cotangents(self, cotangent):
        cotangent = exact(cotangent)
        if self.reduction == "none":
            return list(np.broadcast_to(cotangent, self.shape).reshape(-1))
        return [cotangent[()]] * len(self.rows)

    def _finish(self, quantity, i):
        factor, slack = self.division if self.is_mean else (ONE, ONE)
        return quantity.times(self.cotangent[i] * factor, slack)

    def _to_argument(self, name, i, row, parts):
        if self.is_mean and self.below.value == 0:  # a mean over nothing has gradient 0
            if mp.isnan(row.value.value):
                for place, _ in row.partials(name):
                    parts[place].append(Quantity(NAN, ZERO))
            return
        factor, slack = self.division if self.is_mean else (ONE, ONE)
        factor *= row.weight * self.cotangent[i]
        for place, slope in row.partials(name):
            parts[place].append(slope.times(factor, slack))
        for place, slope in row.count_partials(name):
            parts[place].append(self._through_denominator(slope * row.weight, i))

    def _through_denominator(self, slope, i):
        """-mean * dcount / denominator. The rules leave it open where the mean is not finite."""
        if not self.is_mean or self.normalizer is not None or slope == 0:
            return NOTHING
        mean = self.mean
        return self._finish(mean.times(-slope), i) if finite(mean.value) else UNSPECIFIED

    def _to_weight(self, i, row):
        """The row's loss; rule 6: at sw = 0 the loss where finite, else 0, the denominator included."""
        nothing_below = self.is_mean and self.below.value == 0
        if row.removed or (row.weight == 0 and not finite(row.value.value)):
            return NOTHING
        if nothing_below:
            return Quantity(NAN, ZERO) if mp.isnan(row.value.value) else NOTHING
        return self._finish(row.value, i) + self._through_denominator(row.count, i)

    def _to_normalizer(self):
        if self.below.value == 0:
            return Quantity(NAN, ZERO) if mp.isnan(self.numerator.value) else NOTHING
        return self.divide(self.mean.times(-(self.cotangent[0] if self.rows else ONE)))
