"""Two readers in two languages, and the package's own, read the file to the very same bits."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xentropy_conformance.vectors import Array, Numbers, load, read

READERS = Path(__file__).resolve().parent.parent / "reader"
TEXTS = {  # of numbers that a reader can get wrong: subnormal ones, long ones, zeros, and no numbers
    "0x0.0000000000001p-1022": 2.0**-1074,
    "-0x0.8000000000001p-1022": -(2.0**-1023 + 2.0**-1074),
    "0x1.fffffffffffffp+1023": sys.float_info.max,
    "0x1.5555555555555p-2": 1 / 3,
    "0x0p+0": 0.0,
    "-0x0p+0": -0.0,
    "inf": np.inf,
    "-inf": -np.inf,
    "nan": np.nan,
}


def program(name: str) -> str:
    if name == "read.py":
        return sys.executable
    return shutil.which("node") or pytest.skip("no node")


def run(name: str, *files: Path) -> tuple[int, str, str]:
    """The exit status, the digest of the bits, and what is said of the plain cases."""
    done = subprocess.run([program(name), READERS / name, *files], capture_output=True, text=True, check=False)
    found = re.fullmatch(r"\d+ cases of the bits (\w+); (.*)\n", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return done.returncode, found[1], found[2]


def digest(vectors: Any) -> str:
    """Of all numbers as doubles, in the order of the file: inputs, then what is expected of each part."""
    bits = hashlib.sha256()

    def add(x: Array | Numbers) -> None:
        for part in (x.values,) if isinstance(x, Array) else (x.data, x.scale):
            flat = part.astype("<f8").reshape(-1)
            bits.update(np.where(np.isnan(flat), np.nan, flat).tobytes())

    for case in vectors.cases:
        hvp = case.expected.hvp
        parts = {"value": [case.expected.value], "gradients": list(case.expected.gradients.values())}
        parts |= {"sign": [case.expected.sign], "lse": [case.expected.lse]}
        parts["hvp"] = [] if hvp is None else [*hvp.direction.values(), *hvp.products.values()]
        for x in [*case.inputs.values(), *(part for name in case.raw["expected"] for part in parts[name])]:
            add(x)
    return bits.hexdigest()


@pytest.mark.parametrize("name", ["read.py", "read.mjs"])
def test_every_bit(name: str) -> None:
    """The package reads through the dtypes of the inputs: their numbers are exact in these, or this fails."""
    pytest.importorskip("ml_dtypes")
    status, bits, said = run(name)
    assert (status, bits) == (0, digest(load()))
    assert re.fullmatch(r"1\d\d of them plain, 0 wrong", said)


@pytest.mark.parametrize("name", ["read.py", "read.mjs"])
def test_hard_numbers(name: str, tmp_path: Path) -> None:
    """Written as doubles; one bit more or less in any of them is another digest."""
    file = tmp_path / "hard.json"
    numbers = {"dtype": "float64", "shape": [len(TEXTS)], "data": list(TEXTS)}
    case = {"function": "softplus", "rule": "13", "options": {}, "inputs": {"x": numbers}}
    file.write_text(json.dumps({"cases": [case]}))
    _, bits, _ = run(name, file)
    assert bits == hashlib.sha256(np.asarray(list(TEXTS.values()), "<f8").tobytes()).hexdigest()


@pytest.mark.parametrize("name", ["read.py", "read.mjs"])
def test_a_wrong_number_is_seen(name: str, tmp_path: Path) -> None:
    """A reader is a check too: a loss that is off by 1e-13 makes it fail."""
    file = tmp_path / "wrong.json"
    plain = next(case.raw for case in load().cases if case.rule == "accuracy" and is_plain(case.raw))
    value = plain["expected"]["value"]
    value = {**value, "data": [(float.fromhex(value["data"][0]) * (1 + 1e-13)).hex(), *value["data"][1:]]}
    case = {**plain, "expected": {**plain["expected"], "value": value}}
    text = json.dumps({"format": 1, "semantics": "1", "source": "", "cases": [case]})
    file.write_text(text)
    status, bits, said = run(name, file)
    assert (status, said) == (1, "1 of them plain, 1 wrong")
    assert bits == digest(read(text))


def is_plain(case: Mapping[str, Any]) -> bool:
    usual = case["function"] == "cross_entropy" and case["options"] == {"axis": -1, "reduction": "none"}
    return usual and [x["dtype"] for x in case["inputs"].values()] == ["float64", "int64"]
