"""Writes a tiny model as GGUF, laid out the way llama.cpp's own converter does it."""

import math

import gguf
import numpy as np

NAMES = {  # after "model.layers.N." -> after "blk.N."
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}
OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def permute(w, heads):
    """Rows of each head from rotate-half order (i, i+d/2) to interleaved pairs (2i, 2i+1): weights and biases."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def llama3_factors(config, head_dim):
    """What each RoPE frequency is divided by: the tensor rope_freqs.weight."""
    s = config["rope_scaling"]
    old, factor = s["original_max_position_embeddings"], s["factor"]
    low, high = s["low_freq_factor"], s["high_freq_factor"]
    out = []
    for i in range(0, head_dim, 2):
        wave = 2 * math.pi * config["rope_theta"] ** (i / head_dim)
        if wave < old / high:
            out.append(1.0)
        elif wave > old / low:
            out.append(factor)
        else:
            smooth = (old / wave - low) / (high - low)
            out.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(out, dtype=np.float32)


def write(path, name, config, model, eos):
    arch = {"mistral": "llama"}.get(config["model_type"], config["model_type"])
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    w = gguf.GGUFWriter(path, arch)
    w.add_name(name)
    w.add_file_type(gguf.LlamaFileType.ALL_F32)
    w.add_context_length(config["max_position_embeddings"])
    w.add_embedding_length(config["hidden_size"])
    w.add_block_count(config["num_hidden_layers"])
    w.add_feed_forward_length(config["intermediate_size"])
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    w.add_layer_norm_rms_eps(config["rms_norm_eps"])
    w.add_rope_freq_base(config["rope_theta"])
    w.add_vocab_size(config["vocab_size"])
    if arch == "llama":
        w.add_rope_dimension_count(head_dim)
    if config.get("head_dim"):
        w.add_key_length(head_dim)
        w.add_value_length(head_dim)
    scaling = config.get("rope_scaling") or {}
    kind = scaling.get("rope_type", scaling.get("type"))
    if kind == "linear":
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(scaling["factor"])
    elif kind == "yarn":
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(scaling["factor"])
        w.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
    w.add_tokenizer_model("none")
    w.add_bos_token_id(config["bos_token_id"])
    w.add_eos_token_id(eos[0])
    if len(eos) > 1:
        w.add_eot_token_id(eos[1])
    if kind == "llama3":
        w.add_tensor("rope_freqs.weight", llama3_factors(config, head_dim))
    state = dict(model.state_dict())
    if config["tie_word_embeddings"]:
        state.pop("lm_head.weight", None)
    for key in sorted(state):
        x = state[key].numpy()
        stem, suffix = key.rsplit(".", 1)
        if stem in OUTER:
            out = OUTER[stem]
        else:
            _, _, layer, part = stem.split(".", 3)
            out = f"blk.{layer}.{NAMES[part]}"
            if arch == "llama" and part == "self_attn.q_proj":
                x = permute(x, heads)
            if arch == "llama" and part == "self_attn.k_proj":
                x = permute(x, kv)
        w.add_tensor(f"{out}.{suffix}", np.ascontiguousarray(x))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
