"""Labels of every kind as one thing: for each row a mass per class, and whether the row counts.

`mass` maps a class to its nonzero target t0. A row can also be `removed` (rule 6, ignore_index) or
`bad` (rule 9). `places` lists (position in the flat label argument, class) for the derivative with
respect to that argument: soft labels, or label_probs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from mpmath import mp
from oracle_numbers import ZERO, exact, finite, is_index_dtype


@dataclass
class Target:
    mass: dict = field(default_factory=dict)
    removed: bool = False
    bad: bool = False
    places: list = field(default_factory=list)

    def put(self, j, mass):
        """Add mass to a class; duplicates add, and a sum of 0 is no target."""
        mass = self.mass.pop(j, ZERO) + mass
        if mass != 0:
            self.mass[j] = mass

    def smoothed(self, epsilon, kept, allowed):
        """Rule 8: t = (1 - eps) t0 + eps sum(t0) / K on the K allowed classes.

        sum(t0) runs over the classes that `where` keeps; nothing is added if K = 0.
        """
        if epsilon == 0:
            return dict(self.mass)
        t = {j: (1 - epsilon) * mass for j, mass in self.mass.items()}
        share = self.uniform(kept, allowed)
        for j in allowed:
            t[j] = t.get(j, ZERO) + epsilon * share
        return {j: mass for j, mass in t.items() if mass != 0}

    def uniform(self, kept, allowed):
        """sum(t0) / K: the share of label smoothing of each allowed class, for eps = 1."""
        kept = set(kept)
        whole = mp.fsum([mass for j, mass in self.mass.items() if j in kept])
        return whole / len(allowed) if allowed else ZERO


def row_places(shape, axis):
    """Flat positions of an array of this shape as a table of (rows, classes)."""
    table = np.moveaxis(np.arange(int(np.prod(shape, dtype=int))).reshape(shape), axis, -1)
    return table.reshape(int(np.prod(table.shape[:-1], dtype=int)), table.shape[-1])


def integer_target(label, classes, ignore_index):
    label = int(label)
    target = Target()
    if ignore_index is not None and label == ignore_index:
        target.removed = True  # rule 6
    elif not 0 <= label < classes:
        target.bad = True  # rule 9: never wrapped
    else:
        target.put(label, exact(1)[()])
    return target


def soft_target(masses, places):
    target = Target()
    for j, (mass, place) in enumerate(zip(masses, places, strict=True)):
        target.places.append((place, j))
        if not finite(mass):
            target.bad = True  # rule 9: NaN and infinite labels
        else:
            target.put(j, mass)
    return target


def sparse_target(labels, masses, places, classes, ignore_index):
    target = Target()
    ignored = 0
    for label, mass, place in zip(labels, masses, places, strict=True):
        label = int(label)
        if ignore_index is not None and label == ignore_index:
            ignored += 1  # rule 9: removes that entry
        elif not finite(mass):
            target.bad = True
        elif 0 <= label < classes:
            target.places.append((place, label))
            target.put(label, mass)
        elif mass != 0:  # rule 9: an entry with label_probs == 0 is never bad
            target.bad = True
    target.removed = len(labels) > 0 and ignored == len(labels)  # rule 6
    return target


def targets(labels, shape, axis, label_probs, ignore_index):
    """One Target per row of logits of this shape."""
    labels = np.asarray(labels)
    classes = shape[axis]
    rows_shape = row_shape(shape, axis)
    if label_probs is not None:
        label_probs = exact(label_probs)
        if labels.shape[:-1] != rows_shape or labels.shape != label_probs.shape:
            raise ValueError(f"sparse labels of shape {labels.shape} for rows of shape {rows_shape}")
        places = row_places(labels.shape, -1)
        masses = label_probs.reshape(-1)
        flat = labels.reshape(-1)
        return [sparse_target(flat[row], masses[row], row, classes, ignore_index) for row in places]
    if is_index_dtype(labels):
        if labels.shape != rows_shape:
            raise ValueError(f"labels of shape {labels.shape} for rows of shape {rows_shape}")
        return [integer_target(label, classes, ignore_index) for label in labels.flat]
    if labels.dtype.kind == "b":
        raise TypeError("bool is a binary label, never a class index")
    if ignore_index is not None:
        raise ValueError("ignore_index with soft labels: use sample_weight=0")
    if labels.shape != shape:
        raise ValueError(f"soft labels of shape {labels.shape} for logits of shape {shape}")
    masses = exact(labels).reshape(-1)
    return [soft_target(masses[row], row) for row in row_places(shape, axis)]


def row_shape(shape, axis):
    axis = axis % len(shape)
    return tuple(shape[:axis]) + tuple(shape[axis + 1 :])
