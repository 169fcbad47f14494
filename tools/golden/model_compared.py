"""What the methods that LightTransfer is compared with measure, on transformers' own hidden states and attention
weights: the cosine of SqueezeAttention, the votes of SnapKV and what it picks, the distances of MiniCache and what it
retains; and the logits of a decode that sees what was picked, or merged."""

import json

import torch

CASES = [("main", 80, 8), ("main", 100, 32), ("long", 300, 32)]


def cosines(model, ids):
    """[layer] of the residual stream before and after attention is added to it, the mean over the tokens."""
    before, after, hooks = [], [], []
    for layer in model.model.layers:
        hooks.append(layer.input_layernorm.register_forward_pre_hook(lambda m, a: before.append(a[0])))
        hooks.append(layer.post_attention_layernorm.register_forward_pre_hook(lambda m, a: after.append(a[0])))
    with torch.no_grad():
        model(torch.tensor([ids]), use_cache=False)
    for h in hooks:
        h.remove()
    return [torch.cosine_similarity(a[0].double(), b[0].double(), dim=-1).mean().item() for a, b in zip(before, after)]


def votes(model, ids, last):
    """[layer][kv head][key before the last queries]: their weights, summed over them and over the heads of a group."""
    kv = model.config.num_key_value_heads
    with torch.no_grad():
        out = model(torch.tensor([ids]), output_attentions=True)
    result = []
    for a in out.attentions:
        a = a[0].double()[:, -last:, :-last]  # [heads][last][keys]
        result.append(a.reshape(kv, -1, a.shape[-1]).sum(1).tolist())
    return result


def picks(votes, count, kernel):
    """[layer][kv head][count] positions: the most votes, the maximum of kernel neighbours each, as SnapKV has it."""
    result = []
    for layer in votes:
        pooled = torch.nn.functional.max_pool1d(torch.tensor(layer), kernel, stride=1, padding=kernel // 2)
        result.append(pooled.topk(count, dim=-1).indices.sort(-1).values.tolist())
    return result


def decode(model, ids, prompt, start, picked):
    """Logits [after prompt][vocab] when what comes after the prompt sees only picked keys and all from start on."""
    group = model.config.num_attention_heads // model.config.num_key_value_heads
    n, hooks = len(ids), []
    causal = torch.ones(n, n).tril().bool()
    for i, layer in enumerate(model.model.layers):
        seen = causal.repeat(model.config.num_attention_heads, 1, 1)
        for head in range(len(seen)):
            gone = [j for j in range(start) if j not in picked[i][head // group]]
            seen[head][prompt:, gone] = False
        mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[None]

        def put(module, args, kwargs, mask=mask):
            kwargs["attention_mask"] = mask
            return args, kwargs

        hooks.append(layer.self_attn.register_forward_pre_hook(put, with_kwargs=True))
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0, prompt:]
    for h in hooks:
        h.remove()
    return logits.tolist()


def slerp(x, y, t):
    """The unit vector at t of the arc between the directions of x and y, [..., d], and the angle as a share of a half turn."""
    x, y = x / x.norm(dim=-1, keepdim=True), y / y.norm(dim=-1, keepdim=True)
    angle = torch.arccos((x * y).sum(-1, keepdim=True).clamp(-1, 1))
    return (torch.sin((1 - t) * angle) * x + torch.sin(t * angle) * y) / torch.sin(angle), angle[..., 0] / torch.pi


def merge(model, ids, whole, t, gamma):
    """Of the last two layers, merged as MiniCache does over the first whole tokens: distances of keys and of values and
    retained positions [kv head][...], and the logits after each of five tokens fed after ids."""
    with torch.no_grad():
        cache = model(torch.tensor([ids[:-5]]), use_cache=True).past_key_values
    lower, upper = cache.layers[-2], cache.layers[-1]
    far, distances = None, []
    for name in "keys", "values":
        x, y = getattr(lower, name)[0, :, :whole].double(), getattr(upper, name)[0, :, :whole].double()
        _, d = slerp(x, y, t)
        low, high = d.amin(-1, keepdim=True), d.amax(-1, keepdim=True)
        distances.append(d.tolist())
        far = (d > high - gamma * (high - low)) | (far if far is not None else False)
    for name in "keys", "values":
        x, y = getattr(lower, name)[0, :, :whole], getattr(upper, name)[0, :, :whole]
        e, _ = slerp(x.double(), y.double(), t)
        for z in x, y:
            z.copy_(torch.where(far[..., None], z, (e * z.double().norm(dim=-1, keepdim=True)).float()))
    logits = []
    for one in ids[-5:]:
        with torch.no_grad():
            logits.append(model(torch.tensor([[one]]), past_key_values=cache, use_cache=True).logits[0, -1].tolist())
    retained = [[i for i in range(whole) if row[i]] for row in far.tolist()]
    return dict(whole=whole, t=t, gamma=gamma, key_distances=distances[0], value_distances=distances[1], retained=retained,
                logits=logits)


def short(x):
    return json.loads(json.dumps(x), parse_float=lambda s: float(f"{float(s):.5g}"))


def write(folder, model, sequences):
    cases = []
    for sequence, tokens, last in CASES:
        ids = sequences[sequence][:tokens]
        v = votes(model, ids, last)
        kept = picks(v, tokens // 4, 7)
        more = ids + sequences["main"][:5]
        cases.append(dict(sequence=sequence, tokens=tokens, last=last, cosine=short(cosines(model, ids)), votes=short(v),
                          picks=kept, then=more[tokens:], logits=short(decode(model, more, tokens, tokens - last, kept))))
        if tokens > 128:
            cases[-1]["merged"] = short(merge(model, more, tokens // 128 * 128, 0.6, 0.3))
    with open(f"{folder}/compared.json", "w") as f:
        f.write("[\n " + ",\n ".join(json.dumps(c) for c in cases) + "\n]\n")
