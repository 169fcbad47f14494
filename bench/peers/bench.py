"""Measures llama.cpp on one thread: python bench.py MODEL.gguf DEPTHS GENERATE FLASH

Reads random tokens up to each of the depths (parted by commas), generates
GENERATE tokens there, goes back to the depth, and reads on. FLASH is 1 or 0:
llama.cpp's flash attention. Prints one JSON line per depth, in tokens per second
and per second of CPU time; the prefill of a depth is counted from token 0. The
last field is what llama.cpp was compiled for.
"""

import ctypes
import json
import random
import sys
import time

import llama_cpp as lc

BATCH = 512


@lc.llama_log_callback
def silence(level, text, data):
    pass


class Clock:
    """Adds up wall and CPU seconds of the work done inside "with"."""

    def __init__(self):
        self.wall = self.cpu = 0.0

    def __enter__(self):
        self.start = time.perf_counter(), time.process_time()

    def __exit__(self, *_):
        self.wall += time.perf_counter() - self.start[0]
        self.cpu += time.process_time() - self.start[1]


def peak():
    """The most memory resident, in bytes. getrusage would count the program that started this one."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def main(path, depths, generate, flash):
    depths = sorted(int(d) for d in depths.split(","))
    generate = int(generate)
    lc.llama_log_set(silence, ctypes.c_void_p(0))
    lc.llama_backend_init()
    model = lc.llama_model_load_from_file(path.encode(), lc.llama_model_default_params())
    if not model:
        sys.exit(f"llama.cpp does not load {path}")
    params = lc.llama_context_default_params()
    params.n_ctx = depths[-1] + generate + BATCH
    params.n_batch = params.n_ubatch = BATCH
    params.n_threads = params.n_threads_batch = 1
    params.flash_attn_type = int(flash)
    ctx = lc.llama_init_from_model(model, params)
    if not ctx:
        sys.exit("llama.cpp makes no context")
    memory = lc.llama_get_memory(ctx)
    words = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(model))
    rnd = random.Random(1)

    def feed(n):
        ids = (ctypes.c_int32 * n)(*(rnd.randrange(words) for _ in range(n)))
        if lc.llama_decode(ctx, lc.llama_batch_get_one(ids, n)) != 0:
            sys.exit("llama.cpp fails to decode")
        lc.llama_synchronize(ctx)

    feed(BATCH)  # what is done once
    lc.llama_memory_clear(memory, True)
    prefill, done = Clock(), 0
    for depth in depths:
        while done < depth:
            n = min(BATCH, depth - done)
            with prefill:
                feed(n)
            done += n
        decode = Clock()
        with decode:
            for _ in range(generate):
                feed(1)
        lc.llama_memory_seq_rm(memory, 0, depth, -1)
        print(json.dumps({
            "prompt_tokens": depth,
            "prefill_tokens_per_second": depth / prefill.wall,
            "prefill_tokens_per_cpu_second": depth / prefill.cpu,
            "decode_tokens_per_second": generate / decode.wall,
            "decode_tokens_per_cpu_second": generate / decode.cpu,
            "peak_rss_bytes": peak(),
            "kernels": lc.__version__ + " " + lc.llama_print_system_info().decode().strip(),
        }), flush=True)


main(*sys.argv[1:])
