#!/usr/bin/env python3
"""Goldens of the scores: small prediction sets, scored by the packages that published numbers were made with.

    pip install jieba==0.42.1 rouge==1.0.1 fuzzywuzzy==0.18.0 sympy==1.13.3   (no python-Levenshtein)
    python tools/golden/score.py

Writes eval/score/jieba/testdata (a small dictionary and model of our own, and how jieba cuts text with them),
eval/score/testdata/longbench.json (every metric of LongBench; Chinese text is cut with the same small tables) and
eval/score/maths/testdata/pairs.json (formulas that sympy made equal or different).
"""
import collections
import gzip
import io
import json
import pathlib
import pprint
import random
import re
import string
import tarfile
import warnings

warnings.simplefilter("ignore")
import jieba
import jieba.finalseg as finalseg
import sympy
from fuzzywuzzy import fuzz
from rouge import Rouge

root = pathlib.Path(__file__).resolve().parents[2] / "eval" / "score"
rng = random.Random(20410)

# Words and counts of our own.
WORDS = """的 900 是 500 在 300 了 400 我 350 我们 200 河 30 河流 60 流 25 流域 12 水 80 水面 9 面 40 图书 25 图书馆 40 馆 8 开 90 开门 14
门 35 早 20 早上 33 上 150 八 11 八点 7 点 60 大 120 大学 70 学 66 学生 88 生 50 生活 44 活 21 人 220 人工 17 人工智能 13 智能 19
研究 55 研究生 23 生命 26 命 10 起源 15 C++ 3 AI 5 红 16 红色 12 色 6 A座 2 很 130 长 45 长江 31 江 14 大桥 18 桥 7 市 40 市长 22 零 0
云 8 云深 5 深处 5 处 8 深 1""".split()  # 云/深处 is as likely as 云深/处


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def tables():
    out = root / "jieba" / "testdata"
    out.mkdir(parents=True, exist_ok=True)
    lines = ["%s %s n" % pair for pair in zip(WORDS[::2], WORDS[1::2])]
    members = {"dict.txt": "\n".join(lines) + "\n"}
    start = {"B": -0.3, "E": -3.14e100, "M": -3.14e100, "S": -1.4}
    trans = {"B": {"E": -0.5, "M": -0.9}, "E": {"B": -0.6, "S": -0.8}, "M": {"E": -0.35, "M": -1.25}, "S": {"B": -0.7, "S": -0.65}}
    chars = sorted(set("".join(w for w in WORDS[::2] if not w.isascii()) + "张李王小明杭研云深处春风不度"))
    emit = {y: {c: -round(rng.uniform(2, 12), 3) for c in chars if rng.random() < 0.8} for y in "BEMS"}
    for name, table in (("start", start), ("trans", trans), ("emit", emit)):
        head = "from __future__ import unicode_literals\n\n" if name == "emit" else ""
        text = pprint.pformat(table)
        if name == "emit":
            text = text.encode("ascii", "backslashreplace").decode()
        members["finalseg/prob_%s.py" % name] = head + "P=" + text + "\n"
        setattr(finalseg, name + "_P", table)
    jieba.setLogLevel(60)
    cutter = jieba.Tokenizer()
    cutter.FREQ, cutter.total = cutter.gen_pfdict(io.BytesIO(members["dict.txt"].encode()))
    cutter.initialized = True
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:  # laid out as the package's source archive
        for name, text in members.items():
            info = tarfile.TarInfo("jieba-0.0/jieba/" + name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    (out / "small.tar.gz").write_bytes(gzip.compress(archive.getvalue(), mtime=0))
    texts = ["", "我们的图书馆早上八点开门。", "南京市长江大桥很长", "小明在研究生命的起源", "他用C++写AI，3.5%的人 used it.\r\n第二行\t\u3000末",
             "abc.12.5%a-b_c#d&e", "零零", "人工智能", "红色的A座", "\r\n\r\r\n \x1c", "😀河é流", "1.", "....", "张小明李春风不度云深处", "云深处"]
    parts = WORDS[::2] + list("张李王小明杭云深处春风不度末第他") + [" ", "\r\n", "，", "。", ".", "%", "3.5", "12", "ab", "X", "-", "é", "\u3000"]
    texts += ["".join(rng.choice(parts) for _ in range(rng.randrange(1, 14))) for _ in range(250)]
    rows = [[t, list(cutter.cut(t))] for t in texts]
    write(out / "cuts.json", "[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n")
    return lambda text: list(cutter.cut(text))


# LongBench's metrics, from their definitions.
PUNCT = set(string.punctuation)
CHINESE = PUNCT | set("！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏")


def f1(p, a):
    same = sum((collections.Counter(p) & collections.Counter(a)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(p), same / len(a)
    return (2 * precision * recall) / (precision + recall)


def english(text):
    kept = "".join(c for c in text.lower() if c not in PUNCT)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def rouge(p, a):
    try:
        return Rouge().get_scores([p], [a], avg=True)["rouge-l"]["f"]
    except ValueError:  # nothing to compare
        return 0.0


def counted(p, a):
    found = re.findall(r"\d+", p)
    return found.count(a) / len(found) if found else 0.0


def code(p, a):
    lines = [x for x in p.lstrip("\n").split("\n") if "`" not in x and "#" not in x and "//" not in x]
    return fuzz.ratio(lines[0] if lines else "", a) / 100


def classified(p, a, classes):
    found = [c for c in classes if c in p]
    for c in found:  # as the script does it: while walking along the list
        if c in a and c != a:
            found.remove(c)
    return 1 / len(found) if a in found else 0.0


def longbench(cut):
    def chinese(text):
        words = ("".join("".join(c for c in w.lower() if c not in CHINESE).split()) for w in cut(text))
        return [w for w in words if w]

    joined = lambda text: " ".join(cut(text))
    metrics = {
        "hotpotqa": lambda p, a: f1(english(p), english(a)), "triviaqa": lambda p, a: f1(english(p), english(a)),
        "multifieldqa_zh": lambda p, a: f1(chinese(p), chinese(a)),
        "gov_report": rouge, "samsum": rouge, "dureader": lambda p, a: rouge(joined(p), joined(a)),
        "passage_count": counted,
        "passage_retrieval_en": lambda p, a: counted(p, re.search(r"Paragraph (\d+)", a)[1]),
        "passage_retrieval_zh": lambda p, a: counted(p, re.search(r"段落(\d+)", a)[1]),
        "lcc": code,
    }
    rows = []

    def add(task, pred, answers, classes=None):
        p = pred.lstrip("\n").split("\n")[0] if task in ("trec", "triviaqa", "samsum", "lsht") else pred
        one = (lambda p, a: classified(p, a, classes)) if classes else metrics[task]
        score = max([0.0] + [one(p, a) for a in answers])
        rows.append({"task": task, "pred": pred, "answers": answers, "all_classes": classes, "score": score})

    vocabulary = "the a an river Rivers runs, long_ago past The library's door. opens at eight 8 o'clock . .. A-b \t\x1c é “an” naïve the\n".split(" ") + ["\n", "..", " "]
    text = lambda n: " ".join(rng.choice(vocabulary) for _ in range(rng.randrange(n)))
    for task in ("hotpotqa", "triviaqa", "gov_report", "samsum"):
        add(task, "", ["river"])
        add(task, "The river", ["a river!", "sea"])
        add(task, "\n\nriver\nsea", ["sea"])
        add(task, "...", ["."])
        add(task, "river. . sea.\n", ["sea. river."])
        for _ in range(25):
            add(task, text(30), [text(20) for _ in range(rng.randrange(1, 3))])
    letters = WORDS[::2] + ["，", "。", " ", "3.5", ".", "\n", "（", "Ab"]
    text = lambda n: "".join(rng.choice(letters) for _ in range(rng.randrange(n)))
    for task in ("multifieldqa_zh", "dureader"):
        add(task, "", ["河流"])
        for _ in range(25):
            add(task, text(20), [text(12) for _ in range(rng.randrange(1, 3))])
    for pred in ("", "12", "There are 12 of 13", "12, 12 and 3", "twelve", "１２ 12", "012", "12.0", "Paragraph 12", "段落12 不是 13"):
        add("passage_count", pred, ["12"])
        add("passage_retrieval_en", pred, ["Paragraph 12"])
        add("passage_retrieval_zh", pred, ["段落12"])
    for n in (5, 30, 120, 199, 200, 240, 300, 400, 600):
        for symbols in ("abcxyz =().,;_01 \t", string.ascii_letters, string.ascii_letters + string.digits + "()=.", string.ascii_lowercase + "ABCD"):
            line = "".join(rng.choice(symbols) for _ in range(n))
            other = "".join(c for c in line if rng.random() < 0.85) + "".join(rng.choice(symbols) for _ in range(rng.randrange(n)))
            add("lcc", rng.choice(["", "\n", "# note\n", "```go\n", "x // y\n"]) + other + "\nmore", [line])
    add("lcc", "# only a comment", [""])
    add("lcc", "", ["return"])
    add("lcc", "    return x", ["    return x"])
    classes = ["Food", "Food and drink", "Other", "Other location", "Other location and time", "Date", "Date of birth", "Number of something"]
    for _ in range(40):
        pred = " ".join(rng.choice(classes + ["or", "food"]) for _ in range(rng.randrange(4)))
        add(rng.choice(["trec", "lsht"]), rng.choice(["", "\n"]) + pred + rng.choice(["", "\nDate"]), [rng.choice(classes)], classes)
    write(root / "testdata" / "longbench.json", "[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n")


def maths():
    x, y, k = sympy.symbols("x y k")

    def number():
        return rng.choice([sympy.Integer(rng.randrange(-20, 21)), sympy.Rational(rng.randrange(-30, 31), rng.randrange(2, 16)),
                           sympy.sqrt(rng.choice([2, 3, 5, 12, 18])), sympy.pi, sympy.I, sympy.Rational(rng.randrange(1, 100), 8)])

    def formula(depth, leaves):
        if depth == 0:
            return rng.choice(leaves)()
        a, b = formula(depth - 1, leaves), formula(depth - 1, leaves)
        return rng.choice([lambda: a + b, lambda: a * b, lambda: a - b, lambda: a / b if b != 0 else a, lambda: a**2 + b])()

    rows = []
    for n in range(240):
        leaves = [number] if n % 2 else [number, lambda: x, lambda: y, lambda: k, lambda: x**2]
        e = formula(rng.choice([1, 2, 2, 3]), leaves)
        if e.has(sympy.zoo, sympy.nan) or e.count_ops() > 40:
            continue
        same = rng.choice([sympy.expand, sympy.together, sympy.simplify, sympy.factor, sympy.nsimplify])(e)
        other = e + rng.choice([1, -1, sympy.Rational(1, 100), sympy.sqrt(2)]) * rng.choice([sympy.Integer(1), leaves[-1]()])
        if sympy.simplify(same - e) != 0 or sympy.simplify(other - e) == 0:
            continue
        show = rng.choice([sympy.latex, sympy.latex, lambda e: str(e).replace("I", "i")])
        rows.append([sympy.latex(e), show(same), True])
        rows.append([sympy.latex(e), show(sympy.together(other)), False])
        if e.is_Rational and e.q in (1, 2, 4, 5, 8, 16):
            rows.append([sympy.latex(e), "%r" % float(e), True])
            rows.append([sympy.latex(e), "%r" % (float(e) + 0.01), False])
    write(root / "maths" / "testdata" / "pairs.json", "[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


if __name__ == "__main__":
    longbench(tables())
    maths()
