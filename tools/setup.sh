#!/usr/bin/env bash
# Set up everything that `make demo` (scope: demo) or `make test` (scope: test) needs, and say so.
# What is there already is left alone, so a second run takes about a second. Needs no standard input.
#
# TORCH_INDEX_URL  a package index to take torch from, where the default one has no CPU build
set -euo pipefail
cd "$(dirname "$0")/.."

scope=${1:-demo}
torch="torch==2.13.0"

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

# --- Debian packages, only those whose program is missing -------------------------------------

missing=()
need() { # need PACKAGE TEST...
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

first_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3; do
        if has "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "$name"
            return
        fi
    done
    return 1
}

any_file() { compgen -G "$1"; }

look_for_packages() {
    need orthanc has Orthanc
    if ! first_python >/dev/null; then missing+=(python3 python3-venv); fi
    if [ ! -x .venv/bin/python ] && python=$(first_python); then
        need python3-venv "$python" -c 'import ensurepip, venv'
    fi
    if [ "$scope" = test ] || [ ! -f .cache/ohif/.version ]; then
        need npm has npm
    fi
    if [ "$scope" = test ]; then
        need dcmtk has dsrdump
        need chromium has chromium
        need postgresql any_file '/usr/lib/postgresql/*/bin/initdb'
        need orthanc-dicomweb any_file '/usr/share/orthanc/plugins/libOrthancDicomWeb.so'
    fi
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

can_install() {
    has apt-get && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

install_packages() {
    local command="apt-get install -y --no-install-recommends ${missing[*]}"
    can_install || fail "these Debian packages are missing and may not be installed from here: \
${missing[*]}. Run this as root, then try again:
    apt-get update && $command"
    say "Installing Debian packages: ${missing[*]}"
    # A new Orthanc or PostgreSQL must not start as a service: the gateway and the tests run their own.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive $command </dev/null
    if [ -n "$(trap -p EXIT)" ]; then
        as_root rm -f "$policy"
        trap - EXIT
    fi
}

# --- .venv ------------------------------------------------------------------------------------

fingerprint() { { echo "$torch"; cat pyproject.toml constraints.txt; } | sha256sum | cut -d' ' -f1; }

is_installed() { # is_installed SCOPE
    [ -f ".venv/airgate-$1" ] && [ "$(cat ".venv/airgate-$1")" = "$(fingerprint)" ]
}

install_project() {
    if is_installed test || { [ "$scope" = demo ] && is_installed demo; }; then return; fi
    if [ ! -x .venv/bin/python ]; then
        local python
        python=$(first_python) || fail "Python 3.11 or newer was not found on PATH"
        say "Making .venv with $("$python" --version)"
        "$python" -m venv .venv
    fi
    # Before the project and by its exact version: asked for as a plain dependency, the newest torch
    # would come, and with it gigabytes of CUDA libraries.
    if ! .venv/bin/python -c 'import importlib.metadata as m; m.version("torch")' 2>/dev/null; then
        say "Installing $torch (the largest part, some minutes)"
        .venv/bin/pip install -qq ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} \
            -c constraints.txt "$torch"
    fi
    local extras=models
    if [ "$scope" = test ]; then extras=models,test; fi
    say "Installing airgate[$extras] into .venv"
    .venv/bin/pip install -qq -c constraints.txt -e ".[$extras]"
    fingerprint >".venv/airgate-$scope"
}

# --- what comes through npm --------------------------------------------------------------------

fetch_sites() {
    .venv/bin/python tools/fetch_ohif.py
    if [ "$scope" = test ]; then
        .venv/bin/python tools/fetch_fhir_schema.py
        .venv/bin/python tools/fetch_dicomweb_client.py
    fi
}

main() {
    case $scope in demo | test) ;; *) fail "unknown scope '$scope'; expected demo or test" ;; esac
    look_for_packages
    if [ ${#missing[@]} -gt 0 ]; then install_packages; fi
    install_project
    fetch_sites
}

main </dev/null
