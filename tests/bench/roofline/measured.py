#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the measured-against-predicted table of a model on this machine, as Markdown.

Runs `paretoscope roofline MODEL --measure --json` (or reads what such a run printed), and shows for prefill and decode at
batch 1 and 8 what every part of a layer took, what the ceilings allow, and what calibrated predictions say: fitted to all
steps, and to all steps but the one that is predicted. "off" is predicted over measured, less one. Needs a quiet machine.
With --refit the calibration of an earlier run is fitted anew (build the target `refit` first).

  tests/bench/roofline/measured.py --build build/release SmolLM2-135M-Instruct.Q4_1.gguf --out measured.json
  tests/bench/roofline/measured.py --from measured.json [--refit]
"""

import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder, .gguf file, or a name in the folders of PARETOSCOPE_MODELS")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="build folder")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--from", dest="document", type=pathlib.Path, help="what an earlier run printed")
    parser.add_argument("--refit", action="store_true", help="fit its calibration with this build")
    parser.add_argument("--out", type=pathlib.Path, help="keep the document")
    return parser.parse_args()


def measure(options):
    command = [str(options.build / "bin/paretoscope"), "roofline", options.model, "--measure", "--json",
               f"--threads={options.threads}", "--name=bench"]
    if options.quick:
        command.append("--quick")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"paretoscope ended with {done.returncode}")
    if options.out:
        options.out.write_text(done.stdout)
    return json.loads(done.stdout)


def refitted(options):
    command = [str(options.build / "bench/refit"), str(options.document)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def time_text(seconds):
    for size, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def rate_text(rate):
    value = rate["per_second"]
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {prefix}{rate['unit']}/s"
    return f"{value:.3g} {rate['unit']}/s"


def off(predicted, measured):
    return f"{100 * (predicted / measured - 1):+.0f} %"


def table(titles, rows):
    print("| " + " | ".join(titles) + " |")
    print("| " + " | ".join("---" for _ in titles) + " |")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def setting(entry):
    return entry["phase"], entry["batch"], entry["tokens"]


def show(document):
    profile = document["profile"]
    print(f"{profile['model']['name']} on {profile['device']['name']}, {profile['threads']} threads, {profile['build']}\n")
    table(["ceiling", "threads", "median", "varies by", "again"],
          [[rate["name"], rate["threads"], rate_text(rate), f"{100 * rate['seconds']['variation']:.1f} %",
            off(rate["again_seconds"], rate["seconds"]["median"])] for rate in profile["rates"]])
    rows = []
    for step in document["steps"]:
        parts = [part for part in document["parts"] if setting(part) == setting(step)]
        near = [sum(abs(part[key] / part["measured_seconds"] - 1) <= 0.2 for part in parts)
                for key in ("calibrated_seconds", "left_out_seconds")]
        rows.append([step["phase"], step["batch"], step["tokens"], time_text(step["measured_seconds"]),
                     time_text(step["ideal_seconds"]), time_text(step["calibrated_seconds"]),
                     off(step["calibrated_seconds"], step["measured_seconds"]), f"{near[0]} of {len(parts)}",
                     f"{near[1]} of {len(parts)}"])
    table(["step", "batch", "tokens", "measured", "at the ceilings", "calibrated", "off", "parts within 20 %",
           "left out"], rows)
    for step in document["steps"]:
        print(f"{step['phase']}, batch {step['batch']}, {step['tokens']} tokens, of one layer:\n")
        table(["part", "measured", "at the ceilings", "one set", "calibrated", "off", "left out"],
              [["+".join(part["operations"]), time_text(part["measured_seconds"]), time_text(part["ideal_seconds"]),
                off(part["one_set_seconds"], part["measured_seconds"]), time_text(part["calibrated_seconds"]),
                off(part["calibrated_seconds"], part["measured_seconds"]),
                off(part["left_out_seconds"], part["measured_seconds"])]
               for part in document["parts"] if setting(part) == setting(step)])
    table(["prediction", "mean error", "parts within 20 %"],
          [[name, f"{100 * error['mean_relative']:.1f} %", f"{100 * error['within_20_percent']:.0f} %"]
           for name, error in profile["calibration"]["errors"].items()])
    for remark in document["remarks"]:
        print("- " + remark)


def main():
    options = parse()
    if options.document:
        show(refitted(options) if options.refit else json.loads(options.document.read_text()))
    elif options.model:
        show(measure(options))
    else:
        sys.exit("name a model, or --from FILE")


if __name__ == "__main__":
    main()
