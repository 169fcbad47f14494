"""The tiny random models: one table of configurations, and how their weights are drawn.

A few thousand weights each. Nothing in them is trained; they only have to
make every part of the computation visible in the logits (model.py checks that it is).
"""

import numpy as np
import torch

def llama(**changes):
    config = dict(
        architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", vocab_size=64,
        hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        max_position_embeddings=512, rms_norm_eps=1e-5, rope_theta=10000.0, rope_scaling=None,
        attention_bias=False, mlp_bias=False, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
        torch_dtype="float32",
    )
    config.update(changes)
    return config


def mistral(**changes):
    config = llama(architectures=["MistralForCausalLM"], model_type="mistral", sliding_window=None)
    for key in ("attention_bias", "mlp_bias", "rope_scaling"):
        del config[key]
    config.update(changes)
    return config


def qwen2(**changes):
    config = llama(
        architectures=["Qwen2ForCausalLM"], model_type="qwen2", rms_norm_eps=1e-6, rope_theta=1000000.0,
        use_sliding_window=False, sliding_window=128, max_window_layers=2,
    )
    for key in ("attention_bias", "mlp_bias", "rope_scaling"):
        del config[key]
    config.update(changes)
    return config


def qwen3(**changes):
    config = qwen2(
        architectures=["Qwen3ForCausalLM"], model_type="qwen3", attention_bias=False,
        use_sliding_window=False, sliding_window=None, max_window_layers=4,
    )
    config.update(changes)
    return config


# name -> config; gguf: write one too; lazy: has lazy cases and measures, pages: also long ones around page borders;
# eos: what generation_config.json says; shards: largest shard. Sizes are small because the files are in the repository;
# some are no multiple of 16 or 32 on purpose.
SPECS = {
    "llama-gqa": dict(
        config=llama(vocab_size=96, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
                     tie_word_embeddings=True),
        gguf=True, lazy=True, pages=True),
    "llama-mha": dict(config=llama(num_key_value_heads=2, intermediate_size=40, vocab_size=70), gguf=True),
    "llama-bias": dict(config=llama(num_hidden_layers=1, attention_bias=True, mlp_bias=True), gguf=True, shards="20KB"),
    "llama-headdim": dict(config=llama(num_hidden_layers=1, hidden_size=40, head_dim=32)),
    "llama-linear": dict(config=llama(num_hidden_layers=1, rope_scaling={"type": "linear", "factor": 4.0}), gguf=True),
    "llama-llama3": dict(
        config=llama(
            vocab_size=96, num_key_value_heads=2, rope_theta=1000.0, eos_token_id=[2, 5, 7],
            rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                          "original_max_position_embeddings": 64}),
        gguf=True, lazy=True, eos=[2, 5, 7]),
    "llama-yarn": dict(
        config=llama(
            num_hidden_layers=1, head_dim=32, rope_theta=1000.0, max_position_embeddings=4096,
            rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024}),
        gguf=True),
    "mistral": dict(config=mistral(num_hidden_layers=1, num_attention_heads=1, head_dim=64), gguf=True),
    "mistral-sliding": dict(config=mistral(sliding_window=24)),
    "qwen2": dict(
        config=qwen2(vocab_size=96, hidden_size=64, intermediate_size=16, num_attention_heads=4, num_key_value_heads=2,
                     tie_word_embeddings=True),
        gguf=True, lazy=True),
    "qwen2-sliding": dict(
        config=qwen2(num_hidden_layers=3, use_sliding_window=True, sliding_window=24, max_window_layers=1)),
    "qwen2-yarn": dict(
        config=qwen2(
            num_hidden_layers=1, rope_theta=1000.0, max_position_embeddings=256,
            rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256}),
        gguf=True),
    "qwen3": dict(
        config=qwen3(vocab_size=96, intermediate_size=16, num_hidden_layers=4, num_attention_heads=4,
                     num_key_value_heads=2, head_dim=16, tie_word_embeddings=True),
        gguf=True, lazy=True, pages=True),
}


def draw(model, seed):
    """Fills a model with random weights; seed and tensor name fix every number."""
    rng = np.random.default_rng(seed)
    for name, p in sorted(model.named_parameters()):
        x = rng.standard_normal(tuple(p.shape))
        if name.endswith("norm.weight"):
            x = 1 + 0.2 * x
        elif name.endswith(".bias"):
            x = 0.5 * x
        elif "embed_tokens" in name:
            pass  # std 1: the residual stream is not drowned by the first attention
        elif "q_proj" in name or "k_proj" in name:
            x = 1.2 * x / np.sqrt(p.shape[1])  # logits of std 1.2^2 before the softmax: far from uniform
        elif "o_proj" in name:
            # Keeps the cost of a bf16 cache (rounded keys and values) well below a thousandth of the logits' range.
            x = (0.35 if model.config.tie_word_embeddings else 0.2) * x / np.sqrt(p.shape[1])
        else:
            x = x / np.sqrt(p.shape[1])
        p.data = torch.from_numpy(x.astype(np.float32))
    model.tie_weights()


def tokens(seed, n, vocab):
    """Ids with repeats: half fresh, half taken from earlier in the sequence, so that attention has something to find."""
    rng = np.random.default_rng(seed)
    ids = []
    for i in range(n):
        if i > 8 and rng.random() < 0.5:
            ids.append(ids[int(rng.integers(i))])
        else:
            ids.append(int(rng.integers(3, vocab)))
    return ids
