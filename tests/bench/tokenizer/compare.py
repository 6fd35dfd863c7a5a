#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokenises a corpus with Paretoscope and with the PyPI package "tokenizers", one thread each, and prints both times.

    cmake --build BUILD --target bench_tokenizer
    tests/bench/tokenizer/compare.py BUILD/bench/bench_tokenizer [--corpus FILE] [--repeats N] [FOLDER ...]

Each FOLDER holds a tokenizer.json; by default those of tests/data/parity/tokenizers. The package is installed into a
virtual environment in a temporary folder that goes when the script ends. The ids of both must be equal.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parents[3]
REFERENCE = r"""
import hashlib, json, os, struct, sys, time
import tokenizers
folder, corpus, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
text = open(corpus, encoding="utf-8", newline="").read()
start = time.perf_counter()
tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
load = time.perf_counter() - start
def once(encode):
    start = time.perf_counter()
    result = encode()
    return time.perf_counter() - start, result
first, encoding = once(lambda: tokenizer.encode(text, add_special_tokens=False))
ids = encoding.ids
best = first
for _ in range(repeats - 1):
    best = min(best, once(lambda: tokenizer.encode(text, add_special_tokens=False))[0])
    best = min(best, once(lambda: tokenizer.encode_batch_fast([text], add_special_tokens=False))[0])  # without offsets
decode = min(once(lambda: tokenizer.decode(ids, skip_special_tokens=False))[0] for _ in range(repeats))
digest = hashlib.sha256(struct.pack("<%di" % len(ids), *ids)).hexdigest()
print(json.dumps({"version": tokenizers.__version__, "tokens": len(ids), "ids_sha256": digest, "load_seconds": load,
                  "first_seconds": first, "best_seconds": best, "decode_seconds": decode}))
"""


def run(command):
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
    done = subprocess.run([str(part) for part in command], env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built bench_tokenizer")
    parser.add_argument("--corpus", default=ROOT / "resources/demo/corpora/wiki.test.tokens")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("folders", nargs="*", help="folders with a tokenizer.json")
    options = parser.parse_args()
    folders = options.folders or sorted(
        path.parent for path in (ROOT / "tests/data/parity/tokenizers").glob("*/tokenizer.json"))
    equal = True
    with tempfile.TemporaryDirectory() as place:
        venv.create(place, with_pip=True)
        python = pathlib.Path(place) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "tokenizers"], check=True)
        for folder in folders:
            ours = run([options.program, folder, options.corpus, options.repeats])
            theirs = run([python, "-c", REFERENCE, folder, options.corpus, options.repeats])
            same = ours["ids_sha256"] == theirs["ids_sha256"]
            equal = equal and same
            ratio = {key: round(theirs[key] / ours[key], 2)
                     for key in ("load_seconds", "first_seconds", "best_seconds", "decode_seconds")}
            print(json.dumps({"tokenizer": pathlib.Path(folder).name, "corpus": pathlib.Path(options.corpus).name,
                              "threads": 1, "same_ids": same, "ours": ours, "reference": theirs,
                              "times_faster": ratio}), flush=True)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
