#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Perplexity of methods here and in LLM Compressor and GPTQModel; prints one JSON document, or a table with --table.

Both start from the same float32 weights (convert.py of tests/bench/peers writes the folder that they read; importing it
gives the baseline again) and calibrate on the same windows: the first 32 of 512 tokens of train_excerpt.raw.txt,
tokenised in one piece by `paretoscope tokenize`; they are given the ids. What they save is measured here by an `import`
trial of the same project, over 32 windows of 512 tokens of wiki.test.tokens.

In a row stand their perplexity and ours with our defaults at equal size (bits, group size, symmetry, sparsity); with --equal
also ours with every setting as theirs (EQUAL). `ratio` is ours divided by theirs: at most 1.01 is the aim. Seconds are those
of their call alone, and of our loading and compressing; peak memory is that of the whole process.

The work folder keeps the project and what they saved: the same command goes on where it stopped. --python may name several
Pythons, as LLM Compressor and GPTQModel want other versions of transformers; the first that has the peer is used.
"""

import argparse
import json
import pathlib
import sys

import trial

HERE = pathlib.Path(__file__).resolve().parent

# Peer, method, settings, all in our words. LLM Compressor refuses groups that do not divide a row: those of 128 fit no
# row of 576.
CASES = [
    ("llmcompressor", "rtn", {"bits": 4, "group_size": 64}),
    ("llmcompressor", "rtn", {"bits": 3, "group_size": 64}),
    ("llmcompressor", "rtn", {"bits": 4, "group_size": 64, "symmetric": True}),
    ("llmcompressor", "gptq", {"bits": 4, "group_size": 64, "activation_order": "static"}),
    ("llmcompressor", "gptq", {"bits": 3, "group_size": 64, "activation_order": "static"}),
    ("llmcompressor", "gptq", {"bits": 4, "group_size": 64, "symmetric": True, "activation_order": "static"}),
    ("llmcompressor", "awq", {"bits": 4, "group_size": 64}),
    ("llmcompressor", "awq", {"bits": 3, "group_size": 64}),
    ("llmcompressor", "sparsegpt", {"sparsity": 0.5}),
    ("llmcompressor", "sparsegpt", {"pattern": "2:4"}),
    ("llmcompressor", "wanda", {"sparsity": 0.5}),
    ("llmcompressor", "wanda", {"pattern": "2:4"}),
    ("gptqmodel", "gptq", {"bits": 4, "group_size": 64, "activation_order": "none", "damping": 0.05}),
    ("gptqmodel", "gptq", {"bits": 3, "group_size": 64, "activation_order": "none", "damping": 0.05}),
    ("gptqmodel", "gptq", {"bits": 4, "group_size": 64, "activation_order": "dynamic", "damping": 0.05}),
]

# The settings that say how large the result is; ours keeps its defaults in all others.
SIZE = ("bits", "group_size", "symmetric", "sparsity", "pattern")

# What ours needs besides to compute as they do: LLM Compressor keeps scales in the type of the weights and compresses a
# block at a time from the inputs of the blocks before; its AWQ weighs factors with the weights, searches no ranges, and
# looks at all calibration tokens.
EQUAL = {
    ("llmcompressor", "rtn"): {"scale_dtype": "float32"},
    ("llmcompressor", "gptq"): {"scale_dtype": "float32", "propagate": "block"},
    ("llmcompressor", "awq"): {"scale_dtype": "float32", "duo_scaling": True, "clip_search": False, "include_zero": True,
                               "search_tokens": 16384},
    ("llmcompressor", "sparsegpt"): {"propagate": "block"},
    ("llmcompressor", "wanda"): {"propagate": "block"},
    ("gptqmodel", "gptq"): {},
}


def pipeline(method, settings):
    return f"[{method}: {json.dumps(settings)}]" if method else "[]"


def python_with(options, package):
    """The first Python of --python that has the package."""
    pythons = options.python if isinstance(options.python, list) else [options.python]
    for python in pythons:
        try:
            trial.run([python, "-c", f"import importlib.util, sys; sys.exit(not importlib.util.find_spec('{package}'))"])
            return python
        except (trial.Failed, OSError):
            continue
    raise trial.Failed(f"no Python of --python has {package}: {', '.join(map(str, pythons))}")


def converted(options, work):
    """The folder of float32 weights that peers read."""
    if options.model.suffix != ".gguf":
        return options.model
    folder = work / "float32"
    if not (folder / "config.json").exists():
        trial.say("converting the model")
        trial.run([python_with(options, "gguf"), HERE.parent / "peers/convert.py", options.model, folder])
    return folder


def calibration(options, work):
    """The file of token windows that peers calibrate on."""
    tokens = work / "tokens.json"
    ids = json.loads(trial.run([options.paretoscope, "tokenize", options.model, trial.CALIBRATION, "--json"]))["ids"]
    tokens.write_text(json.dumps([ids[begin:begin + options.length]
                                  for begin in range(0, options.samples * options.length, options.length)]))
    return tokens


def theirs(options, case, folder, tokens, work, project):
    package, method, settings = case
    out = work / "-".join([package, method, *(f"{name}={value}" for name, value in settings.items())]).replace(":", "of")
    report = pathlib.Path(f"{out}.json")
    if not report.exists():
        report.write_text(trial.run([python_with(options, package), HERE / "peer.py", package, method,
                                     json.dumps(settings), folder, tokens, out, "--threads", options.threads],
                                    options.threads).splitlines()[-1])
    imported = trial.measure(options, f"[import: {{checkpoint: {out}}}]", project)
    return {**json.loads(report.read_text()), **{key: imported[key] for key in ("trial", "perplexity", "bits_per_parameter")}}


def ours(options, method, settings, project):
    return {"pipeline": pipeline(method, settings), **trial.measure(options, pipeline(method, settings), project)}


def row(options, case, folder, tokens, work, project):
    package, method, settings = case
    result = {"peer": package, "method": method, "settings": settings}
    trial.say(f"{package} {method} {settings}")
    try:
        result["theirs"] = theirs(options, case, folder, tokens, work, project)
        result["ours"] = ours(options, method, {name: settings[name] for name in SIZE if name in settings}, project)
        if options.equal:
            result["ours_equal"] = ours(options, method, {**settings, **EQUAL[package, method]}, project)
        for name in result.keys() & {"ours", "ours_equal"}:
            result[name]["ratio"] = result[name]["perplexity"] / result["theirs"]["perplexity"]
    except trial.Failed as problem:
        result["skipped"] = str(problem)
        trial.say(f"  skipped: {problem}")
    return result


def compare(options, work):
    """Rows of all cases that `options.method` asks for, and the baseline of both sides."""
    project = work / "p.pscope"
    try:
        folder = converted(options, work)
        tokens = calibration(options, work)
        baseline = {"ours": ours(options, None, {}, project)["perplexity"],
                    "converted": trial.measure(options, f"[import: {{checkpoint: {folder}}}]", project)["perplexity"]}
    except (trial.Failed, OSError) as problem:
        return {"skipped": f"the model could not be converted for them: {problem}"}
    return {"baseline": baseline, "rows": [row(options, case, folder, tokens, work, project) for case in CASES
                                           if not options.method or case[1] in options.method]}


def table(result):
    lines = [f"Baseline {result['baseline']['ours']:.4f}, the weights they read {result['baseline']['converted']:.4f}.", "",
             "| peer | method | settings | theirs | ours, default | ratio | ours, equal | ratio "
             "| their s | our s | their peak MiB | our peak MiB |", "|" + " --- |" * 12]
    for entry in result["rows"]:
        cells = [entry["peer"], entry["method"], ", ".join(f"{name}={value}" for name, value in entry["settings"].items())]
        if "skipped" in entry:
            lines.append(f"| {' | '.join(cells)} | skipped: {' '.join(entry['skipped'].split())[-200:]} |" + " |" * 8)
            continue
        peer, default, equal = entry["theirs"], entry["ours"], entry.get("ours_equal")
        cells[0] += f" {peer['version']}"
        cells += [f"{peer['perplexity']:.3f}", f"{default['perplexity']:.3f}", f"{default['ratio']:.4f}",
                  *([f"{equal['perplexity']:.3f}", f"{equal['ratio']:.4f}"] if equal else ["", ""]), f"{peer['seconds']:.0f}",
                  f"{default['seconds_outside_evaluation']:.0f}", f"{peer['peak_memory_bytes'] / 2**20:.0f}",
                  f"{default['peak_memory_bytes'] / 2**20:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    trial.add_options(parser)
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="Pythons that have the peers")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for the project and what peers save (kept)")
    parser.add_argument("--method", nargs="+", help="only these")
    parser.add_argument("--equal", action="store_true", help="also measure ours with every setting as theirs")
    parser.add_argument("--table", action="store_true", help="print a table in Markdown")
    options = parser.parse_args()
    options.model = options.model.resolve()
    options.work = options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    result = compare(options, options.work)
    if options.table and "rows" in result:
        print(table(result))
    else:
        print(json.dumps({"schema": "paretoscope.bench-method-peers/1", **trial.settings(options), **result}, indent=1))


if __name__ == "__main__":
    main()
