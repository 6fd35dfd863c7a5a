#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads what `paretoscope export` writes with the software it is written for, and compares logits; prints JSON.

A few trials are run on a model, each is exported in the formats of CASES, and the folder is read by transformers (with
compressed-tensors or GPTQModel for their formats) and by llama.cpp through llama-cpp-python or llama-cpp-cffi. Beside
theirs stand the logits of `paretoscope evaluate FOLDER --logits` and of the trial itself, as the export's self-test found
them. A reader that --python cannot import is skipped with the reason. Exit status 1: one of them reads another model.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent

# Stage, format, settings of the format, reader, packages that the reader needs.
CASES = [
    ("[]", "hf", {"dtype": "float32"}, "transformers", []),
    ("[rtn: {bits: 3, group_size: 32}]", "hf", {"dtype": "float32"}, "transformers", []),
    ("[rtn: {bits: 4, group_size: 32, symmetric: true}]", "compressed-tensors", {}, "transformers", ["compressed_tensors"]),
    ("[gptq: {bits: 4, group_size: 32}]", "compressed-tensors", {}, "compressed_tensors", ["transformers"]),
    ("[rtn: {bits: 3, group_size: 32}]", "compressed-tensors", {}, "compressed_tensors", ["transformers"]),
    ("[rtn: {bits: 8, group_size: -1, symmetric: true}]", "compressed-tensors", {}, "transformers", ["compressed_tensors"]),
    ("[rtn: {bits: 4, group_size: 32, symmetric: true}]", "gptq", {}, "transformers", ["gptqmodel", "optimum"]),
    ("[gptq: {bits: 4, group_size: 32}]", "gptq", {}, "transformers", ["gptqmodel", "optimum"]),
    ("[gptq: {bits: 4, group_size: 32}]", "awq", {}, "transformers", ["gptqmodel"]),
    ("[]", "gguf", {}, "llama_cpp", []),
    ("[rtn: {bits: 4, group_size: 32, symmetric: true}]", "gguf", {}, "llama_cpp", []),
    ("[gptq: {bits: 4, group_size: 32}]", "gguf", {"round_minimum": "true"}, "llama_cpp", []),
    ("[gptq: {bits: 4, group_size: 32}]", "gguf", {}, "llama_cpp", []),
    ("[rtn: {bits: 3, group_size: 48}]", "gguf", {"type": "float32"}, "llama_cpp", []),
]


FIND_LLAMA_CPP = """
import importlib.util as found, sys
def has(name):
    try:
        return found.find_spec(name)
    except ModuleNotFoundError:
        return None
if not has("llama_cpp") and not has("llama._llama_cpp_cpu"):
    sys.exit("neither llama-cpp-python nor llama-cpp-cffi is there")
"""


class Failed(Exception):
    pass


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed((done.stderr.strip() or done.stdout.strip())[-1000:])
    return done.stdout


def trials(options, folder):
    """Ids by pipeline of one sweep over all that the cases need."""
    pipelines = list(dict.fromkeys(case[0] for case in CASES))
    sweep = folder / "sweep.yaml"
    sweep.write_text(f"""paretoscope: 1
name: interop
workload:
  kind: causal-lm
  model: {options.model}
  calibration: {{corpus: {ROOT}/resources/demo/corpora/train_excerpt.raw.txt, samples: 8, length: 256}}
  evaluate:
    - perplexity: {{corpus: {ROOT}/resources/demo/corpora/wiki.test.tokens, length: 256, windows: 2}}
pipelines:
""" + "".join(f"  - {pipeline}\n" for pipeline in pipelines))
    project = folder / "p.pscope"
    run([options.paretoscope, "run", sweep, "--project", project, "--json", "--progress", "none"])
    planned = json.loads(run([options.paretoscope, "list", project, "--json"]))["trials"]
    return project, dict(zip(pipelines, [trial["id"] for trial in planned]))


def missing(options, packages):
    for package in packages:
        try:
            run([options.python, "-c", FIND_LLAMA_CPP if package == "llama_cpp" else f"import {package}"])
        except (Failed, OSError) as problem:
            return f"{options.python} cannot import {package}: {str(problem).splitlines()[-1]}"
    return None


def compared(options, ours, theirs):
    return json.loads(run([options.python, HERE / "compare.py", ours, theirs]))


def check(options, case, project, ids, folder, tokens):
    pipeline, form, settings, reader, packages = case
    result = {"pipeline": pipeline, "format": form, "settings": settings, "reader": reader}
    out = folder / f"{len(list(folder.iterdir()))}-{form}"
    if options.model.suffix != ".gguf" and form == "gguf":
        settings = {**settings, "weights_only": "true"}
    if why := missing(options, [reader, *packages]):
        return {**result, "skipped": why}
    try:
        command = [options.paretoscope, "export", project, ids[pipeline], "--format", form, "--out", out, "--json",
                   "--progress", "none"]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        result["self_test"] = json.loads(run(command))["self_test"]
        model = out / "model.gguf" if form == "gguf" else out
        run([options.paretoscope, "evaluate", model, "--logits", tokens, "--out", f"{out}-ours.safetensors"])
        run([options.python, HERE / f"{reader}_logits.py", model, tokens, f"{out}-theirs.safetensors"])
        result |= compared(options, f"{out}-ours.safetensors", f"{out}-theirs.safetensors")
    except Failed as problem:
        result["failed"] = str(problem)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "resources/models/tiny-llama")
    parser.add_argument("--paretoscope", type=pathlib.Path, default=ROOT / "build/ci/bin/paretoscope")
    parser.add_argument("--python", default=sys.executable, help="the Python that has the readers")
    parser.add_argument("--format", nargs="+", help="only these")
    parser.add_argument("--length", type=int, default=256, help="tokens of each of four sequences")
    options = parser.parse_args()
    options.model = options.model.resolve()
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        project, ids = trials(options, folder)
        vocabulary = json.loads(run([options.paretoscope, "inspect", options.model, "--json"]))["vocab_size"]
        draw = random.Random(1)
        tokens = folder / "tokens.json"
        tokens.write_text(json.dumps(
            {"sequences": [[draw.randrange(vocabulary) for _ in range(options.length)] for _ in range(4)]}))
        for case in CASES:
            if not options.format or case[1] in options.format:
                results.append(check(options, case, project, ids, folder, tokens))
                print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    print(json.dumps({"schema": "paretoscope.interop/1", "model": options.model.name, "cases": results}, indent=1))
    return any("failed" in result or result.get("is_another_model") for result in results)


if __name__ == "__main__":
    sys.exit(main())
