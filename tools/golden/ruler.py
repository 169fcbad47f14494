"""Records of RULER's tasks for eval/task/testdata/ruler.json, and a parquet file for its maths tasks.

    python -m venv V; V/bin/pip install --no-deps lm_eval==0.4.9.1
    V/bin/pip install datasets==4.0.0 transformers==4.55.0 wonderwords==2.2.0 nltk==3.9.1 scipy==1.16.1 numpy==2.3.2 pyarrow==26.0.1
    V/bin/python tools/golden/ruler.py eval/task/testdata

lm_eval's RULER tasks are NVIDIA's scripts; their functions are called directly, so nothing is fetched.
A token is four bytes here. SQuAD and HotpotQA are two small files in the official layouts, in the same folder.
"""
import importlib.util
import json
import random
import sys
import types
from pathlib import Path

import nltk
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

nltk.data.find = lambda name: name  # no sentences are split here
root = Path(importlib.util.find_spec("lm_eval").origin).parent
for name in "lm_eval", "lm_eval.tasks", "lm_eval.tasks.ruler":  # without what else they import
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(root.joinpath(*name.split(".")[1:]))]
from lm_eval.tasks.ruler import cwe_utils, fwe_utils, niah_utils, prepare_niah, qa_utils, vt_utils  # noqa: E402

out = Path(sys.argv[1])
random.seed(1)
np.random.seed(1)


def tokenizer(text):
    return types.SimpleNamespace(input_ids=range((len(text.encode()) + 3) // 4))


def niah(name, n, haystack, k=1, v=1, q=1, key="words", value="numbers"):
    text, answers, query = prepare_niah.generate_input_output(
        n, prepare_niah.get_haystack(haystack), type_haystack=haystack, num_needle_k=k, num_needle_v=v, num_needle_q=q,
        type_needle_k=key, type_needle_v=value, template=niah_utils.TEMPLATE)
    return {"task": name, "n": n, "input": text, "outputs": answers}


records = [
    niah("niah_single_1", 9, "repeat"),
    niah("niah_multikey_2", 9, "needle"),
    niah("niah_multikey_3", 9, "needle", key="uuids", value="uuids"),
    niah("niah_multivalue", 9, "repeat", v=4),
    niah("niah_multiquery", 9, "repeat", k=4, q=4),
]

example = vt_utils.sys_vartrack_w_noise_random(tokenizer, 1, 500, incremental=5)[0]
for n in 3, 12:
    text, answers = vt_utils.generate_input_output(n, 1, 4)
    shown = vt_utils.randomize_icl(example["input"] + " " + " ".join(example["outputs"]) + "\n\n")
    records.append({"task": "vt", "n": n, "input": shown + "\n\n" + text, "outputs": answers})

for length, n in (2048, 30), (4096, 20):
    shown, text, answers = cwe_utils.generate_input_output(n, length)
    records.append({"task": "cwe", "n": n, "length": length, "input": shown + "\n" + text, "outputs": answers})
    text, answers, n = fwe_utils.generate_input_output(10**6, tokenizer, num_words=length // 5, vocab_size=length // 50)
    records.append({"task": "fwe", "n": n, "length": length, "input": text, "outputs": answers})

for task, file, read in ("qa_1", "squad.json", qa_utils.read_squad), ("qa_2", "hotpotqa.json", qa_utils.read_hotpotqa):
    qa_utils.download_json = lambda url: json.loads(Path(url).read_text())
    qas, docs = read(str(out / file))
    for index in range(len(qas)):
        text, answers = qa_utils.generate_input_output(index, 100, qas, docs)
        records.append({"task": task, "n": 100, "index": index, "input": text + " " + qa_utils.CONFIG["answer_prefix"], "outputs": answers})

(out / "ruler.json").write_text(json.dumps(records, indent=1) + "\n")

table = pa.table({"question": ["What is 6 times 7?", "How many are 1,000 and 1?"], "answer": ["6*7=42\n#### 42", "#### 1,001"]})
(out / "gsm8k" / "main").mkdir(parents=True, exist_ok=True)
pq.write_table(table, out / "gsm8k" / "main" / "test-00000-of-00001.parquet")
