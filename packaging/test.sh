#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs every test headless; ends with CTest's summary.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/setup.sh

preset=release long=no ci=no slurm=no
for argument in "$@"; do
    case "$argument" in
        --ci) preset=ci ci=yes ;;
        --long) long=yes ;;
        --with-slurm) slurm=yes ;;
        --preset=*) preset=${argument#*=} ;;
        -h | --help)
            printf '%s\n' "Usage: packaging/test.sh [--ci] [--long] [--with-slurm] [--preset=NAME]" \
                "  --ci      warnings are errors; also builds and tests without window and without engine, and fuzzes the readers for a minute" \
                "  --long    also the tests labelled long" \
                "  --with-slurm  also installs Slurm (as root), so that sweeps are tested on a cluster of one node" \
                "  --preset  dev, release (default), asan, tsan or ci" \
                "Tests on bigger models need PARETOSCOPE_MODELS to name the folder that holds them; they are skipped otherwise."
            exit 0 ;;
        *) say "test.sh knows no \"$argument\" (see --help)"; exit 2 ;;
    esac
done

export QT_QPA_PLATFORM=offscreen
if [ "$ci" = yes ] && [ -z "${PARETOSCOPE_MODELS:-}" ] && [ -d ../shared/models ]; then
    PARETOSCOPE_MODELS=$(cd ../shared/models && pwd)
    export PARETOSCOPE_MODELS
fi

# run_tests PRESET: a failing suite is remembered; the other configurations still run.
failed=no
run_tests() {
    local selection=()
    [ "$long" = yes ] || selection=(--label-exclude '^long$')
    ctest --preset "$1" --parallel "$(nproc)" "${selection[@]}" || failed=yes
}

ensure_packages build gui test
[ "$ci" = no ] || ensure_packages fuzz trace
[ "$slurm" = no ] || ensure_packages slurm
ensure_libtorch
if [ "$ci" = yes ]; then
    for part in no-engine no-gui; do
        say "== the configuration $part"
        build "$part" -DPARETOSCOPE_MODULE_TESTS=OFF # the last configuration has them
        run_tests "$part"
    done
    say "== fuzzing"
    PARETOSCOPE_FUZZ_SEED=1 tests/fuzz/run.sh 15 >&2 || failed=yes
    say "== everything"
fi
build "$preset"
run_tests "$preset"
[ "$failed" = no ] || die "Tests failed: see the lists above."
