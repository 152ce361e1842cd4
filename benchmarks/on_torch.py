"""The calls on tensors, which are views of the same arrays: ours and torch's own, eager and compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from batches import Batch
from torch.nn import functional

import xentropy

Call = Callable[[], Any]
Loss = Callable[..., Any]
torch._dynamo.config.recompile_limit = 100  # one function serves all shapes of a run


@cache
def compiled(loss: Loss, ignored: bool) -> Loss:
    # the two libraries have other defaults of ignore_index: torch's own is what a batch uses
    options = {"ignore_index": -100} if ignored else {}

    def call(x: Any, y: Any) -> Any:
        return loss(x, y, **options)

    found: Loss = torch.compile(call, fullgraph=True, dynamic=False)
    return found


def eager(loss: Loss, ignored: bool) -> Loss:
    return partial(loss, ignore_index=-100) if ignored else loss


def _forward(loss: Loss, way: Callable[[Loss, bool], Loss]) -> Callable[[Batch], Call]:
    def make(b: Batch) -> Call:
        x, y, f = torch.from_numpy(b.x), torch.from_numpy(b.y), way(loss, b.ignored > 0)
        return lambda: f(x, y)

    return make


def _both(loss: Loss, way: Callable[[Loss, bool], Loss]) -> Callable[[Batch], Call]:
    def make(b: Batch) -> Call:
        x, y, f = torch.from_numpy(b.x).requires_grad_(), torch.from_numpy(b.y), way(loss, b.ignored > 0)

        def call() -> Any:
            value = f(x, y)
            value.backward()
            gradient, x.grad = x.grad, None
            return value.detach(), gradient

        return call

    return make


OURS, THEIRS = xentropy.cross_entropy, functional.cross_entropy
OUR_BINARY, THEIR_BINARY = xentropy.binary_cross_entropy_with_logits, functional.binary_cross_entropy_with_logits

forward, both = _forward(OURS, eager), _both(OURS, eager)
torch_forward, torch_both = _forward(THEIRS, eager), _both(THEIRS, eager)
compiled_forward, compiled_both = _forward(OURS, compiled), _both(OURS, compiled)
torch_compiled_forward, torch_compiled_both = _forward(THEIRS, compiled), _both(THEIRS, compiled)

binary_forward, binary_both = _forward(OUR_BINARY, eager), _both(OUR_BINARY, eager)
torch_binary_forward, torch_binary_both = _forward(THEIR_BINARY, eager), _both(THEIR_BINARY, eager)
compiled_binary_forward, compiled_binary_both = _forward(OUR_BINARY, compiled), _both(OUR_BINARY, compiled)
torch_compiled_binary_forward = _forward(THEIR_BINARY, compiled)
torch_compiled_binary_both = _both(THEIR_BINARY, compiled)
