"""The vectors without any package: every number is read, and a textbook loss is held against the plain cases."""

import hashlib
import json
import math
import struct
import sys
from pathlib import Path

DATA = Path(__file__).parent.parent / "xentropy_conformance" / "data" / "vectors.json"
PLAIN = {"function": "cross_entropy", "rule": "accuracy", "options": {"axis": -1, "reduction": "none"}}


def read(block):
    """Puts numbers in the place of their texts, and yields every list of them in the order of the file."""
    for key, x in block.items():
        if key in ("data", "scale"):
            block[key] = [float.fromhex(number) if isinstance(number, str) else float(number) for number in x]
            yield block[key]
        elif isinstance(x, dict):
            yield from read(x)


def wrong(logits, labels, value):
    """Whether log(sum exp(x_j)) - x_label is off. Without its maximum the sum keeps what is small next to 1."""
    for i, (label, truth, scale) in enumerate(zip(labels["data"], value["data"], value["scale"], strict=True)):
        row = logits["data"][i * logits["shape"][1] :][: logits["shape"][1]]
        top = row.index(max(row))
        rest = sum(math.exp(x - row[top]) for j, x in enumerate(row) if j != top)
        if abs(math.log1p(rest) - (row[int(label)] - row[top]) - truth) > 4 * 2.0**-52 * scale:
            return True
    return False


cases = json.loads(Path(*sys.argv[1:2] or [DATA]).read_text("utf-8"))["cases"]
bits = hashlib.sha256(b"".join(struct.pack(f"<{len(x)}d", *x) for case in cases for x in read(case))).hexdigest()
tried = [c for c in cases if c | PLAIN == c and [x["dtype"] for x in c["inputs"].values()][1:] == ["int64"]]
faults = sum(wrong(*c["inputs"].values(), c["expected"]["value"]) for c in tried)
print(f"{len(cases)} cases of the bits {bits}; {len(tried)} of them plain, {faults} wrong")
sys.exit(faults > 0 or not tried)
