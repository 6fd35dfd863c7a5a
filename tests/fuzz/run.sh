#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets with clang and runs each for a bounded time. Inputs that break one are kept in
# build/fuzz/findings/TARGET; the corpus grows in build/fuzz/corpus/TARGET and is used again by the next run.
set -euo pipefail
cd "$(dirname "$0")/../.."

case "${1:-30}" in
    -h | --help)
        echo "Usage: tests/fuzz/run.sh [SECONDS per target, default 30] [TARGET...]"
        echo "PARETOSCOPE_FUZZ_SEED=N repeats a run as far as the machine's speed allows; by default every run is another."
        exit 0 ;;
    *[!0-9]*) echo "run.sh: \"$1\" is no number of seconds (see --help)" >&2; exit 2 ;;
esac
seconds=${1:-30}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(fuzz_gguf fuzz_project fuzz_quantized fuzz_safetensors fuzz_tokenizer)

command -v clang++ >/dev/null || { echo "run.sh: clang++ is missing; install the package clang" >&2; exit 2; }
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "${targets[@]}"

export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# Taking the stack of every allocation is much of the time of fuzz_project; run a finding without this to see them.
export ASAN_OPTIONS=${ASAN_OPTIONS:-malloc_context_size=0}
for target in "${targets[@]}"; do
    format=${target#fuzz_}
    corpus=build/fuzz/corpus/$target
    findings=build/fuzz/findings/$target
    mkdir -p "$corpus" "$findings"
    echo "== $target for $seconds s"
    log=build/fuzz/$target.log
    "build/fuzz/fuzz/$target" "$corpus" "tests/fuzz/corpus/$format" -dict="tests/fuzz/$format.dict" \
        -max_total_time="$seconds" -seed="${PARETOSCOPE_FUZZ_SEED:-0}" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$findings/" >"$log" 2>&1 ||
        { tail -n 40 "$log" >&2; echo "run.sh: $target failed; its input is in $findings" >&2; exit 1; }
    grep -E "^stat::(number|average|peak)" "$log"
done
