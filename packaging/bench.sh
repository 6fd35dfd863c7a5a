#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the release preset and measures it; prints one JSON document. Arguments go to tests/bench/foundation/foundation.py,
# after --methods to tests/bench/methods/methods.py, which runs every method of the catalogue on one model.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/setup.sh

measure=tests/bench/foundation/foundation.py
if [ "${1:-}" = --methods ]; then
    measure=tests/bench/methods/methods.py
    shift
fi
case "${1:-}" in
    -h | --help) exec python3 "$measure" --help ;;
esac
ensure_packages build gui
ensure_libtorch
build release
cmake --build --preset release --target bench_gemm bench_coordinator >&2
exec python3 "$measure" "$@"
