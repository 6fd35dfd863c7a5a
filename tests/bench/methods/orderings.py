#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which methods are better than which on one model: rows of pipelines whose perplexity the literature has falling.

Prints a table in Markdown, or one JSON document with --json: perplexity, bits per parameter, and
whether every pipeline of a row is below the one before it. What holds on tiny-llama is asserted by tst_method_orderings; on
other models it is reported. One sweep, so that pipelines share their work; the work folder keeps the project, and the same
command goes on where it stopped. Seconds are measured by methods.py.
"""

import argparse
import json
import pathlib

import trial

# Perplexity falls from left to right. `spqr` without outliers has the bits per weight of the `gptq` beside it.
ROWS = {
    "2 bit": ["rtn: {bits: 2, group_size: 64}", "gptq: {bits: 2, group_size: 64}"],
    "3 bit": ["rtn: {bits: 3, group_size: 64}", "gptq: {bits: 3, group_size: 64}"],
    "3 bit, scaled channels": ["rtn: {bits: 3, group_size: 64}", "awq: {bits: 3, group_size: 64}"],
    "4 bit, scaled channels": ["rtn: {bits: 4, group_size: 64}", "awq: {bits: 4, group_size: 64}"],
    "3.6 bit per weight": ["gptq: {bits: 3, group_size: 32}",
                           "spqr: {bits: 3, damping: 0.01, activation_order: static, outlier_threshold: -1}"],
    "half of the weights": ["magnitude: {sparsity: 0.5}", "wanda: {sparsity: 0.5}", "sparsegpt: {sparsity: 0.5}"],
    "2:4": ["magnitude: {pattern: '2:4'}", "wanda: {pattern: '2:4'}", "sparsegpt: {pattern: '2:4'}"],
    "rank of EoRA on 2 bit": ["gptq: {bits: 2, group_size: 64}", *(f"gptq: {{bits: 2, group_size: 64}}, eora: {{rank: {rank}}}"
                                                                  for rank in (4, 16, 48))],
    "low rank, 80 % of the weights": ["svd: {ratio: 0.8}", "asvd: {ratio: 0.8}", "svd_llm: {ratio: 0.8}"],
    "BitStack": [f"bitstack: {{target_size: {size}}}" for size in (2, 3, 4, 6)],
}


def measure(options):
    """Metrics by pipeline."""
    pipelines = list(dict.fromkeys(pipeline for row in ROWS.values() for pipeline in row))
    text = trial.sweep_text(options, "[]") + "".join(f"  - [{pipeline}]\n" for pipeline in pipelines)
    sweep = options.work / "orderings.yaml"
    project = options.work / "orderings.pscope"
    sweep.write_text(text)
    report = json.loads(trial.run([options.paretoscope, "run", sweep, "--project", project, "--cache", options.work / "cache",
                                   "--artifact-limit", 0, "--jobs", 1, "--threads", options.threads, "--json", "--progress",
                                   "none"], options.threads))
    return dict(zip(["", *pipelines], report["trials"], strict=True))


def row_of(pipelines, trials):
    metrics = [trials[pipeline].get("metrics", {}) for pipeline in pipelines]
    perplexities = [metric.get("perplexity") for metric in metrics]
    return {"pipelines": pipelines, "perplexity": perplexities,
            "bits_per_parameter": [metric.get("bits_per_parameter") for metric in metrics],
            "falls": None not in perplexities and all(a > b for a, b in zip(perplexities, perplexities[1:]))}


def table(rows):
    lines = ["| | perplexity (bits per parameter) | falls |", "| --- | --- | --- |"]
    for name, row in rows.items():
        cells = ["failed" if perplexity is None else f"{pipeline.split(':')[0] if ', eora' not in pipeline else 'eora'} "
                 f"{perplexity:.2f} ({bits:.2f})"
                 for pipeline, perplexity, bits in zip(row["pipelines"], row["perplexity"], row["bits_per_parameter"])]
        lines.append(f"| {name} | {' / '.join(cells)} | {'yes' if row['falls'] else 'no'} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    trial.add_options(parser)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for the project (kept)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    options.model = options.model.resolve()
    options.work = options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    trials = measure(options)
    rows = {name: row_of(pipelines, trials) for name, pipelines in ROWS.items()}
    baseline = trials[""]["metrics"]["perplexity"]
    if options.json:
        print(json.dumps({"schema": "paretoscope.bench-orderings/1", **trial.settings(options), "baseline": baseline,
                          "rows": rows}, indent=1))
    else:
        print(f"Baseline {baseline:.2f}.\n\n{table(rows)}")


if __name__ == "__main__":
    main()
