"""Writes the small model files that the tests of weights/gguf and weights/safetensors read, with a
JSON of what is in them, using the formats' own Python packages.

    python -m venv venv && venv/bin/pip install gguf==0.19.0 safetensors==0.8.0 numpy==2.4.6
    venv/bin/python tools/golden/weights.py

Running it again gives the same bytes.
"""
import hashlib, json, math, os, struct
import numpy as np
import gguf
from gguf import GGMLQuantizationType as T, GGUFValueType as V
from safetensors.numpy import save, save_file

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "weights")
rng = np.random.default_rng(20260601)


def describe(name, type_name, shape, data):
    return {"name": name, "type": type_name, "shape": [int(d) for d in shape], "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


# ---- GGUF ----

OUT = os.path.join(ROOT, "gguf", "testdata")

# key, value, type, element type: every metadata type, arrays of each, nested arrays
META = [
    ("a.uint8", 255, V.UINT8, None), ("a.int8", -128, V.INT8, None), ("a.uint16", 65535, V.UINT16, None), ("a.int16", -32768, V.INT16, None),
    ("a.uint32", 4294967295, V.UINT32, None), ("a.int32", -2147483648, V.INT32, None), ("a.uint64", 18446744073709551615, V.UINT64, None),
    ("a.int64", -9223372036854775808, V.INT64, None), ("a.float32", 0.1, V.FLOAT32, None), ("a.float64", 0.1, V.FLOAT64, None),
    ("a.true", True, V.BOOL, None), ("a.false", False, V.BOOL, None), ("a.string", "Grüße, 世界", V.STRING, None), ("a.empty", "", V.STRING, None),
    ("b.uint8", [0, 1, 255], V.ARRAY, V.UINT8), ("b.int8", [-128, 0, 127], V.ARRAY, V.INT8), ("b.uint16", [0, 65535], V.ARRAY, V.UINT16),
    ("b.int16", [-32768, 32767], V.ARRAY, V.INT16), ("b.uint32", [0, 4294967295], V.ARRAY, V.UINT32), ("b.int32", [-2147483648, 2147483647], V.ARRAY, V.INT32),
    ("b.uint64", [0, 18446744073709551615], V.ARRAY, V.UINT64), ("b.int64", [-9223372036854775808, 9223372036854775807], V.ARRAY, V.INT64),
    ("b.float32", [0.0, -1.5, 3.0e38], V.ARRAY, V.FLOAT32), ("b.float64", [0.1, -1e300], V.ARRAY, V.FLOAT64), ("b.bool", [True, False, True], V.ARRAY, V.BOOL),
    ("b.string", ["", "a", "Ġthe", "▁日本"], V.ARRAY, V.STRING),
    ("c.nested", [[1, 2, 3], [-4], [5, 6]], V.ARRAY, V.ARRAY), ("c.deeper", [[["x", "y"], ["z"]], [["", "w"]]], V.ARRAY, V.ARRAY),
]

QUANT = [T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q4_K, T.Q5_K, T.Q6_K]


def tensors():
    """name, type, shape outermost first, bytes"""
    def floats(*shape):
        return rng.standard_normal(shape).astype(np.float32)
    yield "f32", T.F32, (3, 5), floats(3, 5).tobytes()
    yield "f16", T.F16, (2, 3, 4), floats(2, 3, 4).astype(np.float16).tobytes()
    yield "bf16", T.BF16, (7,), gguf.quantize(floats(7), T.BF16).tobytes()
    for q in QUANT:
        block, size = gguf.GGML_QUANT_SIZES[q]
        n = math.prod((2, block)) // block * size
        yield q.name.lower(), q, (2, block), rng.integers(0, 256, n, dtype=np.uint8).tobytes()
    yield "four", T.F32, (2, 1, 3, 2), floats(2, 1, 3, 2).tobytes()


def write_gguf(path, meta, tens, alignment=None, endian=gguf.GGUFEndian.LITTLE, **split):
    w = gguf.GGUFWriter(path, "golden", endianess=endian, **split)
    if alignment:
        w.add_custom_alignment(alignment)
    for key, value, t, sub in meta:
        w.add_key_value(key, value, t, sub if sub != V.ARRAY else None)
    for name, t, shape, data in tens:
        raw = np.frombuffer(data, dtype=np.uint8)
        block, size = gguf.GGML_QUANT_SIZES[t]
        if t == T.F32:
            w.add_tensor(name, np.frombuffer(data, np.float32).reshape(shape))
        elif t == T.F16:
            w.add_tensor(name, np.frombuffer(data, np.float16).reshape(shape))
        else:
            w.add_tensor(name, raw.reshape(*shape[:-1], shape[-1] // block * size), raw_dtype=t)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def meta_json(alignment=None):
    """[key, type, value]; 64-bit integers as text, floats as their bits, so that nothing is lost"""
    def plain(v, t):
        if isinstance(v, list):
            return [plain(x, t) for x in v]
        if t == V.FLOAT32:
            return "%08x" % struct.unpack("<I", struct.pack("<f", v))
        if t == V.FLOAT64:
            return "%016x" % struct.unpack("<Q", struct.pack("<d", v))
        return str(v) if type(v) is int else v
    out = [["general.architecture", "STRING", "golden"]]
    if alignment:
        out.append(["general.alignment", "UINT32", str(alignment)])
    for key, v, t, sub in META:
        leaf = sub if sub and sub != V.ARRAY else t
        name = t.name if t != V.ARRAY else "[]" + sub.name
        if sub == V.ARRAY:
            x = v
            while isinstance(x[0], list):
                x = x[0]
            leaf = V.STRING if isinstance(x[0], str) else V.INT32
            name = "[]ARRAY " + leaf.name
        out.append([key, name, plain(v, leaf)])
    return out


def make_gguf():
    os.makedirs(OUT, exist_ok=True)
    for f in os.listdir(OUT):
        if f.endswith((".gguf", ".json")):
            os.remove(os.path.join(OUT, f))
    tens = list(tensors())
    want = [describe(n, t.name, s, d) for n, t, s, d in tens]
    write_gguf(os.path.join(OUT, "all.gguf"), META, tens)
    write_gguf(os.path.join(OUT, "aligned.gguf"), META, tens, alignment=128)
    write_gguf(os.path.join(OUT, "bigendian.gguf"), META[:1], tens[:1], endian=gguf.GGUFEndian.BIG)
    write_gguf(os.path.join(OUT, "iq4_xs.gguf"), META[:1], [("blk.0.iq", T.IQ4_XS, (1, 256), bytes(gguf.GGML_QUANT_SIZES[T.IQ4_XS][1]))])
    write_gguf(os.path.join(OUT, "split.gguf"), META, tens, split_max_tensors=5)
    write_gguf(os.path.join(OUT, "nohead.gguf"), META, tens, split_max_tensors=6, small_first_shard=True)
    v2 = bytearray(open(os.path.join(OUT, "all.gguf"), "rb").read())
    v2[4] = 2  # the layout is that of version 3
    open(os.path.join(OUT, "v2.gguf"), "wb").write(v2)
    # what the reader of the package makes of it, as a check of this script
    back = gguf.GGUFReader(os.path.join(OUT, "all.gguf"))
    assert [t.name for t in back.tensors] == [w["name"] for w in want]
    assert [hashlib.sha256(t.data.tobytes()).hexdigest() for t in back.tensors] == [w["sha256"] for w in want]
    json.dump({"meta": meta_json(), "tensors": want}, open(os.path.join(OUT, "all.json"), "w"), indent=1, ensure_ascii=False)


# ---- safetensors ----

ST = os.path.join(ROOT, "safetensors", "testdata")


def bf16(a):
    return (a.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def write_st(path, tens, metadata=None):
    """With the package where numpy has the type; BF16 goes through a view of uint16, renamed in the header."""
    named = {n: (bf16(a) if t == "BF16" else a) for n, t, a in tens}
    raw = save(named, metadata)
    n = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + n])
    for name, t, a in tens:
        header[name]["dtype"] = t
    body = json.dumps(header, separators=(",", ":")).encode()
    body += b" " * (-len(body) % 8)
    open(path, "wb").write(struct.pack("<Q", len(body)) + body + raw[8 + n:])


def make_safetensors():
    os.makedirs(ST, exist_ok=True)
    a = [("embed", "F32", rng.standard_normal((4, 3)).astype(np.float32)), ("half", "F16", rng.standard_normal((2, 2, 2)).astype(np.float16)),
         ("brain", "BF16", rng.standard_normal(5).astype(np.float32)), ("odd", "F16", rng.standard_normal(3).astype(np.float16)), ("scalar", "F32", np.float32(7)),
         ("empty", "F32", np.zeros((0, 4), np.float32))]
    a = [(n, t, np.asarray(x)) for n, t, x in a]
    write_st(os.path.join(ST, "all.safetensors"), a, {"format": "pt"})
    save_file({"ids": np.arange(6, dtype=np.int64), "w": np.ones((2, 2), np.float32)}, os.path.join(ST, "int64.safetensors"))
    d = os.path.join(ST, "sharded")
    os.makedirs(d, exist_ok=True)
    shards = [a[:2], a[2:]]
    names = ["model-%05d-of-00002.safetensors" % (i + 1) for i in range(2)]
    for name, part in zip(names, shards):
        write_st(os.path.join(d, name), part, {"format": "pt"})
    total = sum((bf16(x) if t == "BF16" else x).nbytes for _, t, x in a)
    json.dump({"metadata": {"total_size": total}, "weight_map": {n: names[i] for i, part in enumerate(shards) for n, _, _ in part}},
              open(os.path.join(d, "model.safetensors.index.json"), "w"), indent=1)
    want = [describe(n, t, x.shape, (bf16(x) if t == "BF16" else x).tobytes()) for n, t, x in a]
    json.dump({"metadata": {"format": "pt"}, "tensors": want}, open(os.path.join(ST, "all.json"), "w"), indent=1)


make_gguf()
make_safetensors()
