#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to the demo: installs what is missing, fetches libtorch, builds, runs the demo sweep, shows the result.
# The second run does none of that again and opens the window in seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/setup.sh

case "${1:-}" in
    "") ;;
    -h | --help)
        printf '%s\n' "Usage: packaging/run.sh" "Builds Paretoscope, runs the demo sweep and opens its result (needs a display for the last)." \
            "The demo project is kept as \$XDG_DATA_HOME/paretoscope/demo.pscope."
        exit 0 ;;
    *) say "run.sh takes no argument \"$1\" (see --help)"; exit 2 ;;
esac

ensure_packages build gui
ensure_libtorch
build release

program=build/release/bin/paretoscope
project="${XDG_DATA_HOME:-$HOME/.local/share}/paretoscope/demo.pscope"
mkdir -p "$(dirname "$project")"
"$program" --batch resources/demo/tiny-llama.yaml --project "$project"
say
say "The front (perplexity against stored bytes):"
"$program" front "$project" --x stored_bytes --y perplexity

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$program" "$project"
fi
say "No display here. On a desktop:  $program $project"
