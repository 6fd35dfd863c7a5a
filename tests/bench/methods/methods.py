#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every method of the catalogue once on one model; prints one JSON document.

Each method runs by itself in a fresh process with a cold cache, over the pipeline of PIPELINES (a stage that is not there
runs with its defaults): seconds of loading and compressing (what is outside evaluation), of them those inside the method
itself (`apply_seconds`: without the calibration forward and its statistics), peak memory of the worker, perplexity, bits
per parameter. Calibration is the first 32 windows of 512 tokens of train_excerpt.raw.txt, tokenised in one piece; perplexity
is that of 32 windows of 512 tokens of wiki.test.tokens. Needs a quiet machine.

With --peers the comparison of peers.py is added, with LLM Compressor and GPTQModel where that Python can import them.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import peers
import trial

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


def catalogue(options):
    """Names of the methods, those that only import left out."""
    plugins = json.loads(trial.run([options.paretoscope, "plugins", "list", "--json"]))["plugins"]
    return [plugin["id"].split("/")[-1] for plugin in plugins
            if plugin["kind"] == "stage" and not plugin["id"].startswith("bridge/")]


def methods(options):
    wanted = options.method or ["baseline", *catalogue(options)]
    results = []
    for method in wanted:
        pipeline = "[]" if method == "baseline" else PIPELINES.get(method, f"[{method}]")
        trial.say(f"{method}: {pipeline}")
        result = {"method": method, "pipeline": pipeline}
        try:
            result |= trial.measure(options, pipeline)
        except trial.Failed as problem:
            result["failed"] = str(problem)
        results.append(result)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    trial.add_options(parser)
    parser.add_argument("--method", nargs="+", help="only these; all of the catalogue and the baseline unless given")
    parser.add_argument("--peers", dest="python", metavar="PYTHON", nargs="?", const=sys.executable,
                        help="also measure LLM Compressor and GPTQModel, with this Python")
    parser.add_argument("--equal", action="store_true", help="with --peers: also ours with every setting as theirs")
    options = parser.parse_args()
    options.model = options.model.resolve()
    document = {"schema": "paretoscope.bench-methods/1", **trial.settings(options), "methods": methods(options)}
    if options.python:
        with tempfile.TemporaryDirectory() as work:
            document["peers"] = peers.compare(options, pathlib.Path(work))
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
