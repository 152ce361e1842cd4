"""A label check that survives torch.compile and torch.func: an operator that sees nothing but labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .._core.labels import Complaint


@torch.library.custom_op("xentropy::check_labels", mutates_args=())
def check_labels(bad: torch.Tensor, labels: torch.Tensor, name: str, words: str, classes: int | None) -> torch.Tensor:
    if bad.any():
        text = Complaint(name, words or classes)(np, labels.detach().cpu().numpy(), bad.detach().cpu().numpy())
        raise ValueError(text)
    return bad.clone()


@check_labels.register_fake
def _(bad: torch.Tensor, labels: torch.Tensor, name: str, words: str, classes: int | None) -> torch.Tensor:
    return torch.empty_like(bad)


@check_labels.register_vmap
def _(
    info: Any, in_dims: Any, bad: Any, labels: Any, name: str, words: str, classes: int | None
) -> tuple[torch.Tensor, int]:
    front = [
        x.unsqueeze(0).expand(info.batch_size, *x.shape) if d is None else x.movedim(d, 0)
        for x, d in zip((bad, labels), in_dims[:2], strict=True)
    ]
    return check_labels(*front, name, words, classes), 0
