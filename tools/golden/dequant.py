#!/usr/bin/env python3
"""Writes internal/kernel/testdata/dequant.bin: blocks of every quantised format
and the float32 values that ggml's Python reference makes of them.

    python3 -m venv venv && venv/bin/pip install gguf==0.17.1 numpy==2.4.6
    venv/bin/python tools/golden/dequant.py

The file, little endian, is for each format: its name in 8 bytes, filled up with
zeros; the number of stored bytes and of values, 4 bytes each; the bytes; the
values. The bytes are random, but for the f16 scales, which are finite: the first
block's are small, the second's negative, the third's denormal.
"""

import pathlib
import struct

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

FORMATS = "Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q4_K Q5_K Q6_K F16 BF16".split()
# Where the f16 scales of a block stand.
SCALES = {"Q4_1": (0, 2), "Q5_1": (0, 2), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}
BLOCKS = 3


def main():
    rng = np.random.default_rng(20)
    out = b""
    for name in FORMATS:
        kind = GGMLQuantizationType[name]
        _, size = GGML_QUANT_SIZES[kind]
        blocks = BLOCKS if size > 2 else 64
        data = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
        if size > 2:
            for i, scale in enumerate((0.0123, -0.5, 3e-6)):
                for at in SCALES.get(name, (0,)):
                    data[i, at : at + 2] = np.array([scale * (1 + at / 5)], np.float16).view(np.uint8)
        else:  # no infinity, no NaN
            data[:, 1] &= 0xBB
        values = quants.dequantize(data, kind).astype(np.float32).ravel()
        assert np.isfinite(values).all(), name
        out += struct.pack("<8sII", name.encode(), data.size, values.size)
        out += data.tobytes() + values.tobytes()
    path = pathlib.Path(__file__).resolve().parents[2] / "internal/kernel/testdata/dequant.bin"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(out)


if __name__ == "__main__":
    main()
