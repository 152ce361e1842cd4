"""Tensors whose numbers the host cannot see: none is waited for, and none is carried there or back.

Meta tensors stand for those of a GPU. They take the same way through the library, and have no numbers at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from backends import Backend
from matrix_cases import FUNCTIONS, Case, cases
from matrix_torch_call import differentiated, every, function_of, gradient_and_value, grown
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import xentropy


class Abroad(TorchDispatchMode):
    """Every operation raises that takes a tensor of the host or makes one."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = operation(*args, **(kwargs or {}))
        tensors = [x for x in tree_leaves((args, kwargs, out)) if isinstance(x, torch.Tensor)]
        assert all(x.device.type == "meta" for x in tensors), f"{operation} meets the host"
        return out


class EmptyHanded(TorchFunctionMode):
    """The functions raise that carry numbers of the host to a device: what they do there no operation shows."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert function not in (torch.tensor, torch.as_tensor, torch.asarray), f"{function} carries numbers"
        return function(*args, **(kwargs or {}))


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "forward": lambda f, leaves: f(*leaves),
    "backward": lambda f, leaves: differentiated(f, grown(leaves)),
    "func.grad": lambda f, leaves: gradient_and_value(f, leaves)(*leaves),
    "value_and_grad": lambda f, leaves: xentropy.value_and_grad(f, every(leaves))(*leaves),
    "jvp": lambda f, leaves: torch.func.jvp(f, leaves, leaves),
}

CASES = [case for function in FUNCTIONS for case in cases(function, "float32")]


@pytest.mark.backends("torch")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_meets_the_host(backend: Backend, case: Case, way: str) -> None:
    nowhere = replace(backend, asarray=lambda a: backend.asarray(a).to("meta"))
    f, leaves = function_of(nowhere, case)
    with Abroad(), EmptyHanded():
        WAYS[way](f, leaves)


MEETINGS: dict[str, Callable[[Any], Any]] = {
    "a number of the host": lambda x: x + torch.tensor(1.0),
    "a number carried there": lambda x: x + torch.tensor(1.0, device="meta"),
    "an array carried there": lambda x: x + torch.zeros(3).to("meta"),
    "an array carried back": lambda x: torch.empty(3).copy_(x),
    "an index of the host": lambda x: x[torch.asarray([0, 1])],
    "a branch": lambda x: bool(x.sum() > 0),
    "an item": lambda x: x.sum().item(),
    "a shape": lambda x: x[x > 0],
}


@pytest.mark.backends("torch")
@pytest.mark.parametrize("meeting", MEETINGS)
def test_what_meets_the_host_is_seen(backend: Backend, meeting: str) -> None:
    x = torch.ones(3, device="meta")
    with Abroad(), EmptyHanded(), pytest.raises((AssertionError, RuntimeError)):
        MEETINGS[meeting](x)


# ---------------------------------------------------------------------------------------------
# the same on a GPU, where there is one


@pytest.fixture
def no_waiting() -> Iterator[None]:
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.backends("torch:cuda")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_is_waited_for(backend: Backend, case: Case, way: str, request: pytest.FixtureRequest) -> None:
    f, leaves = function_of(backend, case)
    request.getfixturevalue("no_waiting")
    WAYS[way](f, leaves)


@pytest.mark.backends("torch:cuda")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_graph_of_the_current_stream(backend: Backend, case: Case) -> None:
    """What waits, or leaves the stream that is current, cannot be captured."""
    f, leaves = function_of(backend, case)
    leaves = tuple(grown(leaves))
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        expected = [differentiated(f, leaves) for _ in range(3)][-1]
    torch.cuda.current_stream().wait_stream(stream)
    with torch.cuda.graph(graph):
        found = differentiated(f, leaves)
    graph.replay()
    for one, other in zip(tree_leaves(found), tree_leaves(expected), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=0, equal_nan=True)
