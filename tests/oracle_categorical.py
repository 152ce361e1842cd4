"""The categorical losses, row by row: rules 1 to 13 of the design on top of oracle_rows.

Each builder returns a `Problem` (rows and a reduction). A row's loss is
    l = sum_j w_j cost_j + z lse^2,   w_j = class_weight_j t_j,
with cost_j = -log p_j, its focal form, or -log_probs_j.
"""

from __future__ import annotations

import numpy as np
from mpmath import mp, mpf
from oracle_numbers import (
    INF,
    NOT_A_NUMBER,
    NOTHING,
    ONE,
    UNSPECIFIED,
    ZERO,
    Quantity,
    add_up,
    exact,
    exact_number,
)
from oracle_reduce import Problem, Row, spread
from oracle_rows import FocalRow, LogProbRow, SoftmaxRow
from oracle_target import row_places, row_shape, targets


def number(argument):
    """A float or a 0-d array as one exact number; None stays None."""
    return None if argument is None else exact_number(np.asarray(argument)[()])


def kept_table(where, shape, axis):
    """`where` as a flat list of bool for each row."""
    where = np.ones(shape, dtype=bool) if where is None else np.broadcast_to(np.asarray(where), shape)
    flat = where.reshape(-1)
    return [[bool(flat[place]) for place in row] for row in row_places(shape, axis)]


def row_table(array, axis):
    """An array as one list of exact numbers for each row, with their flat positions."""
    flat = exact(array).reshape(-1)
    places = row_places(np.shape(array), axis)
    return [list(flat[row]) for row in places], [[int(place) for place in row] for row in places]


def hidden_cost(weights, allowed):
    """Rule 3: mass on disallowed classes costs +inf, negative mass -inf, both NaN."""
    allowed = set(allowed)
    return mp.fsum([mpf(INF) * w for j, w in weights.items() if j not in allowed])


class Categorical:
    """One row of cross_entropy, nll_loss or focal_loss."""

    def __init__(self, row, target, places, class_weight, smoothing, z_loss, temperature_place, soft):
        self.row, self.target, self.places = row, target, places
        self.class_weight, self.smoothing, self.z = class_weight, smoothing, z_loss
        self.temperature_place, self.soft = temperature_place, soft
        self.t = {} if target.bad else target.smoothed(smoothing, row.kept, row.allowed)
        # Rules 2 and 3 look at the weighted target: a weight of 0 removes a term like a label of 0.
        self.w = {j: self.weight(j) * t for j, t in self.t.items()}
        self.w = {j: w for j, w in self.w.items() if w != 0}
        self.allowed = set(row.allowed)
        self.hidden = any(j not in self.allowed for j in self.w)

    def weight(self, j):
        return ONE if self.class_weight is None else self.class_weight[j]

    def as_row(self):
        return Row(
            value=NOTHING if self.target.removed else self.value(),
            partials=self.partials,
            count=self.count(),
            count_partials=self.count_partials,
            removed=self.target.removed,
        )

    def value(self):
        if self.target.bad:  # rule 9
            return NOT_A_NUMBER
        if self.row.state in ("nan", "empty"):  # rules 4 and 5
            return self.row.nan_value(self.w)
        hidden = Quantity(hidden_cost(self.w, self.allowed), ZERO)
        if self.row.state == "void":  # rule 4: 0 if t = 0, else +inf; the z term is 0
            return hidden
        costs = add_up(self.row.cost(j).times(w) for j, w in self.w.items() if j in self.allowed)
        z_term = self.row.lse_square()[0].times(self.z) if self.z != 0 else NOTHING
        return costs + z_term + hidden

    # Rule 7: c_i = 1 without class weights, sum_j cw_j t0_ij with them; a bad row counts 1, or 0.

    def count(self):
        if self.class_weight is None:
            return ONE
        if self.target.bad:
            return ZERO
        return mp.fsum([self.class_weight[j] * mass for j, mass in self.target.mass.items()])

    def count_partials(self, name):
        if self.class_weight is None or self.target.bad:
            return
        if name == "class_weight":
            yield from self.target.mass.items()
        elif name == self.soft:
            for place, j in self.target.places:
                if self.row.keep[j] and (j in self.allowed or j in self.w):
                    yield place, self.class_weight[j]

    # Derivatives of the row's loss

    def partials(self, name):
        if name in ("logits", "log_probs"):
            return self.to_logits()
        if name == self.soft:
            return self.to_labels()
        if name == "class_weight":
            return self.to_class_weight()
        place = self.temperature_place if name == "temperature" else 0
        return [(place, self.to_option(name))]

    def broken(self):
        """The derivative at every kept place of a NaN row, or None."""
        if self.target.bad:
            return NOT_A_NUMBER
        return self.row.nan_slope() if self.row.state in ("nan", "empty") else None

    def final_slopes(self):
        """Rule 13: with respect to the final logits, W p - t with class weights inside t."""
        slopes = self.row.from_final(self.w)
        if self.z != 0:
            for j, slope in self.row.lse_square()[1].items():
                slopes[j] = slopes[j] + slope.times(self.z)
        return slopes

    def to_logits(self):
        """0 at where=False places in every row, and at -inf logits without mass (rule 1)."""
        broken = self.broken()
        if broken:
            return [(self.places[j], broken) for j in self.row.kept]
        if self.row.state == "void":  # rule 4
            return []
        slopes = self.row.to_logits(self.final_slopes())
        out = [(self.places[j], slope) for j, slope in slopes.items()]
        # Rule 3 wins over rule 1: -t_j / T at a -inf logit with mass.
        for j, w in self.w.items():
            if j not in self.allowed and self.row.keep[j]:
                slope = -w / getattr(self.row, "temperature", ONE)
                out.append((self.places[j], Quantity(slope, abs(slope))))
        return out

    def to_labels(self):
        """Rule 13: -cw_j log p_j; with smoothing also the share of every allowed class."""
        broken = self.broken()
        kept = set(self.row.kept)
        places = [(place, j) for place, j in self.target.places if j in kept]
        if broken:
            return [(place, broken) for place, _ in places]
        if self.row.state == "void":
            return []
        shared = NOTHING
        if self.smoothing != 0:
            every = add_up(self.row.cost(j).times(self.weight(j)) for j in self.row.allowed)
            shared = every.times(self.smoothing / len(self.row.allowed))
        return [(place, self.to_label(j, shared)) for place, j in places]

    def to_label(self, j, shared):
        if j in self.allowed:  # rule 2: also where the label is 0
            return self.row.cost(j).times((1 - self.smoothing) * self.weight(j)) + shared
        if j in self.w:
            return Quantity(INF * (1 - self.smoothing) * self.weight(j), ZERO)
        # Rule 1: 0 where the label is 0. A label whose weight is 0 still feeds the smoothing: left open.
        return UNSPECIFIED if j in self.target.mass and self.smoothing != 0 else NOTHING

    def to_class_weight(self):
        """t_j (-log p_j); rule 3: infinite for mass on a disallowed class."""
        classes = range(len(self.places))
        if self.target.bad:  # the row is NaN; which class weights it reaches is left open
            return [(j, UNSPECIFIED) for j in classes]
        if self.broken():
            open_zero = Quantity(ZERO, INF)
            return [(j, self.row.nan_value({j}) if j in self.t else open_zero) for j in classes]
        out = []
        for j, t in self.t.items():
            if j in self.allowed:
                out.append((j, self.row.cost(j).times(t)))
            elif j in self.w:
                out.append((j, Quantity(INF * t, ZERO)))
        return out

    def to_option(self, name):
        """temperature, softcap, label_smoothing, z_loss and gamma."""
        broken = self.broken()
        if broken:
            return broken
        if self.row.state == "void":
            return NOTHING
        if name == "z_loss":
            return self.row.lse_square()[0]
        if self.hidden:  # an infinite loss (rule 3): left open
            return UNSPECIFIED
        if name == "label_smoothing":
            share = self.target.uniform(self.row.kept, self.row.allowed)
            parts = [self.row.cost(j).times(self.weight(j) * share) for j in self.row.allowed] if share else []
            mass = self.target.mass
            parts += [self.row.cost(j).times(-self.weight(j) * t) for j, t in mass.items() if j in self.allowed]
            return add_up(parts)
        if name == "gamma":
            return add_up(self.row.cost_to_gamma(j).times(w) for j, w in self.w.items())
        if name == "temperature":
            square = self.row.lse_square()[1]
            return self.row.to_temperature(self.row.from_final(self.w)) + self.row.lse_to_temperature(square).times(
                self.z
            )
        if name == "softcap":
            return self.row.to_softcap(self.final_slopes())
        raise ValueError(f"no derivative with respect to {name}")


def categorical(
    name,
    inputs,
    labels,
    *,
    axis=-1,
    where=None,
    label_probs=None,
    class_weight=None,
    sample_weight=None,
    ignore_index=None,
    label_smoothing=0.0,
    temperature=1.0,
    softcap=None,
    z_loss=0.0,
    gamma=0.0,
    reduction="mean",
    normalizer=None,
):
    """The rows of cross_entropy, focal_loss (logits) and nll_loss (log_probs)."""
    inputs = np.asarray(inputs)
    axis = axis % inputs.ndim
    shape = row_shape(inputs.shape, axis)
    numbers, places = row_table(inputs, axis)
    keeps = kept_table(where, inputs.shape, axis)
    row_targets = targets(labels, inputs.shape, axis, label_probs, ignore_index)
    temperatures, temperature_places = spread(temperature, shape)
    weights = None if class_weight is None else list(exact(class_weight))
    if weights is not None and np.shape(class_weight) != (inputs.shape[axis],):
        raise ValueError(f"class_weight of shape {np.shape(class_weight)} for {inputs.shape[axis]} classes")
    soft = "label_probs" if label_probs is not None else "labels"
    smoothing, z, gamma = number(label_smoothing), number(z_loss), number(gamma)
    rows = []
    for i, target in enumerate(row_targets):
        if name == "nll_loss":
            row = LogProbRow(numbers[i], keeps[i])
        elif name == "focal_loss":
            row = FocalRow(numbers[i], keeps[i], temperatures[i], number(softcap), gamma)
        else:
            row = SoftmaxRow(numbers[i], keeps[i], temperatures[i], number(softcap))
        one = Categorical(row, target, places[i], weights, smoothing, z, temperature_places[i], soft)
        rows.append(one.as_row())
    shapes = {
        "logits": inputs.shape,
        "log_probs": inputs.shape,
        "labels": np.shape(labels),
        "label_probs": np.shape(label_probs),
        "class_weight": (inputs.shape[axis],),
        "temperature": np.shape(temperature),
        **dict.fromkeys(("softcap", "label_smoothing", "z_loss", "gamma"), ()),
    }
    return Problem(rows, shape, shapes, reduction, normalizer, sample_weight)
