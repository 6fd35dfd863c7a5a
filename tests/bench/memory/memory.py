#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds a model of 1.2 B parameters within a memory budget; prints one JSON document.

Makes a random Llama (2.4 GB of bfloat16, once, in --folder), evaluates it and compresses it with GPTQ at 4 bit, with the
budget and without, each in a fresh process with a cold cache. Reports peak resident memory of the worker (mapped pages
counted), what the estimate said before, whether the numbers are equal, and the slow-down. Needs 12 GiB of memory for the
unlimited runs, 8 GB of disk and, to time anything, a quiet machine.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPORA = ROOT / "resources/demo/corpora"

SWEEP = """paretoscope: 1
name: memory
workload:
  kind: causal-lm
  model: {model}
  calibration: {{corpus: {corpora}/train_excerpt.raw.txt, samples: 8, length: 512}}
  evaluate:
    - perplexity: {{corpus: {corpora}/wiki.test.tokens, length: 512, windows: 8}}
pipelines:
  - []
  - [gptq: {{bits: 4, group_size: 128}}]
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


def call(command, environment):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} exited {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def make_model(build, folder, layers):
    model = folder / f"random-llama-{layers}"
    if not (model / "config.json").exists():
        say(f"writing {model}")
        call([build / "bench/make_llama", model, layers], None)
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            shutil.copy(ROOT / "resources/models/tiny-llama" / name, model)
    return model


class Bench:
    def __init__(self, options, model):
        self.program = options.build / "bin/paretoscope"
        self.threads = options.threads
        self.folder = options.folder
        self.sweep = options.folder / "memory.yaml"
        self.sweep.write_text(SWEEP.format(model=model, corpora=CORPORA))

    def run(self, pipeline, budget):
        """One trial in a fresh process: what was expected, what it took, and its numbers."""
        say(f"{pipeline}, {budget or 'no'} budget")
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            environment = {**os.environ, "PARETOSCOPE_CACHE": scratch, "TMPDIR": scratch}
            project = pathlib.Path(scratch) / "memory.pscope"
            command = [self.program, "run", self.sweep, "--project", project, "--json", "--jobs", "1", "--threads",
                       self.threads, "--only", pipeline]
            if budget:
                command += ["--memory-budget", budget]
            estimate = json.loads(call([*command, "--dry-run"], environment))
            begin = time.monotonic()
            report = json.loads(call([*command, "--progress", "none"], environment))
            wall = time.monotonic() - begin
        trial = report["trials"][0]
        expected = estimate["trials"][0]["estimated_memory_bytes"]
        peak = trial["metrics"]["peak_memory_bytes"]
        return {"budget": budget, "wall_seconds": wall, "seconds": trial["seconds"], "peak_memory_bytes": peak,
                "estimated_memory_bytes": expected, "estimate_over_peak": expected / peak,
                "perplexity": trial["metrics"]["perplexity"], "stored_bytes": trial["metrics"]["stored_bytes"]}

    def compare(self, pipeline, budget):
        within = self.run(pipeline, budget)
        unlimited = self.run(pipeline, None)
        return {"within_budget": within, "unlimited": unlimited,
                "slow_down": within["seconds"] / unlimited["seconds"],
                "equal_numbers": all(within[name] == unlimited[name] for name in ("perplexity", "stored_bytes"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "paretoscope-memory",
                        help="where the model is kept between runs")
    parser.add_argument("--budget", default="1GiB")
    parser.add_argument("--layers", type=int, default=24, help="fewer make a smaller model for a quick look")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    options.folder = options.folder.resolve()
    bench = Bench(options, make_model(options.build, options.folder, options.layers))
    result = {"schema": "paretoscope.bench-memory/1", "threads": options.threads, "layers": options.layers,
              "evaluation": bench.compare("baseline", options.budget), "gptq": bench.compare("gptq", options.budget)}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
