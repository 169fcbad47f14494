"""Compares every model.gguf with llama.cpp: a second opinion on the GGUF layout and on RoPE scaling read from metadata.
Optional, writes nothing. Needs numpy and llama-cpp-python (compiled). Usage: model_check_llamacpp.py model/testdata"""

import glob
import json
import os
import sys

import llama_cpp
import numpy as np

worst = 0.0
for index in sorted(glob.glob(f"{sys.argv[1]}/*/golden.json")):
    folder = os.path.dirname(index)
    with open(index) as f:
        golden = json.load(f)
    if not golden["gguf"]:
        continue
    case = golden["cases"][0]
    ids = golden["sequences"][case["sequence"]][:case["tokens"]]
    want = np.fromfile(f"{folder}/{golden['logits']}", dtype="<f4", count=len(ids) * golden["vocab"])
    want = want.reshape(len(ids), golden["vocab"])

    params = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(f"{folder}/{golden['gguf']}".encode(), params)
    cp = llama_cpp.llama_context_default_params()
    cp.n_ctx, cp.n_batch, cp.n_ubatch, cp.n_threads, cp.n_threads_batch = 512, 512, 512, 1, 1
    cp.type_k = cp.type_v = 0  # float32 keys and values
    context = llama_cpp.llama_init_from_model(model, cp)
    batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
    batch.n_tokens = len(ids)
    for i, t in enumerate(ids):
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = t, i, 1, 1
        batch.seq_id[i][0] = 0
    assert llama_cpp.llama_decode(context, batch) == 0
    got = np.stack([np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, i), (golden["vocab"],)).copy()
                    for i in range(len(ids))])
    diff = np.abs(got - want).max() / case["range"]
    worst = max(worst, diff)
    print(f"{golden['model']}: largest difference {diff:.1e} of the range")
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
sys.exit(1 if worst > 1e-3 else 0)
