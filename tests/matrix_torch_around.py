"""What stands around a call in torch: autocast, inference mode, checkpoints, and tensors of other kinds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import matrix_check as check
import numpy as np
import torch
from backends import Backend
from matrix_cases import Case
from matrix_recorded import hold
from matrix_torch_call import both_ways, differentiated, every, function_of, grown, summed
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils.checkpoint import checkpoint


@both_ways
def autocast(backend: Backend, case: Case, *, plain: bool) -> None:
    """Forward and backward inside: nothing is rounded to 16 bits, or differs from a call outside at all."""
    f, leaves = function_of(backend, case)
    leaves = grown(leaves)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value, gradients = differentiated(f, leaves)
    hold(backend, case, value, gradients, plain=plain)
    value_outside, gradients_outside = differentiated(f, leaves)
    for x, y in zip((value, *gradients), (value_outside, *gradients_outside), strict=True):
        assert x.dtype == y.dtype == leaves[0].dtype
        assert torch.equal(x.nan_to_num(), y.nan_to_num())


def inference_mode(backend: Backend, case: Case) -> None:
    f, leaves = function_of(backend, case)
    leaves = grown(leaves)
    with torch.inference_mode():
        value = f(*leaves)
    assert value.is_inference()
    assert value.grad_fn is None
    check.check_value(case, backend.to_numpy(value))
    with torch.inference_mode():  # of tensors that were made inside, too
        inside, leaves = function_of(backend, case)
        check.check_value(case, backend.to_numpy(inside(*leaves)))


@both_ways
def checkpointed(backend: Backend, case: Case, *, plain: bool) -> None:
    """The forward pass is run a second time in the backward pass."""
    f, leaves = function_of(backend, case)
    for reentrant in (False, True):
        runs: list[int] = []
        leaves = grown(leaves)

        def counted(*xs: Any, runs: list[int] = runs) -> Any:
            runs.append(1)
            return f(*xs)

        value = checkpoint(counted, *leaves, use_reentrant=reentrant)
        value.sum().backward()
        assert len(runs) == 2
        hold(backend, case, value, [x.grad for x in leaves], plain=plain)


# ---------------------------------------------------------------------------------------------
# other tensors


@both_ways
def meta(backend: Backend, case: Case, *, plain: bool) -> None:
    """Shapes and dtypes of value and gradients, of tensors without data."""
    nowhere = replace(backend, asarray=lambda a: backend.asarray(a).to("meta"))
    shapes_only(case, *differentiated_on(nowhere, case), device="meta")
    f, leaves = function_of(nowhere, case)
    gradients = torch.func.grad(summed(f), every(leaves))(*leaves)
    shapes_only(case, f(*leaves), gradients, device="meta")


def differentiated_on(backend: Backend, case: Case) -> tuple[Any, tuple[Any, ...]]:
    f, leaves = function_of(backend, case)
    return differentiated(f, grown(leaves))


def shapes_only(case: Case, value: Any, gradients: Any, *, device: str) -> None:
    truth = [check.value(case), *check.gradients(case).values()]
    for found, true in zip((value, *gradients), truth, strict=True):
        assert tuple(found.shape) == true.value.shape
        assert str(found.dtype) == f"torch.{case.dtype}"
        assert found.device.type == device


class Marked(torch.Tensor):
    """A subclass that adds nothing: torch's own functions of it give one of it again."""


@both_ways
def subclass(backend: Backend, case: Case, *, plain: bool) -> None:
    parameters(backend, case, plain=plain)
    marked(backend, case, plain=plain)
    fake(backend, case)


def parameters(backend: Backend, case: Case, *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    leaves = tuple(torch.nn.Parameter(x) for x in leaves)
    value, gradients = differentiated(f, leaves)
    assert type(value) is torch.Tensor
    hold(backend, case, value, gradients, plain=plain)


def marked(backend: Backend, case: Case, *, plain: bool) -> None:
    """Every array is of the subclass, labels and options too."""
    ours = replace(backend, asarray=lambda a: backend.asarray(a).as_subclass(Marked))
    value, gradients = differentiated_on(ours, case)
    own = torch.nn.functional.cross_entropy(ours.asarray(np.ones((1, 2))), ours.asarray(np.zeros(1, dtype=int)))
    assert type(value) is type(own) is Marked
    hold(
        backend, case, value.as_subclass(torch.Tensor), [g.as_subclass(torch.Tensor) for g in gradients], plain=plain
    )


def fake(backend: Backend, case: Case) -> None:
    with FakeTensorMode() as mode:
        seen = replace(backend, asarray=lambda a: mode.from_tensor(backend.asarray(a)))
        value, gradients = differentiated_on(seen, case)
    assert isinstance(value, FakeTensor)
    shapes_only(case, value, gradients, device="cpu")
