"""Which keys a query sees, as masks; and the two measures of laziness. Written from the definitions, position by
position, and on transformers' own attention weights: slow and plain on purpose."""

import functools
import math

import torch

FULL = dict(sink=0, recent=0, stride=0)
HIDDEN = torch.finfo(torch.float32).min


def visible(window, t, j):
    """(seen, added to the logit) of key j for the query at position t."""
    if j > t:
        return False, 0.0
    if window["recent"] == 0 or j < window["sink"] or j > t - window["recent"]:
        return True, 0.0
    stride = window["stride"]
    first = window["sink"] + stride // 2
    if stride and j >= first and (j - first) % stride == 0:
        return True, math.log(stride)
    return False, 0.0


def mask(windows, n, prompt):
    """[1][heads][n][n] additive mask. windows: one per query head. Queries before position prompt see everything."""
    return torch.stack([head_mask(w["sink"], w["recent"], w["stride"], n, prompt) for w in windows])[None]


@functools.cache
def head_mask(sink, recent, stride, n, prompt):
    m = torch.full((n, n), HIDDEN)
    for t in range(n):
        for j in range(t + 1):
            seen, bias = visible(FULL if t < prompt else dict(sink=sink, recent=recent, stride=stride), t, j)
            if seen:
                m[t, j] = bias
    return m


def hybrid_forward(model, ids, lazy, prompt):
    """Logits [n][vocab] in one pass, with every lazy (layer, KV head) behind its window from position prompt on."""
    c = model.config
    group = c.num_attention_heads // c.num_key_value_heads
    hooks = []
    for i, layer in enumerate(model.model.layers):
        heads = [FULL] * c.num_key_value_heads
        for z in lazy:
            if z["layer"] == i:
                for h in range(c.num_key_value_heads) if z["kv_head"] is None else [z["kv_head"]]:
                    heads[h] = z["window"]
        m = mask([heads[h // group] for h in range(c.num_attention_heads)], len(ids), prompt)

        def put(module, args, kwargs, m=m):
            kwargs["attention_mask"] = m
            return args, kwargs

        hooks.append(layer.self_attn.register_forward_pre_hook(put, with_kwargs=True))
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    for h in hooks:
        h.remove()
    return logits


def hybrid_decode(model, ids, lazy, prompt):
    """The same as hybrid_forward from position prompt on, by another way: a full prefill, then the lazy heads'
    keys and values are really taken out of the cache, and each token is fed alone."""
    c = model.config
    group = c.num_attention_heads // c.num_key_value_heads
    with torch.no_grad():
        out = model(torch.tensor([ids[:prompt]]), use_cache=True)
    cache = out.past_key_values
    rows = [out.logits[0, -1]]
    window = {}
    for z in lazy:
        for h in range(c.num_key_value_heads) if z["kv_head"] is None else [z["kv_head"]]:
            window[z["layer"], h] = z["window"]
    for t in range(prompt, len(ids)):
        hooks = []
        for i, layer in enumerate(model.model.layers):
            m = torch.zeros(1, c.num_attention_heads, 1, t + 1)
            for (l, h), w in window.items():
                if l != i:
                    continue
                for j in range(t + 1):
                    seen, bias = visible(w, t, j)
                    m[0, h * group:(h + 1) * group, 0, j] = bias if seen else HIDDEN
                    if not seen:  # poison: a key the window has dropped must not be able to matter
                        cache.layers[i].values[0, h, j] = 1e9
            def put(module, args, kwargs, m=m):
                kwargs["attention_mask"] = m
                return args, kwargs

            hooks.append(layer.self_attn.register_forward_pre_hook(put, with_kwargs=True))
        with torch.no_grad():
            rows.append(model(torch.tensor([[ids[t]]]), past_key_values=cache, use_cache=True).logits[0, -1])
        for hook in hooks:
            hook.remove()
    return torch.stack(rows)


def measures(model, ids, window, last, keys):
    """Lazy ratio and output error of every layer and head, for a prompt under full attention, in float64.

    keys "prompt": a query keeps the first sink and the prompt's last recent keys (causal), the same set for all queries.
    keys "query": each query keeps what its own window shows, samples with + ln stride included; only the error is given.
    """
    c = model.config
    n, heads, kv = len(ids), c.num_attention_heads, c.num_key_value_heads
    group, d = heads // kv, model.model.layers[0].self_attn.head_dim
    with torch.no_grad():
        out = model(torch.tensor([ids]), use_cache=True, output_attentions=True, output_hidden_states=True)
    queries = list(range(max(0, n - last), n))
    factor = torch.zeros(len(queries), n, dtype=torch.float64)  # what a kept weight is multiplied by, 0: dropped
    for r, t in enumerate(queries):
        for j in range(t + 1):
            if keys == "prompt":
                factor[r, j] = float(j < window["sink"] or j >= n - window["recent"])
            else:
                seen, bias = visible(window, t, j)
                factor[r, j] = math.exp(bias) if seen else 0.0
    result = dict(ratio_layer=[], ratio_head=[], error_layer=[], error_head=[])
    for i, layer in enumerate(model.model.layers):
        a = out.attentions[i][0].double()[:, queries]                        # [heads][q][n]
        v = out.past_key_values.layers[i].values[0].double()                 # [kv][n][d]
        v = v.repeat_interleave(group, dim=0)                                # [heads][n][d]
        kept = a * factor                                                    # [heads][q][n]
        mass = kept.sum(-1)                                                  # [heads][q]
        # A query before the recent keys of the prompt, with no sink, keeps nothing: its windowed output is 0.
        o_window = torch.where(mass[..., None] > 0, (kept @ v) / mass[..., None].clamp_min(1e-300), 0.0)
        diff = (a @ v - o_window).transpose(0, 1)                            # [q][heads][d]
        w = layer.self_attn.o_proj.weight.detach().double()                  # [hidden][heads*d]
        x = out.hidden_states[i][0].double()[queries]                        # [q][hidden]
        size = x.norm(dim=-1)
        whole = (diff.reshape(len(queries), heads * d) @ w.T).norm(dim=-1) / size
        per_head = []
        for h in range(kv):
            part = torch.zeros_like(diff)
            part[:, h * group:(h + 1) * group] = diff[:, h * group:(h + 1) * group]
            e = (part.reshape(len(queries), heads * d) @ w.T).norm(dim=-1) / size
            per_head.append(e.mean().item())
        result["error_layer"].append(whole.mean().item())
        result["error_head"].append(per_head)
        result["ratio_layer"].append(mass.mean().item())
        result["ratio_head"].append(mass.mean(-1).tolist())
    if keys == "query":
        del result["ratio_layer"], result["ratio_head"]
    return result


def queue(scores, full, laziest_is_highest):
    """LightTransfer-Test's priority queue: the layers in the order in which they become lazy."""
    held, popped = [], []
    for layer, s in enumerate(scores):
        held.append((s if laziest_is_highest else -s, layer))
        if len(held) > full:
            worst = max(held)
            held.remove(worst)
            popped.append(worst[1])
    return popped
