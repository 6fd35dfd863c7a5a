#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# For a machine with an NVIDIA card: builds with our own kernels, runs the tests with the label gpu (the pool of workers,
# pool.py, is one of them), and evaluates a model in every arithmetic, on the CPU and on the card. Prints how far the
# losses are apart, tokens a second, and the card's memory against the estimate.
set -euo pipefail
cd "$(dirname "$0")/../.."

case "${1:-}" in
    -h | --help)
        echo "Usage: tests/gpu/run.sh [MODEL, default the bundled tiny-llama] [DEVICE, default cuda:0]"
        exit 0 ;;
esac
model=${1:-resources/models/tiny-llama}
device=${2:-cuda:0}

build=build/release
cmake --preset release -DPARETOSCOPE_CUDA=ON -DPARETOSCOPE_GUI=OFF >/dev/null
cmake --build "$build" --target paretoscope paretoscope-worker paretoscope_cuda quantization_rtn quantization_gptq \
    probe_services tst_gpu_card
ctest --test-dir "$build" -L gpu --output-on-failure --no-tests=error

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
measure() { # NAME DEVICE ARITHMETIC
    "$build/bin/paretoscope" evaluate "$model" --device "$2" --arithmetic "$3" --json --cache "$results/cache" \
        --perplexity corpus=resources/demo/corpora/wiki.test.tokens,length=512,windows=32 >"$results/$1.json"
}
measure cpu cpu float32
measure float32 "$device" float32
measure again "$device" float32
measure tf32 "$device" tf32
measure bfloat16 "$device" bfloat16

python3 - "$results" <<'PYTHON'
import json, math, sys

def read(name):
    with open(f"{sys.argv[1]}/{name}.json") as file:
        return json.load(file)

def losses(document):
    return document["metrics"][0]["windows"]

reference = read("cpu")
print(f"{'path':10} {'loss':>9} {'apart':>9} {'worst window':>13} {'tokens/s':>10} {'card MiB':>9} {'estimate':>9}")
for name in ("cpu", "float32", "tf32", "bfloat16"):
    document = read(name)
    mean = lambda values: sum(values) / len(values)
    apart = abs(mean(losses(document)) - mean(losses(reference)))
    worst = max(abs(a - b) for a, b in zip(losses(document), losses(reference)))
    card = document.get("device_peak_memory_bytes")
    print(f"{name:10} {mean(losses(document)):9.5f} {apart:9.2g} {worst:13.2g} {document['tokens_per_second']:10.0f} "
          f"{'-' if card is None else card >> 20:>9} {document['estimated_memory_bytes'] >> 20:9}")
repeats = losses(read("float32")) == losses(read("again"))
print("float32 on the card repeats bit for bit" if repeats else "float32 on the card does NOT repeat bit for bit")
sys.exit(0 if repeats else 1)
PYTHON
