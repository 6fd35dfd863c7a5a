#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times a sweep against the same trials in processes of their own; prints one JSON document.

Twelve pipelines over one model: baseline, RTN and GPTQ at 2, 3 and 4 bit, other groups, another order, another damping.
Each is first run by itself with a cold cache on all threads; then all together with a cold cache, on one worker with all
threads and on two with half of them each, for `propagate: original` and for the default. Evaluation and the rest are
apart: sums of the phases that the trials record. The numbers of equal threads must be equal. Needs a quiet machine, and
an hour or more for the defaults on two cores; --windows, --samples and --pipelines make it shorter.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPORA = ROOT / "resources/demo/corpora"

PIPELINES = [
    "[]",
    "[rtn: {bits: 2, group_size: 64}]",
    "[rtn: {bits: 3, group_size: 64}]",
    "[rtn: {bits: 4, group_size: 64}]",
    "[gptq: {bits: 2, group_size: 64, activation_order: none%s}]",
    "[gptq: {bits: 3, group_size: 64, activation_order: none%s}]",
    "[gptq: {bits: 4, group_size: 64, activation_order: none%s}]",
    "[gptq: {bits: 2, group_size: 32, activation_order: none%s}]",
    "[gptq: {bits: 3, group_size: 32, activation_order: none%s}]",
    "[gptq: {bits: 4, group_size: 32, activation_order: none%s}]",
    "[gptq: {bits: 3, group_size: 64, activation_order: static%s}]",
    "[gptq: {bits: 4, group_size: 64, activation_order: none, damping: 0.05%s}]",
]


def sweep_text(arguments, pipelines):
    return f"""paretoscope: 1
name: sharing
workload:
  kind: causal-lm
  model: {arguments.model}
  calibration: {{corpus: {CORPORA}/train_excerpt.raw.txt, samples: {arguments.samples}, length: {arguments.length}}}
  evaluate:
    - perplexity: {{corpus: {CORPORA}/wiki.test.tokens, length: {arguments.length}, windows: {arguments.windows}}}
pipelines:
""" + "".join(f"  - {pipeline}\n" for pipeline in pipelines)


def run(arguments, pipelines, jobs, threads):
    """One run with a cold cache: wall seconds, phases, metrics by pipeline."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "sweep.yaml").write_text(sweep_text(arguments, pipelines))
        project = str(folder / "p.pscope")
        started = time.monotonic()
        done = subprocess.run(
            [arguments.paretoscope, "run", str(folder / "sweep.yaml"), "--project", project, "--cache",
             str(folder / "cache"), "--jobs", str(jobs), "--threads", str(threads), "--json", "--progress", "none"],
            check=True, stdout=subprocess.PIPE, env=dict(os.environ, TMPDIR=name))
        wall = time.monotonic() - started
        result = {"wall_seconds": wall, "load_seconds": 0, "compress_seconds": 0, "evaluate_seconds": 0, "metrics": {}}
        for trial in json.loads(done.stdout)["trials"]:
            shown = json.loads(subprocess.run([arguments.paretoscope, "show", project, trial["id"], "--json"],
                                              check=True, stdout=subprocess.PIPE).stdout)
            for phase, seconds in shown["provenance"]["phases"].items():
                result[phase] += seconds
            result["metrics"][trial["pipeline"]] = [trial["metrics"]["perplexity"], trial["metrics"]["stored_bytes"]]
        return result


def summed(results):
    total = {key: sum(result[key] for result in results) for key in results[0] if key != "metrics"}
    total["metrics"] = {key: value for result in results for key, value in result["metrics"].items()}
    return total


def compared(sweep, alone, jobs):
    """Of several workers, work that runs at the same time counts by its share of the wall time."""
    evaluation = sweep["evaluate_seconds"] / jobs
    rest_alone = alone["wall_seconds"] - alone["evaluate_seconds"]
    return {"workers": jobs, **{key: sweep[key] for key in sweep if key != "metrics"},
            "wall_ratio": sweep["wall_seconds"] / alone["wall_seconds"],
            "outside_evaluation_ratio": (sweep["wall_seconds"] - evaluation) / rest_alone}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paretoscope", default=str(ROOT / "build/release/bin/paretoscope"))
    parser.add_argument("--model", required=True, help="a .gguf file or a folder")
    parser.add_argument("--threads", type=int, default=2, help="of all workers together")
    parser.add_argument("--windows", type=int, default=32)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--pipelines", type=int, nargs="*", help="numbers from 0; all by default")
    parser.add_argument("--propagate", nargs="*", default=["original", "step"], choices=["original", "step"])
    arguments = parser.parse_args()
    arguments.model = str(pathlib.Path(arguments.model).resolve())
    chosen = arguments.pipelines if arguments.pipelines else range(len(PIPELINES))

    document = {"model": pathlib.Path(arguments.model).name, "threads": arguments.threads, "windows": arguments.windows,
                "samples": arguments.samples, "length": arguments.length, "pipelines": len(chosen), "propagate": {}}
    for propagate in arguments.propagate:
        text = f", propagate: {propagate}"
        pipelines = [PIPELINES[i].replace("%s", text) for i in chosen]
        alone = summed([run(arguments, [pipeline], 1, arguments.threads) for pipeline in pipelines])
        sweeps = []
        for jobs in (1, 2):
            sweep = run(arguments, pipelines, jobs, max(1, arguments.threads // jobs))
            sweeps.append(compared(sweep, alone, jobs))
            if jobs == 1:
                sweeps[-1]["same_numbers_as_alone"] = sweep["metrics"] == alone["metrics"]
            print(f"{propagate}, {jobs} worker(s): {sweeps[-1]['wall_ratio']:.2f}", file=sys.stderr, flush=True)
        document["propagate"][propagate] = {
            "alone": {key: alone[key] for key in alone if key != "metrics"}, "sweeps": sweeps}
    json.dump(document, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
