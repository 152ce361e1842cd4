"""Losses of nobody in particular, as `--target own:name`: right ones, wrong ones and ones that misbehave."""

from __future__ import annotations

import os
import signal

import numpy as np


def softplus(x):
    return np.logaddexp(x, x.dtype.type(0))


class Naive:
    """Overflows."""

    def softplus(self, x):
        return np.log(1 + np.exp(x))


class WithSlopes:
    """A right function, and its derivative."""

    sign = 1

    def softplus(self, x):
        return softplus(x)

    def gradients(self, function, inputs, options):
        assert function == "softplus"
        assert options == {}
        x = inputs["x"]
        slope = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
        return {"x": self.sign * slope}


class WrongSlopes(WithSlopes):
    sign = -1


class Writes:
    """Changes its input."""

    def softplus(self, x):
        out = softplus(x)
        x += 1
        return out


class Dies:
    """Takes the process down where it finds a NaN."""

    def softplus(self, x):
        if np.isnan(x).any():
            os.kill(os.getpid(), signal.SIGKILL)
        return softplus(x)


class Polite:
    """Says what it does not have."""

    def softplus(self, x):
        if x.dtype == np.float32:
            raise NotImplementedError("single precision")
        return softplus(x)


def cross_entropy(logits, labels, reduction="mean"):
    """Textbook code: index labels along the last axis of a matrix."""
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    losses = -np.log(p[np.arange(len(labels)), labels])
    return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[reduction]
