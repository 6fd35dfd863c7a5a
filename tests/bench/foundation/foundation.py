#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the way from a model on disk to a front; prints one JSON document with thread counts.

For each sweep: wall time with two workers of one thread, and the summed time of the same trials run one by one, each in a
fresh process with a cold cache and all threads. Then perplexity tokens/s beside the GEMM rate of the machine, peak
memory of the worker, time to the first window, and what the coordinator costs (bench_coordinator). Needs a quiet
machine.
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
SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
# Of SmolLM2 at 512 tokens: 2 * 134.48 M weights in linears and head, and causal attention 2 * 512 * 576 * 30.
FLOP_PER_TOKEN = 2 * 134479872 + 2 * 512 * 576 * 30


def say(text):
    print(text, file=sys.stderr, flush=True)


def run_json(command, environment):
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} exited {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return json.loads(done.stdout)


class Bench:
    def __init__(self, build, cores, folder):
        self.program = build / "bin/paretoscope"
        self.gemm = build / "bench/bench_gemm"
        self.coordinator = build / "bench/bench_coordinator"
        self.cores = cores
        self.folder = folder

    def environment(self):
        """A cache of its own, so that nothing earlier helps."""
        cache = tempfile.mkdtemp(dir=self.folder)
        return {**os.environ, "PARETOSCOPE_CACHE": cache}

    def sweep(self, sweep, project, options, environment):
        command = [self.program, "--batch", sweep, "--project", project, "--json", "--progress", "none", *options]
        begin = time.monotonic()
        report = run_json(command, environment)
        return time.monotonic() - begin, report

    def compare(self, name, sweep):
        say(f"{name}: the sweep")
        project = self.folder / f"{name}.pscope"
        environment = self.environment()
        jobs = min(2, self.cores)
        threads = max(1, self.cores // jobs)
        wall, report = self.sweep(sweep, project, ["--jobs", str(jobs), "--threads", str(threads)], environment)
        again, _ = self.sweep(sweep, project, ["--jobs", str(jobs), "--threads", str(threads)], environment)
        peak = max(trial["metrics"]["peak_memory_bytes"] for trial in report["trials"])
        one_by_one = 0.0
        for index, trial in enumerate(report["trials"]):
            say(f"{name}: trial {index + 1} of {len(report['trials'])} by itself")
            alone = self.folder / f"{name}-{index}.pscope"
            seconds, _ = self.sweep(sweep, alone, ["--jobs", "1", "--threads", str(self.cores), "--only", trial["id"]],
                                    self.environment())
            one_by_one += seconds
        return {"trials": len(report["trials"]), "workers": jobs, "threads_per_worker": threads, "wall_seconds": wall,
                "one_by_one_threads": self.cores, "one_by_one_seconds": one_by_one, "ratio": wall / one_by_one,
                "second_run_seconds": again, "worker_peak_memory_bytes": peak}

    def perplexity(self, model, windows, threads):
        say(f"perplexity of {model.name}, {threads} threads")
        corpus = ROOT / "resources/demo/corpora/wiki.test.tokens"
        command = [self.program, "evaluate", model, "--perplexity", f"corpus={corpus},length=512,windows={windows}",
                   "--threads", str(threads), "--json"]
        report = run_json(command, self.environment())
        ceiling = json.loads(subprocess.run([self.gemm, str(threads)], capture_output=True, text=True, check=True).stdout)
        return {"threads": threads, "windows": windows, "perplexity": report["metrics"][0]["value"],
                "tokens_per_second": report["tokens_per_second"], "load_seconds": report["load_seconds"],
                "peak_memory_bytes": report["peak_memory_bytes"], "gemm_gflop_per_second": ceiling["gflop_per_second"],
                "gflop_per_second": report["tokens_per_second"] * FLOP_PER_TOKEN / 1e9,
                "share_of_gemm_rate": report["tokens_per_second"] * FLOP_PER_TOKEN / 1e9 / ceiling["gflop_per_second"]}

    def window(self, project):
        """Seconds from start to the first painted window, offscreen; the best of five."""
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        times = []
        for _ in range(5):
            begin = time.monotonic()
            done = subprocess.run([self.program, "--quit-after-show", project], env=environment, capture_output=True, text=True, timeout=60)
            if done.returncode != 0:
                return {"error": done.stderr.strip()}
            times.append(time.monotonic() - begin)
        return {"first_paint_seconds": min(times), "runs": times}


def sweep_over(model, windows, folder):
    """The demo's pipelines over another model."""
    demo = (ROOT / "resources/demo/tiny-llama.yaml").read_text()
    demo = demo.replace("../models/tiny-llama", str(model)).replace("corpora/", f"{ROOT}/resources/demo/corpora/")
    demo = demo.replace("windows: 32", f"windows: {windows}")
    target = folder / "real-model.yaml"
    target.write_text(demo.replace("tiny-llama demo", model.stem))
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--models", default=os.environ.get("PARETOSCOPE_MODELS", "").split(":")[0],
                        help=f"folder that holds {SMOLLM2}; without it only the demo is measured")
    parser.add_argument("--windows", type=int, default=32, help="windows of 512 tokens per trial of the real model (default 32)")
    parser.add_argument("--quick", action="store_true", help="leave out the sweep over the real model")
    options = parser.parse_args()

    cores = os.cpu_count() or 1
    result = {"schema": "paretoscope.bench/1", "cores": cores}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        bench = Bench(options.build, cores, folder)
        result["demo_sweep"] = bench.compare("demo", ROOT / "resources/demo/tiny-llama.yaml")
        say("coordinator")
        result["coordinator"] = run_json([bench.coordinator], bench.environment())
        result["window"] = bench.window(folder / "demo.pscope")
        model = pathlib.Path(options.models) / SMOLLM2 if options.models else None
        if model and model.exists():
            result["perplexity"] = [bench.perplexity(model, 32, threads) for threads in sorted({1, cores})]
            if not options.quick:
                result["real_model_windows"] = options.windows
                result["real_model_sweep"] = bench.compare("real-model", sweep_over(model, options.windows, folder))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
