# SPDX-License-Identifier: Apache-2.0
# Sourced by run.sh, test.sh and bench.sh: what has to be there before anything can be built.

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# probe KIND:WHAT: is this dependency there? (for systems other than Debian)
probe() {
    case "$1" in
        command:*) command -v "${1#*:}" >/dev/null ;;
        pkg:*) pkg-config --exists "${1#*:}" 2>/dev/null ;;
        python:*) python3 -c "import ${1#*:}" 2>/dev/null ;;
        cmake:*) compgen -G "/usr/lib*/cmake/${1#*:}" >/dev/null || compgen -G "/usr/lib/*/cmake/${1#*:}" >/dev/null ;;
        file:*) [ -e "${1#*:}" ] ;;
    esac
}

is_debian_12() { [ -r /etc/os-release ] && (. /etc/os-release && [ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ]); }

# ensure_packages KIND...: installs what is missing on Debian 12, names it and stops elsewhere.
ensure_packages() {
    local kinds=" $* " missing=() reasons=() kind package check why
    while IFS='|' read -r kind package check why; do
        kind=${kind// /} package=${package// /} check=${check// /} why=${why# }
        [[ -z $kind || $kind == \#* || $kinds != *" $kind "* ]] && continue
        if is_debian_12; then
            [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] && continue
        else
            probe "$check" && continue
        fi
        missing+=("$package") reasons+=("  $package: $why")
    done < packaging/dependencies.list
    [ ${#missing[@]} -eq 0 ] && return 0

    if ! is_debian_12; then
        say "These are missing (names of the Debian packages); install them and run the same command again:"
        printf '%s\n' "${reasons[@]}" >&2
        exit 1
    fi
    say "These packages are missing and are installed now from Debian:"
    printf '%s\n' "${reasons[@]}" >&2
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "Installing needs root: run  apt-get install ${missing[*]}  as root, then the same command again."
        say "apt-get needs root: sudo may ask for your password."
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -q >&2 || die "The Debian package lists cannot be fetched: check the network, then run the same command again."
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
        die "apt-get could not install ${missing[*]}: see its message above, then run the same command again."
}

ensure_libtorch() {
    if [ -n "${LIBTORCH_ROOT:-}" ]; then
        [ -e "$LIBTORCH_ROOT/torch/lib/libtorch_cpu.so" ] || [ -e "$LIBTORCH_ROOT/lib/libtorch_cpu.so" ] ||
            die "LIBTORCH_ROOT=$LIBTORCH_ROOT holds no torch/lib/libtorch_cpu.so: correct it, or unset it to fetch libtorch."
        return 0
    fi
    python3 packaging/fetch-libtorch.py >/dev/null || exit 1
}

# build PRESET [cmake option...]: configures when needed and builds; quiet when there is nothing to do.
build() {
    local preset=$1
    shift
    local log="build/$preset/configure.log"
    mkdir -p "build/$preset"
    if [ ! -e "build/$preset/build.ninja" ] || [ $# -gt 0 ]; then
        cmake --preset "$preset" "$@" >"$log" 2>&1 || { tail -n 30 "$log" >&2; die "CMake could not configure the build (whole output in $log)."; }
        sed -n '/-- Paretoscope/,/-- Configuring/p' "$log" | sed '$d; s/^-- //' >&2
    fi
    cmake --build --preset "$preset" --parallel "$(nproc)" >&2 || die "The build stopped: see the first error above."
}
