#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two workers on one NVIDIA card, for a machine that has one: what tests/jobs/tst_cards.cpp shows on simulated cards.

1. A sweep on one worker gives the numbers that all others must repeat.
2. The same on two workers: what nvidia-smi says the card holds at most, against the estimate of the trials.
3. kill -9 of a worker in the middle: the sweep finishes, and the card is as empty as before.
4. Another process takes the memory of the card: trials run out of memory, are tried once more with less, and fail alone;
   once it is free again, --retry failed completes the sweep.

Prints a table and exits with 0, with 1 when one of these does not hold, and with 77 and the reason where there is no card.
"""

import argparse
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77
FAILED_TRIALS = 3
PROCESS_BYTES = 512 << 20  # kProcessBytesOnCard in jobs/device_placement.h
MIB = 1 << 20

SWEEP = """paretoscope: 1
workload:
  kind: causal-lm
  model: {model}
  calibration: {{corpus: {corpora}/train_excerpt.raw.txt, samples: 32, length: 512}}
  evaluate:
    - perplexity: {{corpus: {corpora}/wiki.test.tokens, length: 512, windows: 16}}
pipelines:
  - []
  - [rtn: {{bits: [3, 4], group_size: 64}}]
  - [gptq: {{bits: [2, 3, 4], group_size: [32, 64]}}]
"""


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def require(condition, what):
    print(f"{'ok    ' if condition else 'FAILED'} {what}", flush=True)
    if not condition:
        sys.exit(1)


class Card:
    """One card as nvidia-smi and the driver see it."""

    def __init__(self, device):
        self.number = int(device.split(":")[1])
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        self.name = visible.split(",")[self.number] if visible else str(self.number)

    def used(self):
        text = subprocess.run(["nvidia-smi", "-i", self.name, "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
                              capture_output=True, text=True, check=True).stdout
        return int(text.split()[0]) * MIB

    def watch(self, stop, peak):
        while not stop.wait(0.05):
            peak[0] = max(peak[0], self.used())


class Hog:
    """Takes all but `left` bytes of the card, through the driver alone, until it is released."""

    def __init__(self, card, left):
        self.driver = ctypes.CDLL("libcuda.so.1")
        self.context = ctypes.c_void_p()
        device = ctypes.c_int()
        self.call("cuInit", 0)
        self.call("cuDeviceGet", ctypes.byref(device), card.number)
        self.call("cuCtxCreate_v2", ctypes.byref(self.context), 0, device)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        block = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(block), ctypes.c_size_t(max(MIB, free.value - left)))

    def call(self, function, *arguments):
        status = getattr(self.driver, function)(*arguments)
        if status != 0:
            raise RuntimeError(f"{function} gave {status}")

    def release(self):
        self.call("cuCtxDestroy_v2", self.context)


class Bench:
    def __init__(self, program, device, sweep, folder):
        self.program, self.device, self.sweep, self.folder = program, device, sweep, folder

    def project(self, name):
        return str(self.folder / f"{name}.pscope")

    def start(self, name, jobs, *more):
        environment = dict(os.environ, PARETOSCOPE_TEST_MARK=self.project(name))
        return subprocess.Popen(
            [self.program, "run", self.sweep, "--project", self.project(name), "--device", self.device, "--jobs",
             str(jobs), "--threads", "1", "--cache", str(self.folder / f"cache-{name}"), "--artifact-limit", "0",
             "--json-lines", "--progress", "none", *more], stdout=subprocess.PIPE, text=True, env=environment)

    def run(self, name, jobs, *more):
        """Exit code and events."""
        process = self.start(name, jobs, *more)
        output, _ = process.communicate()
        return process.returncode, [json.loads(line) for line in output.splitlines()]

    def read(self, *arguments):
        return json.loads(subprocess.run([self.program, *arguments, "--json"], capture_output=True, text=True,
                                         check=True).stdout)

    def results(self, name):
        return {trial["id"]: trial["metrics"]["perplexity"]["value"]
                for trial in self.read("list", self.project(name))["trials"] if trial["status"] == "done"}

    def memory(self, name):
        """The largest estimate and the largest peak of tensors among the trials."""
        shown = [self.read("show", self.project(name), trial)["provenance"]["memory"] for trial in self.results(name)]
        return (max(memory["estimated_peak_bytes"] for memory in shown),
                max(memory.get("device_peak_bytes", 0) for memory in shown))

    def workers(self, name):
        mark = f"PARETOSCOPE_TEST_MARK={self.project(name)}".encode()
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                is_worker = entry.name.isdigit() and os.readlink(entry / "exe").endswith("/paretoscope-worker")
                if is_worker and mark in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


def two_workers(bench, card, reference):
    before, stop, peak = card.used(), threading.Event(), [0]
    watcher = threading.Thread(target=card.watch, args=(stop, peak))
    watcher.start()
    code, events = bench.run("two", 2)
    stop.set()
    watcher.join()
    require(code == 0, "two workers on one card finish the sweep")
    require(len({event["worker"] for event in events if event["event"] == "trial_started"}) == 2, "both had trials")
    require(bench.results("two") == reference, "with the numbers of one worker, bit for bit")
    estimate, tensors = bench.memory("two")
    each = (peak[0] - before) // 2
    print(f"       of each worker: nvidia-smi {each // MIB} MiB, tensors {tensors // MIB} MiB, "
          f"estimate {estimate // MIB} MiB + {PROCESS_BYTES // MIB} MiB for the process")
    require(each <= estimate + PROCESS_BYTES, "nvidia-smi shows no more than the estimate")
    return each - tensors, tensors


def kill_one(bench, card, reference):
    before = card.used()
    process = bench.start("kill", 2)
    for line in process.stdout:
        if json.loads(line)["event"] == "trial_finished":
            break
    os.kill(bench.workers("kill")[0], signal.SIGKILL)
    process.stdout.read()
    require(process.wait() == 0, "kill -9 of a worker costs no trial")
    require(bench.results("kill") == reference, "and no number")
    deadline = time.monotonic() + 10
    while card.used() > before + 64 * MIB and time.monotonic() < deadline:
        time.sleep(0.2)
    require(card.used() <= before + 64 * MIB and not bench.workers("kill"), "nothing is left on the card")


def out_of_memory(bench, card, reference, process_bytes, tensors):
    for share in (0.6, 0.4, 0.2):
        name = f"memory-{share}"
        hog = Hog(card, process_bytes + int(share * tensors))
        code, events = bench.run(name, 1)
        hog.release()
        failed = [event for event in events if event["event"] == "trial_finished" and event["status"] == "failed"]
        tried = [bench.read("show", bench.project(name), trial)["provenance"].get("losses", [])
                 for trial in bench.results(name)]
        recovered = sum(any(loss["kind"] == "OutOfMemory" for loss in losses) for losses in tried)
        print(f"       with {share:.0%} of the tensors' memory: {recovered} trials recovered, {len(failed)} failed")
        if recovered or failed:
            break
    else:
        require(False, "trials run out of memory when the card is full")
    require(code in (0, FAILED_TRIALS), f"the sweep goes on to its end (exit {code})")
    code, _ = bench.run(name, 1, "--retry", "failed")
    require(code == 0 and bench.results(name) == reference, "with the memory back, the rest is done, same numbers")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--model", default=str(ROOT / "resources/models/tiny-llama"))
    parser.add_argument("--device", default="cuda:0")
    options = parser.parse_args()
    program = str(options.build / "bin/paretoscope")
    if not shutil.which("nvidia-smi"):
        skip("no nvidia-smi, so no NVIDIA card")
    doctor = json.loads(subprocess.run([program, "doctor", "--json"], capture_output=True, text=True).stdout)
    devices = next(check for check in doctor["checks"] if check["name"] == "devices").get("details") or []
    card = next((device for device in devices if device["id"] == options.device), None)
    if not card:
        skip(f"the worker sees no {options.device}")
    if card.get("remark", "").startswith("not usable"):
        skip(f"{options.device} is {card['remark']}")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        sweep = folder / "sweep.yaml"
        sweep.write_text(SWEEP.format(model=pathlib.Path(options.model).resolve(),
                                      corpora=ROOT / "resources/demo/corpora"))
        bench = Bench(program, options.device, str(sweep), folder)
        code, _ = bench.run("reference", 1)
        require(code == 0, "one worker finishes the sweep")
        reference = bench.results("reference")
        smi = Card(options.device)
        process_bytes, tensors = two_workers(bench, smi, reference)
        kill_one(bench, smi, reference)
        out_of_memory(bench, smi, reference, process_bytes, tensors)


if __name__ == "__main__":
    main()
