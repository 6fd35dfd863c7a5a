#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the same work here and in other programs: same model, same text, same thread count, one after the other.

    perplexity  windows of 512 tokens: transformers float32 on CPU (eager or sdpa, the faster one is what its users get)
    llama.cpp   `llama-perplexity` on a float32 GGUF under its own protocol (score=second-half), 512 tokens a chunk
    gptq        4 bit, groups of 64, static activation order, 32 x 512 tokens of calibration: LLM Compressor's oneshot

Prints one JSON document; `ratio` is ours divided by theirs (speed: larger is better for us; GPTQ seconds: smaller is).
Runs with the Python that has the packages of requirements.txt. llama.cpp's tool is given by --llama-perplexity; its source
lies in vendor/llama.cpp of the source archive of llama-cpp-python:

    cmake -B build -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF
    cmake --build build --target llama-perplexity

Needs a quiet machine; every pair is measured --rounds times in turn and the best of each counts.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPUS = ROOT / "resources/demo/corpora/wiki.test.tokens"
HERE = pathlib.Path(__file__).resolve().parent


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{command[0]} exited {done.returncode}: {done.stderr[-2000:]}")
    return done


def ours(options, model, corpus_options, threads):
    with tempfile.TemporaryDirectory() as cache:
        command = [options.program, "evaluate", model, "--perplexity", f"corpus={CORPUS},{corpus_options}", "--threads", threads,
                   "--cache", cache, "--json", "--progress", "none"]
        report = json.loads(run(command, threads).stdout)
    return {"tokens_per_second": report["tokens_per_second"], "seconds": report["evaluate_seconds"],
            "perplexity": report["metrics"][0]["value"], "peak_memory_bytes": report["peak_memory_bytes"]}


def best(rounds, measures, key, lowest=False):
    """Measures everything in turn, `rounds` times; the best of each by `key`."""
    results = [[] for _ in measures]
    for _ in range(rounds):
        for place, measure in enumerate(measures):
            results[place].append(measure())
    choose = min if lowest else max
    return [choose(found, key=lambda result: result[key]) for found in results]


def peer_script(script, arguments, threads):
    return json.loads(run([sys.executable, script, *arguments, "--threads", threads], threads).stdout.splitlines()[-1])


def transformers_perplexity(options, threads):
    say(f"perplexity beside transformers, {threads} thread(s)")
    here, there = best(options.rounds, [
        lambda: ours(options, options.folder, f"length=512,windows={options.windows}", threads),
        lambda: peer_script(HERE / "transformers_perplexity.py", [options.folder, CORPUS, "--windows", options.windows], threads),
    ], "tokens_per_second")
    return {"threads": threads, "windows": options.windows, "ours": here, "transformers": there,
            "ratio": here["tokens_per_second"] / there["tokens_per_second"],
            "perplexity_ratio": here["perplexity"] / there["perplexity"]}


def llama_cpp(options, threads):
    """Tokens of whole chunks per second: both compute all of them and score the second half."""
    say(f"perplexity beside llama.cpp, {threads} thread(s)")
    tokens = 512 * options.windows

    def here():
        found = ours(options, options.gguf, f"length=512,windows={options.windows},score=second-half", threads)
        return {**found, "tokens_per_second": tokens / found["seconds"]}

    def theirs():
        done = run([options.llama_perplexity, "-m", options.gguf, "-f", CORPUS, "-c", 512, "--chunks", options.windows, "-t", threads,
                    "-tb", threads, "-b", 2048], threads)
        text = done.stdout + done.stderr

        def clock(line):
            """Seconds since its start, of the stamp (minutes.seconds.milliseconds.microseconds) before this line."""
            minutes, *parts = map(int, re.search(r"(\d+)\.(\d+)\.(\d+)\.(\d+) I (?:perplexity: )?" + line, text).groups())
            return 60 * minutes + sum(part / 1000**place for place, part in enumerate(parts))

        # All that it does between tokenising and its result.
        seconds = clock("Final estimate") - clock("calculating perplexity over")
        version = run([options.llama_perplexity, "--version"], threads)
        return {"tokens_per_second": tokens / seconds, "seconds": seconds,
                "perplexity": float(re.search(r"PPL = ([\d.]+)", text).group(1)),
                "version": (version.stdout + version.stderr).strip().splitlines()[0]}

    mine, other = best(options.rounds, [here, theirs], "tokens_per_second")
    return {"threads": threads, "chunks": options.windows, "ours": mine, "llama.cpp": other,
            "ratio": mine["tokens_per_second"] / other["tokens_per_second"],
            "perplexity_ratio": mine["perplexity"] / other["perplexity"]}


GPTQ = {"bits": 4, "group_size": 64}

SWEEP = """paretoscope: 1
name: peers
workload:
  kind: causal-lm
  model: {model}
  calibration: {{corpus: {corpus}, samples: {sequences}, length: 512}}
  evaluate:
    - perplexity: {{corpus: {corpus}, length: 512, windows: 1}}
pipelines:
  - [gptq: {gptq}]
"""


def gptq(options, threads):
    say(f"GPTQ beside LLM Compressor, {threads} thread(s)")

    def here():
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "sweep.yaml").write_text(SWEEP.format(model=options.folder, corpus=CORPUS, sequences=options.sequences,
                                                            gptq=json.dumps(GPTQ)))
            project = folder / "p.pscope"
            run([options.program, "--batch", folder / "sweep.yaml", "--project", project, "--jobs", 1, "--threads", threads,
                 "--cache", folder / "cache", "--json", "--progress", "none"], threads)
            trials = json.loads(run([options.program, "list", project, "--json"], threads).stdout)["trials"]
            shown = json.loads(run([options.program, "show", project, trials[-1]["id"], "--json"], threads).stdout)
        return {"seconds": find(shown, "compress_seconds")}

    def there():
        with tempfile.TemporaryDirectory() as name:
            tokens = pathlib.Path(name) / "tokens.json"
            ids = json.loads(run([options.program, "tokenize", options.folder, CORPUS, "--json"], threads).stdout)["ids"]
            tokens.write_text(json.dumps([ids[begin:begin + 512] for begin in range(0, 512 * options.sequences, 512)]))
            return peer_script(HERE.parent / "methods/peer.py", ["llmcompressor", "gptq", json.dumps(GPTQ), options.folder,
                                                                 tokens, f"{name}/out"], threads)

    mine, theirs = best(options.rounds, [here, there], "seconds", lowest=True)
    return {"threads": threads, "sequences": options.sequences, "ours": mine, "llmcompressor": theirs,
            "ratio": mine["seconds"] / theirs["seconds"]}


def find(value, key):
    """The first value of `key` anywhere in a JSON document."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            found = find(item, key)
            if found is not None:
                return found
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="a .gguf file of a llama; the work folder gets it as float32 safetensors and GGUF")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for the converted models (kept)")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/bin/paretoscope")
    parser.add_argument("--llama-perplexity", type=pathlib.Path)
    parser.add_argument("--threads", type=int, nargs="+", default=[os.cpu_count()])
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--sequences", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=["transformers", "llama.cpp", "gptq"], default=["transformers", "llama.cpp", "gptq"])
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    options.folder = options.work / "float32"
    options.gguf = options.work / "float32.gguf"
    if not options.folder.exists() or not options.gguf.exists():
        say("converting the model")
        run([sys.executable, HERE / "convert.py", options.model, options.folder, options.gguf], 2)
    result = {"schema": "paretoscope.peers/1", "cores": os.cpu_count(), "model": options.model.name}
    parts = {"transformers": transformers_perplexity, "llama.cpp": llama_cpp, "gptq": gptq}
    try:
        for name in options.only:
            if name == "llama.cpp" and not options.llama_perplexity:
                say("llama.cpp is left out: --llama-perplexity names no tool")
                continue
            result[name] = [parts[name](options, threads) for threads in options.threads]
    finally: # what was measured before a peer failed counts
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
