"""Distributed tensors: two processes, whole rows in each or all rows in both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
import numpy as np, oracle, torch, xentropy
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor

rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=2)
mesh = init_device_mesh("cpu", (2,))
x = np.random.default_rng(0).normal(size=(8, 5)) * 5
y = np.arange(8) % 5
value = float(oracle.cross_entropy(x, y).value)
slope = np.asarray(oracle.gradient("cross_entropy", "logits", x, y)["logits"].value, float)
for place in (Replicate(), Shard(0)):
    logits = distribute_tensor(torch.tensor(x), mesh, [place]).requires_grad_()
    labels = distribute_tensor(torch.tensor(y), mesh, [place])
    loss = xentropy.cross_entropy(logits, labels)
    loss.backward()
    assert logits.grad.placements == (place,)
    np.testing.assert_allclose(loss.full_tensor().item(), value, rtol=1e-14)
    np.testing.assert_allclose(logits.grad.full_tensor().numpy(), slope, rtol=1e-13)
dist.destroy_process_group()
"""


@pytest.mark.backends("torch")
def test_rows_in_two_processes(backend, tmp_path):
    here = str(Path(__file__).parent)
    paths = f"import sys; sys.path[:0] = {[here, *filter(None, sys.path)]!r}\n"
    line = [sys.executable, "-c", paths + CODE]
    both = [
        subprocess.Popen([*line, str(rank), str(tmp_path / "store")], stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert all(process.returncode == 0 for process in both), errors
