"""How torch differentiates and maps a call eagerly: with the rule, and with its own derivative of the formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import matrix_check as check
import numpy as np
import oracle
import torch
from backends import Backend
from matrix_cases import Case
from matrix_recorded import hold
from matrix_torch_call import beside_others, both_ways, every, function_of, gradient_and_value, grown, summed
from mpmath import mpf
from oracle_numbers import exact, sixty_digits

# ---------------------------------------------------------------------------------------------
# first order


@both_ways
def backward(backend: Backend, case: Case, *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    leaves = grown(leaves)
    value = f(*leaves)
    value.sum().backward()
    hold(backend, case, value, [x.grad for x in leaves], plain=plain)


@both_ways
def func_grad(backend: Backend, case: Case, *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    gradients, value = gradient_and_value(f, leaves)(*leaves)
    hold(backend, case, value, gradients, plain=plain)


@both_ways
def func_vjp(backend: Backend, case: Case, *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    value, pull = torch.func.vjp(f, *leaves)
    hold(backend, case, value, pull(torch.ones_like(value)), plain=plain)


@both_ways
def func_jvp(backend: Backend, case: Case, *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    along = check.direction(case)
    tangents = tuple(backend.asarray(along[name]) for name in check.wrt(case))
    value, tangent = torch.func.jvp(f, leaves, tangents)
    check.check_value(case, backend.to_numpy(value))
    check_tangent(case, backend.to_numpy(tangent), plain=plain)


@sixty_digits
def check_tangent(case: Case, found: np.ndarray, *, plain: bool) -> None:
    """The sum of a tangent is the gradient times the direction; the bars of its terms add up."""
    true = bar = mpf(0)
    for name, gradient in check.gradients(case).items():
        along = check.direction(case)[name]
        terms = zip(
            *(exact(x).flat for x in (along, gradient.value, check.bars(case, gradient, plain=plain))), strict=True
        )
        for step, slope, size in terms:
            if step != 0:  # nothing goes through what is not moved, a derivative that is infinite among it
                true, bar = true + slope * step, bar + size * abs(step)
    assert found.dtype.name == case.dtype
    assert abs(sum(exact(found).flat, mpf(0)) - true) <= bar, f"{case}: {found}, not {true}"


@both_ways
def jacrev(backend: Backend, case: Case, *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    whole(backend, case, torch.func.jacrev(f, every(leaves))(*leaves), plain)


@both_ways
def jacfwd(backend: Backend, case: Case, *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    whole(backend, case, torch.func.jacfwd(f, every(leaves))(*leaves), plain)


def whole(backend: Backend, case: Case, jacobians: Any, plain: bool) -> None:
    """The gradient of the sum is the sum of the Jacobian's rows."""
    f, leaves = function_of(backend, case)
    value = f(*leaves)
    rows = tuple(range(value.ndim))
    hold(backend, case, value, [j.sum(rows) if rows else j for j in jacobians], plain=plain)


# ---------------------------------------------------------------------------------------------
# maps


@both_ways
def vmap(backend: Backend, case: Case, *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    values = torch.func.vmap(f)(*beside_others(leaves))
    for k in (0, 2):
        check.check_value(case, backend.to_numpy(values[k]))


@both_ways
def vmap_grad(backend: Backend, case: Case, *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    stacked = beside_others(leaves)
    gradients = torch.func.vmap(torch.func.grad(summed(f), every(leaves)))(*stacked)
    values = torch.func.vmap(f)(*stacked)
    for k in (0, 2):
        hold(backend, case, values[k], [g[k] for g in gradients], plain=plain)


# ---------------------------------------------------------------------------------------------
# second order, and finite differences


MODES = (torch.func.jacfwd, torch.func.jacrev)


@both_ways
def hessian(backend: Backend, case: Case, *, plain: bool) -> None:
    """Forward over reverse is `torch.func.hessian`; the three others are held to the same."""
    f, leaves = function_of(backend, case)
    argnums = every(leaves)
    for outer, inner in product(MODES, repeat=2):
        times_direction(backend, case, outer(inner(summed(f), argnums), argnums)(*leaves))


def times_direction(backend: Backend, case: Case, blocks: Any) -> None:
    steps = [backend.asarray(check.direction(case)[name]) for name in check.wrt(case)]

    def contracted(block: Any, step: Any) -> Any:
        # what cannot be moved has no say, whatever the derivative there
        terms = (block * step).where(step != 0, 0.0)
        return terms.sum(tuple(range(block.ndim - step.ndim, block.ndim))) if step.ndim else terms

    products = [sum(map(contracted, row, steps)) for row in blocks]
    check.check_curvature(case, dict(zip(check.wrt(case), map(backend.to_numpy, products), strict=True)))


def movable(case: Case) -> list[np.ndarray]:
    """What a finite difference can move: not an infinity, a label of 0 at a removed class, a weight of 0 over
    NaN (all of them stay where they are in `check.direction`), or a number nearer to the end of its range
    than the step."""
    positional = oracle.FUNCTIONS[case.function][1]
    out = []
    for name in check.wrt(case):
        x = case.args[positional.index(name)] if name in positional else case.named[name]
        stuck = ~np.isfinite(x) | (check.direction(case)[name] == 0)
        if name in ("probs", "y"):
            stuck |= (np.abs(x) < 1e-5) | (np.abs(1 - x) < 1e-5)
        out.append(~stuck)
    return out


def moved(backend: Backend, case: Case) -> tuple[Callable[..., Any], list[torch.Tensor]]:
    """The function of the movable numbers alone, as finite differences want it."""
    f, leaves = function_of(backend, lowered(case))
    masks = [backend.asarray(m) for m in movable(case)]
    fixed = [x.where(~m, 0.0) for x, m in zip(leaves, masks, strict=True)]
    # as a product, whose derivatives of every order torch knows (those of masked_scatter are wrong in forward mode)
    places = [torch.eye(m.numel(), dtype=x.dtype)[m.flatten()] for x, m in zip(leaves, masks, strict=True)]
    finite = torch.isfinite(f(*leaves))

    def g(*free: Any) -> Any:
        out = f(*(x + (y @ p).reshape(x.shape) for x, y, p in zip(fixed, free, places, strict=True)))
        return out[finite]  # infinity less infinity is no difference

    return g, grown(tuple(x[m] for x, m in zip(leaves, masks, strict=True)))


def lowered(case: Case) -> Case:
    """With a z-loss, whose lse^2 has no digits left at 3e3 for a difference, large rows nearer to 0."""
    if "z_loss" not in case.named:
        return case
    x, *others = case.args
    top = np.where(np.isfinite(x), x, 0.0).max(axis=-1, keepdims=True)
    return replace(case, args=(np.where(top > 1e3, x - top, x), *others))


def gradcheck(backend: Backend, case: Case) -> None:
    g, free = moved(backend, case)
    assert torch.autograd.gradcheck(g, free, check_batched_grad=True)


def forward_gradcheck(backend: Backend, case: Case) -> None:
    g, free = moved(backend, case)
    forward = {"check_forward_ad": True, "check_backward_ad": False, "check_batched_forward_grad": True}
    assert torch.autograd.gradcheck(g, free, **forward)


def gradgradcheck(backend: Backend, case: Case) -> None:
    g, free = moved(backend, case)
    assert torch.autograd.gradgradcheck(g, free, check_fwd_over_rev=True)
