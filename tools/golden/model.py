"""Writes model/testdata: tiny random models and what transformers computes with them. README.md beside this file;
the format is described in model/testdata/README.md. Usage: model.py FOLDER [NAME...]"""

import copy
import json
import os
import shutil
import sys
import zlib

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

import model_compared
import model_gguf
import model_lazy
from model_lazy import HIDDEN
from model_specs import SPECS, draw, tokens

transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids]), use_cache=False).logits[0]


def with_bf16_cache(model, compute):
    """The same computation with keys (after RoPE) and values rounded to bf16: what a bf16 cache costs."""
    module = sys.modules[type(model).__module__]
    plain = module.eager_attention_forward

    def rounded(self, q, k, v, *args, **kwargs):
        return plain(self, q, k.bfloat16().float(), v.bfloat16().float(), *args, **kwargs)

    module.eager_attention_forward = rounded
    try:
        return compute()
    finally:
        module.eager_attention_forward = plain


def save(folder, name, spec):
    """Writes the Hugging Face folder (and the GGUF) and returns the model as transformers loads it back."""
    config = copy.deepcopy(spec["config"])
    seed = zlib.crc32(name.encode())
    with open(f"{folder}/config.json", "w") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), attn_implementation="eager").eval()
    draw(model, seed)
    # save_pretrained writes its own config.json; the one above is kept, in the form models are published in.
    model.save_pretrained(f"{folder}/saved", max_shard_size=spec.get("shards", "1GB"))
    for file in sorted(os.listdir(f"{folder}/saved")):
        if "safetensors" in file:
            shutil.move(f"{folder}/saved/{file}", f"{folder}/{file}")
    shutil.rmtree(f"{folder}/saved")
    generation = {"bos_token_id": 1, "eos_token_id": spec.get("eos", 2)}
    with open(f"{folder}/generation_config.json", "w") as f:
        json.dump(generation, f, indent=1)
        f.write("\n")
    if spec.get("gguf"):
        model_gguf.write(f"{folder}/model.gguf", name, config, model, spec.get("eos", [2]))
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", torch_dtype=torch.float32).eval()


def check_gguf(folder, model, ids):
    """transformers' own GGUF reader must give the same tensors back (it ignores RoPE scaling, hence our config)."""
    config = model.config
    if config.model_type == "mistral":  # llama.cpp knows Mistral as llama, without a sliding window they are the same
        config = LlamaConfig(**{k: v for k, v in config.to_dict().items() if k != "model_type"})
    other = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file="model.gguf", config=config, attn_implementation="eager", torch_dtype=torch.float32,
    ).eval()
    diff = (logits(other, ids) - logits(model, ids)).abs().max().item()
    assert diff < 1e-5, f"{folder}: the GGUF read by transformers differs by {diff}"


def check_features(name, model, ids, want):
    """Everything that makes this model special must move the logits, or the golden could not fail."""
    span = (want.max() - want.min()).item()

    def moved(what, other):
        diff = (logits(other, ids) - want).abs().max().item() / span
        assert diff > 0.01, f"{name}: {what} moves the logits by {diff:.4f} of their range only"
        print(f"    without {what}: {diff:.3f} of the range")

    def rebuilt(**changes):
        config = copy.deepcopy(model.config)
        for k, v in changes.items():
            setattr(config, k, v)
        other = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
        other.load_state_dict(model.state_dict())
        return other

    def edited(match, value):
        other = copy.deepcopy(model)
        hit = 0
        for n, p in other.named_parameters():
            if match in n:
                p.data.fill_(value)
                hit += 1
        return other if hit else None

    c = model.config
    if getattr(c, "rope_scaling", None):
        moved("RoPE scaling", rebuilt(rope_scaling=None))
    if getattr(c, "sliding_window", None):
        moved("sliding window", rebuilt(sliding_window=None, layer_types=["full_attention"] * c.num_hidden_layers))
    moved("RoPE theta", rebuilt(rope_theta=c.rope_theta * 3))
    for what, match, value in [
        ("q bias", "q_proj.bias", 0), ("k bias", "k_proj.bias", 0), ("v bias", "v_proj.bias", 0),
        ("o bias", "o_proj.bias", 0), ("mlp gate bias", "gate_proj.bias", 0), ("mlp up bias", "up_proj.bias", 0),
        ("mlp down bias", "down_proj.bias", 0), ("q norm", "q_norm.weight", 1), ("k norm", "k_norm.weight", 1),
        ("input norm", "input_layernorm.weight", 1), ("last norm", "model.norm.weight", 1),
    ]:
        other = edited(match, value)
        if other is not None:
            moved(what, other)


class Goldens:
    """Collects the cases of one model; their logits go to one file, one after another."""

    def __init__(self, model):
        self.model, self.cases, self.rows, self.at = model, [], [], 0
        self.sequences = {}

    def case(self, name, sequence, count, lazy=(), prompt=0, positions=None):
        ids = self.sequences[sequence][:count]
        lazy = list(lazy)

        def run():
            return model_lazy.hybrid_forward(self.model, ids, lazy, prompt) if lazy else logits(self.model, ids)

        want = run()
        if positions is None:
            positions = list(range(prompt - 1 if lazy and prompt else 0, count))
        span = (want.max() - want.min()).item()  # the range that tolerances are stated in
        # A window that is wrong by one must show at the positions that are stored.
        for key, by in [("sink", 1), ("sink", -1), ("recent", 1), ("recent", -1), ("stride", 1)]:
            wrong = copy.deepcopy([z for z in lazy if z["window"][key] + by >= (key != "sink")
                                   and (key != "stride" or z["window"]["stride"])])
            for z in wrong:
                z["window"][key] += by
            if wrong and len(wrong) == len(lazy):
                other = model_lazy.hybrid_forward(self.model, ids, wrong, prompt)
                diff = (other - want)[positions].abs().max().item() / span
                assert diff > 0.002, f"{name}: {key} {by:+d} moves the logits by {diff:.4f} of their range only"
        if lazy and prompt:
            other = model_lazy.hybrid_decode(self.model, ids, lazy, prompt)
            diff = (other - want[prompt - 1:]).abs().max().item()
            assert diff < 2e-5 * span, f"{name}: token by token differs by {diff}"
        cost = (with_bf16_cache(self.model, run) - want)[positions].abs().max().item() / span
        assert cost < 7e-4, f"{name}: a bf16 cache moves the logits by {cost:.1e} of their range"
        kept = want[positions].numpy().astype("<f4")
        self.cases.append(dict(
            name=name, sequence=sequence, tokens=count, prompt=prompt, lazy=lazy, positions=positions,
            offset=self.at, shape=list(kept.shape), range=round(span, 4), bf16_cache_error=float(f"{cost:.2g}")))
        self.rows.append(kept)
        self.at += kept.size
        print(f"    {name}: {kept.shape[0]} rows, range {span:.2f}, bf16 cache {cost:.1e} of it")
        return want


def w(sink, recent, stride=0):
    return dict(sink=sink, recent=recent, stride=stride)


def lazies(*triples):
    return [dict(layer=layer, kv_head=head, window=window) for layer, head, window in triples]


def around(count, *edges):
    """Every ninth position, the last, and those next to each edge."""
    some = set(range(4, count, 9)) | {count - 1}
    for e in edges:
        some |= {e - 1, e, e + 1}
    return sorted(p for p in some if 0 <= p < count)


def lazy_cases(g, config, pages):
    layers, last = config["num_hidden_layers"], config["num_hidden_layers"] - 1
    n, short = 100, w(2, 20)
    everything = lambda window: lazies(*[(i, None, window) for i in range(layers)])
    # Masked from the first token on.
    g.case("stream-layer", "main", n, lazies((0, None, short)), positions=around(n, 22))
    g.case("stream-all", "main", n, everything(short), positions=around(n, 22))
    g.case("stream-heads", "main", n, lazies((0, 1, short), (last, 0, w(5, 9))), positions=around(n, 14, 22))
    g.case("stream-one", "main", n, lazies((last, None, w(0, 1))), positions=around(n, 1))
    g.case("stride-all", "main", n, everything(w(2, 20, 8)), positions=around(n, 26, 34))
    g.case("stride-mixed", "main", n, lazies((0, 0, w(4, 9, 4)), (0, 1, w(0, 16, 3)), (last, 1, short)),
           positions=around(n, 17, 19))
    # Full prefill, cut, decode.
    g.case("cut-layer", "main", n, lazies((last, None, short)), prompt=80)
    g.case("cut-heads-stride", "main", n, lazies((0, 0, w(2, 20, 8)), (last, 1, w(3, 11))), prompt=80,
           positions=list(range(79, n, 2)))
    g.case("cut-short", "main", 40, everything(short), prompt=15, positions=list(range(14, 40, 2)))
    # Windows around the border of a 128-token page.
    far = [0, 100, 127, 128, 129, 130, 131, 132, 133, 134, 140, 200, 255, 256, 257, 260, 299]
    if pages:
        for recent in (127, 128, 129):
            g.case(f"page-stream-{recent}", "long", 300, everything(w(4, recent)), positions=far)
            g.case(f"page-stride-{recent}", "long", 300, everything(w(4, recent, 8)), positions=far)
            g.case(f"page-cut-{recent}", "long", 300, lazies((0, None, w(4, recent, 8)), (last, None, w(1, recent))),
                   prompt=257, positions=list(range(256, 300, 2)) + [299])


def lazy_measures(g, config):
    """Measures under full attention; with edges: short prompts, windows that overlap, fewer queries than asked for."""
    out = []
    for sequence, count, window, last, keys in [
        ("main", 80, w(2, 20), 8, "prompt"),
        ("main", 100, w(4, 33), 32, "prompt"),
        ("main", 100, w(0, 8), 8, "prompt"),     # no sink
        ("main", 100, w(5, 4), 12, "prompt"),    # the first queries see sinks only
        ("main", 23, w(2, 20), 8, "prompt"),     # exactly one key dropped
        ("main", 22, w(2, 20), 8, "prompt"),     # exactly the window: 1 and 0
        ("main", 15, w(2, 20), 8, "prompt"),     # shorter than the window
        ("main", 5, w(2, 20), 8, "prompt"),      # fewer tokens than queries asked for
        ("main", 30, w(2, 10), 64, "prompt"),    # fewer queries than asked for, and something is dropped
        ("main", 25, w(10, 20), 8, "prompt"),    # sink and recent overlap
        ("main", 1, w(2, 20), 8, "prompt"),
        ("main", 80, w(2, 20), 8, "query"),
        ("main", 80, w(2, 20, 8), 8, "query"),
        ("main", 100, w(4, 12, 5), 43, "query"),
        ("long", 300, w(4, 127), 32, "prompt"),
        ("long", 300, w(4, 128), 32, "prompt"),
        ("long", 300, w(4, 129), 32, "prompt"),
        ("long", 300, w(4, 128, 8), 32, "query"),
    ]:
        m = model_lazy.measures(g.model, g.sequences[sequence][:count], window, last, keys)
        m = {k: json.loads(json.dumps(v), parse_float=lambda s: float(f"{float(s):.7g}")) for k, v in m.items()}
        entry = dict(sequence=sequence, tokens=count, window=window, last=last, keys=keys, **m)
        if keys == "prompt" and count > window["sink"] + window["recent"]:
            full = config["num_hidden_layers"] // 2
            entry["queue"] = dict(
                full=full, by_ratio=model_lazy.queue(m["ratio_layer"], full, True),
                by_error=model_lazy.queue(m["error_layer"], full, False))
        out.append(entry)
    return out


def make(root, name):
    spec = SPECS[name]
    print(name)
    folder = f"{root}/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    model = save(folder, name, spec)
    config = spec["config"]
    g = Goldens(model)
    seed = zlib.crc32(name.encode()) + 1
    count = 100 if spec.get("lazy") else 64
    g.sequences["main"] = tokens(seed, count, config["vocab_size"])
    if spec.get("lazy"):
        g.sequences["long"] = tokens(seed + 1, 300, config["vocab_size"])
    ids = g.sequences["main"]
    want = g.case("full", "main", count)
    check_features(name, model, ids, want)
    if spec.get("gguf"):
        check_gguf(folder, model, ids)
    golden = dict(
        model=name, architecture=config["model_type"], layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"], kv_heads=config["num_key_value_heads"],
        head_dim=config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"],
        vocab=config["vocab_size"], gguf="model.gguf" if spec.get("gguf") else None,
        eos=spec.get("eos", [2]), logits="logits.bin")
    measures = []
    if spec.get("lazy"):
        lazy_cases(g, config, spec.get("pages"))
        measures = lazy_measures(g, config)
        model_compared.write(folder, model, g.sequences)
    golden.update(sequences=g.sequences, cases=g.cases, measures=measures)
    np.concatenate([r.reshape(-1) for r in g.rows]).tofile(f"{folder}/logits.bin")
    with open(f"{folder}/golden.json", "w") as f:
        f.write("{\n")
        for i, (k, v) in enumerate(golden.items()):
            end = "," if i + 1 < len(golden) else ""
            if k in ("cases", "measures"):
                body = ",\n  ".join(json.dumps(x) for x in v)
                f.write(f' "{k}": [\n  {body}\n ]{end}\n' if v else f' "{k}": []{end}\n')
            else:
                f.write(f" {json.dumps(k)}: {json.dumps(v)}{end}\n")
        f.write("}\n")


if __name__ == "__main__":
    print("torch", torch.__version__, "transformers", transformers.__version__, "numpy", np.__version__)
    for one in sys.argv[2:] or SPECS:
        make(sys.argv[1], one)
