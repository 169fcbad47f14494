"""Writes the fixtures of package tokenizer: small tokenizers, one of each kind,
and what Hugging Face's tokenizers makes of difficult texts.

    python -m venv venv && venv/bin/pip install tokenizers==0.21.1
    venv/bin/python tools/golden/tokenizer.py BOOK.txt tokenizer/testdata

BOOK.txt is any plain text (the fixtures here: the first 400,000 characters of
Moby-Dick, public domain). The output depends on nothing else.
"""

import json
import os
import random
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

assert tokenizers.__version__ == "0.21.1", tokenizers.__version__

TIKTOKEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MORE = (
    "I'll say we've had it; they're DON'T O'Clock 12345 67 8 90123456.\n"
    "def f(x):\n    return {'a': x[0], \"b\": -1.5e-3}  # ok\n\n"
    "Füße, naïve café, Привет мир, γειά σου, 你好世界, こんにちは, 안녕하세요, שלום, नमस्ते\n"
) * 40

TEXTS = [
    "", " ", "  ", "   ", "\n", "\n\n", " \n", "\n ", "\t", "\t\t x", " \r\n y", "\r\n\r\n  z", "a", " a", "  a", "a ", "a  ",
    "Hello world", " Hello world", "Hello  world", "Hello   world \n\n  next", "Hello, World!", "hello\u00a0world\u2003wide\u3000x",
    "call me Ishmael. Some years ago", "The whale, the WHALE, the Whale's whaleboat",
    "I'm you're he's we'll they'd I've don't 'tis 'S 'LL 'Re 'ſ 'ſt it's'", "''s '''t ' s", "O'Neil's 'RE 'VE'D",
    "0", "7 77 777 7777 77777 777777", "1234567890", "3.14159 1,000,000 ½ ² ٣٤٥ ⅷ 一二三", "a1b22c333", " 1 12 123", "x=10**20;y=-7",
    "!?", "... --- ***", "(a)[b]{c}", "a.b.c", "http://a.b/c?d=e&f=%20", " ?!\n\n", "#!/bin/sh\n", "x !\r\n\r\ny", "«a» “b” ‘c’ — d… €5",
    "def f(x):\n    return x\n\n\nclass A:\n\tpass\n", "if a  ==  b {\n\t\tgo()\n\t}", "\n\n\n   \n\n  a", " \t \n \t x", "a\u0085b\u2028c\u000bd\u000ce",
    "Füße naïve café Ångström", "cafe\u0301 nai\u0308ve A\u030angstro\u0308m", "\u1112\u1161\u11ab\uae00 \u0915\u093c \u2126 \ufb01", "e\u0301\u0301\u0327 q\u0307\u0323",
    "Привет, мир! Нещо на Български", "γειά σου Κόσμε", "你好,世界!我想在apple工作1314151天～", "こんにちは世界、カタカナ", "안녕하세요 세계",
    "שלום עולם", "مرحبا بالعالم ١٢٣", "नमस्ते दुनिया", "สวัสดีชาวโลก", "កាន់តែពិសេសអាច",
    "😀", "a😀b", "👨\u200d👩\u200d👧 🏳️\u200d🌈 🇩🇪", "🦙🦙", "\U0001d518\U0001d52b\U0001d526 𐍈 \U000e0001",
    "\ufeffBOM", "\u0000", "a\u0000b\u0001\u001f\u007f\u0080", "\ufffd\ufffe\uffff", "\ue000 \U0010ffff", "\u200b\u200e\u202e", "zz\u0300\u0301",
    "▁", "▁▁a", " ▁ a▁b ▁", "a ▁", "<0x41>", "<0xE2><0x96>", "Ġa", "ĠĊ", "<unk>", "<s>", "</s>", "<s>hello</s>", "a<s>b</s> c <unk>d", " <s> hi </s> ",
    "<|end|>", "<|end|>hi<|end|><|end|>", "x <|end|> y", "<|end|", "<|<|end|>|>", "<|endless|>", "<|end", "[L]", "a [L] b", "  [L]  x", "\n[L]\n", "[R]", "a [R]   b", "[R] \n [L] z", "[R]  [R]", "[L] [R]",
    "[W]", "a[W]", "[W]a", "a [W] b", "_[W]", "([W])", "é[W]é", "[N]", "a[N]b", "[NÉ]", "[NE\u0301]", "x[NE\u0301] y", "[B]", "a [B] b", "  [B]  [B]  ", "tool[T]call", "[T] [T]",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababababababababababababababababababababababababababababab",
    "therefore" * 12, "antidisestablishmentarianism" * 3, "mississippi" * 9 + " x", " " * 70 + "x", "\n" * 60, "=" * 75, "-=" * 40, "ſ" * 30, "你好" * 30, "é" * 33,
    "The quick brown fox jumps over the lazy dog. " * 4,
]


def alphabet():
    return pre_tokenizers.ByteLevel.alphabet()


def train(tok, text, size, initial):
    tok.train_from_iterator(
        text.splitlines(keepends=True),
        trainers.BpeTrainer(vocab_size=size, initial_alphabet=sorted(initial), show_progress=False),
    )
    return tok


def byte_level(text, pre, size=420, initial=None, norm=None, ignore=False):
    tok = Tokenizer(models.BPE(ignore_merges=ignore))
    if norm is not None:
        tok.normalizer = norm
    tok.pre_tokenizer = pre
    tok.decoder = decoders.ByteLevel()
    return train(tok, text, size, alphabet() if initial is None else initial)


def split(number):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(TIKTOKEN % number), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])


def sentence_piece(text, normalizer, pre):
    """A SentencePiece-like BPE: pieces by rank, and every way to cut a piece
    into two as a merge, as transformers converts them."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    vocab = json.loads(train(tok, text, 360, ["▁"]).to_str())["model"]["vocab"]
    by_rank = sorted(vocab, key=vocab.get)
    pieces = [p for p in by_rank if len(p) > 1] + [p for p in by_rank if len(p) == 1]
    names = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)] + pieces
    ids = {p: i for i, p in enumerate(names)}
    merges = []
    for piece in pieces:
        cuts = [(piece[:k], piece[k:]) for k in range(1, len(piece)) if piece[:k] in ids and piece[k:] in ids]
        merges += sorted(cuts, key=lambda c: (ids[c[0]], ids[c[1]]))
    tok = Tokenizer(models.BPE(vocab=ids, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if normalizer is not None:
        tok.normalizer = normalizer
    if pre is not None:
        tok.pre_tokenizer = pre
    tok.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0),
    ])
    tok.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in ("<unk>", "<s>", "</s>")])
    tok.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tok


def special(tok, *contents):
    tok.add_special_tokens([AddedToken(c, normalized=False, special=True) for c in contents])


def legacy():
    return normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])


def make(text):
    gpt2 = byte_level(text, pre_tokenizers.ByteLevel(add_prefix_space=False))
    special(gpt2, "<|end|>")
    gpt2.post_processor = processors.ByteLevel(trim_offsets=False)
    yield "gpt2", gpt2

    smollm = byte_level(
        text,
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
        initial=[],  # characters whose bytes are not in the text are dropped
    )
    special(smollm, "<|end|>", "<s>")
    yield "smollm", smollm

    llama3 = byte_level(text, split(r"\p{N}{1,3}"), ignore=True)
    special(llama3, "<|end|>", "<s>")
    llama3.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<s> $A <|end|>", special_tokens=[("<s>", llama3.token_to_id("<s>")), ("<|end|>", llama3.token_to_id("<|end|>"))]),
    ])
    yield "llama3", llama3

    qwen2 = byte_level(text, split(r"\p{N}"), norm=normalizers.NFC())
    special(qwen2, "<|end|>")
    qwen2.add_tokens([AddedToken("[T]", normalized=False, special=False)])
    yield "qwen2", qwen2

    added = byte_level(text, pre_tokenizers.ByteLevel(add_prefix_space=False), norm=normalizers.NFC())
    added.add_special_tokens([
        AddedToken("<|end|>", normalized=False, special=True),
        AddedToken("[L]", lstrip=True, normalized=False, special=True),
        AddedToken("[R]", rstrip=True, normalized=False, special=True),
        AddedToken("[B]", lstrip=True, rstrip=True, normalized=False, special=True),
        AddedToken("[W]", single_word=True, normalized=False, special=True),
    ])
    added.add_tokens([
        AddedToken("[N]", normalized=True, special=False),
        AddedToken("[NE\u0301]", normalized=True, special=False),
        AddedToken("[T]", normalized=True, special=False, lstrip=True),
        AddedToken("<|endless", normalized=False, special=False),
    ])
    yield "added", added

    llama2 = sentence_piece(text, legacy(), None)
    yield "llama2", llama2

    mistral = sentence_piece(text, None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False))
    special(mistral, "<|end|>")
    yield "mistral", mistral

    old = sentence_piece(text, legacy(), None)  # the tokens of the first Llama 2 files
    old.add_tokens([AddedToken("[N]", normalized=True, special=False), AddedToken("[T]", normalized=True, rstrip=True, special=False)])
    yield "llama2_normalized", old


def main():
    book, out = sys.argv[1:]
    with open(book, encoding="utf-8", newline="") as f:
        text = f.read().replace("\r\n", "\n")[:400000] + MORE
    gold = {"texts": TEXTS}
    for name, tok in make(text):
        spec = json.loads(tok.to_str())
        if name in ("gpt2", "llama2"):  # the older way to write merges
            spec["model"]["merges"] = [" ".join(m) for m in spec["model"]["merges"]]
        with open(os.path.join(out, name + ".tokenizer.json"), "w", encoding="utf-8", newline="\n") as f:
            json.dump(spec, f, ensure_ascii=False, separators=(",", ":"))
            f.write("\n")
        tok = Tokenizer.from_str(json.dumps(spec))
        ids = [tok.encode(s, add_special_tokens=False).ids for s in TEXTS]
        framed = [tok.encode(s).ids for s in TEXTS[:20]]
        tok.encode_special_tokens = True
        plain = [tok.encode(s, add_special_tokens=False).ids for s in TEXTS]
        rng = random.Random(1)
        rows = []
        for _ in range(60):
            low = rng.random() < 0.5  # often bytes only
            rows.append([rng.randrange(262 if low else tok.get_vocab_size()) for _ in range(rng.randrange(1, 9))])
        gold[name] = {
            "ids": ids,
            "framed": framed,
            "plain": {i: p for i, p in enumerate(plain) if p != ids[i]},
            "decoded": [tok.decode(x, skip_special_tokens=False) for x in ids],
            "random": rows,
            "random_decoded": [tok.decode(x, skip_special_tokens=False) for x in rows],
            "random_skipped": [tok.decode(x, skip_special_tokens=True) for x in rows],
        }
    with open(os.path.join(out, "gold.json"), "w", encoding="utf-8", newline="\n") as f:
        json.dump(gold, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


main()
