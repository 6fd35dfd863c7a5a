#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every method of the catalogue once on one model; prints one JSON document.

Each method runs by itself in a fresh process with a cold cache, over the pipeline of PIPELINES (a stage that is not there
runs with its defaults): seconds of loading and compressing (what is outside evaluation), of them those inside the method
itself (`apply_seconds`: without the calibration forward and its statistics), peak memory of the worker, perplexity, bits per parameter. Calibration is the first 32 windows of 512 tokens of
train_excerpt.raw.txt, tokenised in one piece; perplexity is that of 32 windows of 512 tokens of wiki.test.tokens. Needs a
quiet machine.

With --peers the same is asked of LLM Compressor and GPTQModel where that Python can import them: same weights, same
calibration tokens, seconds of their call alone, and their output measured here (stage `import`).
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPORA = ROOT / "resources/demo/corpora"
HERE = pathlib.Path(__file__).resolve().parent

# Stages that need others before them, and settings that peers have, too. Hidden sizes of small models are multiples of
# 64, not of 128.
PIPELINES = {
    "rtn": "[rtn: {bits: 4, group_size: 64}]",
    "gptq": "[gptq: {bits: 4, group_size: 64}]",
    "awq": "[awq: {bits: 4, group_size: 64}]",
    "hqq": "[hqq: {bits: 4, group_size: 64}]",
    "smoothquant": "[smoothquant, int8]",
    "pv_tuning": "[aqlm, pv_tuning]",
    "eora": "[rtn: {bits: 3, group_size: 64}, eora]",
    "slim": "[wanda: {pattern: '2:4'}, slim]",
}

# Peer, method, and the pipeline of ours that stands beside it.
PEERS = [
    ("llmcompressor", "rtn"),
    ("llmcompressor", "gptq"),
    ("llmcompressor", "awq"),
    ("llmcompressor", "wanda"),
    ("llmcompressor", "sparsegpt"),
    ("gptqmodel", "gptq"),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Failed(Exception):
    pass


def run(command, threads=None, cwd=None):
    environment = dict(os.environ, TOKENIZERS_PARALLELISM="false")
    if threads:
        environment |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment, cwd=cwd)
    if done.returncode != 0:
        raise Failed((done.stderr.strip() or done.stdout.strip())[-1000:])
    return done.stdout


def sweep_text(options, pipeline):
    return f"""paretoscope: 1
name: methods
workload:
  kind: causal-lm
  model: {options.model}
  calibration: {{corpus: {CORPORA}/train_excerpt.raw.txt, samples: {options.samples}, length: {options.length}}}
  evaluate:
    - perplexity: {{corpus: {CORPORA}/wiki.test.tokens, length: {options.length}, windows: {options.windows}}}
pipelines:
  - {pipeline}
"""


def measure(options, pipeline):
    """One trial, alone and cold."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "sweep.yaml").write_text(sweep_text(options, pipeline))
        project = folder / "p.pscope"
        report = json.loads(run([options.paretoscope, "run", folder / "sweep.yaml", "--project", project, "--cache",
                                 folder / "cache", "--artifact-limit", 1, "--jobs", 1, "--threads", options.threads,
                                 "--json", "--progress", "none"]))
        trial = report["trials"][0]
        shown = json.loads(run([options.paretoscope, "show", project, trial["id"], "--json"]))
        layers = json.loads(run([options.paretoscope, "export-table", project, "--table", "layers", "--format", "json"]))
    phases = shown["provenance"]["phases"]
    names = [column["name"] for column in layers["columns"]]
    name, value = names.index("metric"), names.index("value")
    return {
        "seconds_outside_evaluation": phases["load_seconds"] + phases["compress_seconds"],
        "compress_seconds": phases["compress_seconds"],
        "apply_seconds": sum(row[value] for row in layers["rows"] if row[name].endswith("_seconds")),
        "evaluate_seconds": phases["evaluate_seconds"],
        "peak_memory_bytes": trial["metrics"]["peak_memory_bytes"],
        "perplexity": trial["metrics"]["perplexity"],
        "bits_per_parameter": trial["metrics"]["bits_per_parameter"],
    }


def catalogue(options):
    """Names of the methods, those that only import left out."""
    plugins = json.loads(run([options.paretoscope, "plugins", "list", "--json"]))["plugins"]
    return [plugin["id"].split("/")[-1] for plugin in plugins
            if plugin["kind"] == "stage" and not plugin["id"].startswith("bridge/")]


def methods(options):
    wanted = options.method or ["baseline", *catalogue(options)]
    results = []
    for method in wanted:
        pipeline = "[]" if method == "baseline" else PIPELINES.get(method, f"[{method}]")
        say(f"{method}: {pipeline}")
        result = {"method": method, "pipeline": pipeline}
        try:
            result |= measure(options, pipeline)
        except Failed as problem:
            result["failed"] = str(problem)
        results.append(result)
    return results


def peer_version(options, package):
    try:
        return run([options.peers, "-c", f"import {package}, importlib.metadata as m; print(m.version('{package}'))"]).split()[-1]
    except (Failed, OSError) as problem:
        raise Failed(f"{options.peers} cannot import {package}: {str(problem).splitlines()[-1]}") from None


def peer(options, package, method, folder, tokens, work):
    result = {"peer": package, "method": method}
    try:
        result["version"] = peer_version(options, package)
        say(f"{package} {method}")
        out = work / f"{package}-{method}"
        answer = run([options.peers, HERE / "peer.py", package, method, folder, tokens, out, "--threads", options.threads],
                     options.threads)
        result |= json.loads(answer.splitlines()[-1])
        imported = measure(options, f"[import: {{checkpoint: {out}}}]")
        result |= {key: imported[key] for key in ("perplexity", "bits_per_parameter")}
    except Failed as problem:
        result["skipped"] = str(problem)
    return result


def peers(options):
    wanted = [(package, method) for package, method in PEERS if not options.method or method in options.method]
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        folder = work / "float32"
        try:
            if options.model.suffix == ".gguf":
                run([options.peers, ROOT / "tests/bench/peers/convert.py", options.model, folder, work / "float32.gguf"])
            else:
                folder = options.model
        except (Failed, OSError) as problem:
            why = f"the model could not be converted for them: {str(problem).splitlines()[-1]}"
            return [{"peer": package, "method": method, "skipped": why} for package, method in wanted]
        text = CORPORA / "train_excerpt.raw.txt"
        ids = json.loads(run([options.paretoscope, "tokenize", options.model, text, "--json"]))["ids"]
        tokens = work / "tokens.json"
        tokens.write_text(json.dumps([ids[begin:begin + options.length]
                                      for begin in range(0, options.samples * options.length, options.length)]))
        return [peer(options, package, method, folder, tokens, work) for package, method in wanted]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a .gguf file or a folder")
    parser.add_argument("--paretoscope", type=pathlib.Path, default=ROOT / "build/release/bin/paretoscope")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--windows", type=int, default=32)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--method", nargs="+", help="only these; all of the catalogue and the baseline unless given")
    parser.add_argument("--peers", metavar="PYTHON", nargs="?", const=sys.executable,
                        help="also measure LLM Compressor and GPTQModel, with this Python")
    options = parser.parse_args()
    options.model = options.model.resolve()
    document = {"schema": "paretoscope.bench-methods/1", "model": options.model.name, "cores": os.cpu_count(),
                "threads": options.threads, "calibration": {"samples": options.samples, "length": options.length},
                "evaluation": {"windows": options.windows, "length": options.length}, "methods": methods(options)}
    if options.peers:
        document["peers"] = peers(options)
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
