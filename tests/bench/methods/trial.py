# SPDX-License-Identifier: Apache-2.0
"""One trial, alone and with a cold cache: what methods.py and peers.py measure with.

Calibration is the first windows of train_excerpt.raw.txt, tokenised in one piece; perplexity is that of the first windows
of wiki.test.tokens.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPORA = ROOT / "resources/demo/corpora"
CALIBRATION = CORPORA / "train_excerpt.raw.txt"
EVALUATION = CORPORA / "wiki.test.tokens"


def say(text):
    print(text, file=sys.stderr, flush=True)


class Failed(Exception):
    pass


def run(command, threads=None):
    environment = dict(os.environ, TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")
    if threads:
        environment |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise Failed((done.stderr.strip() or done.stdout.strip())[-1000:])
    return done.stdout


def add_options(parser):
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a .gguf file or a folder")
    parser.add_argument("--paretoscope", type=pathlib.Path, default=ROOT / "build/release/bin/paretoscope")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--windows", type=int, default=32)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--length", type=int, default=512)


def settings(options):
    """What every number of a document was measured with."""
    return {"model": options.model.name, "cores": os.cpu_count(), "threads": options.threads,
            "calibration": {"samples": options.samples, "length": options.length},
            "evaluation": {"windows": options.windows, "length": options.length}}


def sweep_text(options, pipeline):
    return f"""paretoscope: 1
name: methods
workload:
  kind: causal-lm
  model: {options.model}
  calibration: {{corpus: {CALIBRATION}, samples: {options.samples}, length: {options.length}}}
  evaluate:
    - perplexity: {{corpus: {EVALUATION}, length: {options.length}, windows: {options.windows}}}
pipelines:
  - {pipeline}
"""


def measure(options, pipeline, project=None):
    """Figures of one pipeline; a `project` that is kept gives back a trial that it holds already."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "sweep.yaml").write_text(sweep_text(options, pipeline))
        project = project or folder / "p.pscope"
        report = json.loads(run([options.paretoscope, "run", folder / "sweep.yaml", "--project", project, "--cache",
                                 folder / "cache", "--artifact-limit", 0, "--retry", "failed", "--jobs", 1,
                                 "--threads", options.threads, "--json", "--progress", "none"]))
        trial = report["trials"][0]
        shown = json.loads(run([options.paretoscope, "show", project, trial["id"], "--json"]))
        layers = json.loads(run([options.paretoscope, "export-table", project, "--table", "layers", "--format", "json"]))
    phases = shown["provenance"]["phases"]
    names = [column["name"] for column in layers["columns"]]
    owner, name, value = (names.index(column) for column in ("id", "metric", "value"))
    return {
        "trial": trial["id"],
        "seconds_outside_evaluation": phases["load_seconds"] + phases["compress_seconds"],
        "compress_seconds": phases["compress_seconds"],
        "apply_seconds": sum(row[value] for row in layers["rows"] if row[owner] == trial["id"] and row[name].endswith("_seconds")),
        "evaluate_seconds": phases["evaluate_seconds"],
        "peak_memory_bytes": trial["metrics"]["peak_memory_bytes"],
        "perplexity": trial["metrics"]["perplexity"],
        "bits_per_parameter": trial["metrics"]["bits_per_parameter"],
    }
