#!/bin/sh
# Makes .venv from uv.lock; brings uv itself into .tools/uv. Safe to interrupt and to run again.
set -eu
uv=.tools/uv/bin/uv

stop() {
    printf '\n' >&2
    printf '%s\n' "$@" >&2
    exit 1
}

find_python() {
    for name in ${PYTHON:-} python3.11 python3 python; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
    stop "Threadbook needs Python 3.11, and no python3.11 was found." \
        "Install it (Debian: apt-get install python3.11 python3.11-venv; macOS: brew install python@3.11;" \
        "with uv: uv python install 3.11), or name it: make run PYTHON=/path/to/python3.11"
}

# Brings uv by pip, into a virtual environment or, where Debian left that out, into a folder.
fetch_uv() {
    if "$python" -m venv .tools/uv >/dev/null 2>&1; then
        .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"
    elif rm -rf .tools/uv && "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install --quiet --disable-pip-version-check --target .tools/uv "uv>=0.9,<1"
    elif command -v uv >/dev/null 2>&1; then
        mkdir -p .tools/uv/bin
        ln -s "$(command -v uv)" "$uv"
    else
        stop "This Python ($python) has neither venv nor pip, so nothing can be installed with it." \
            "Debian: apt-get install python3.11-venv; then run the same command again."
    fi
}

python=$(find_python)
{ mkdir -p .tools && touch .tools/.writable && rm .tools/.writable; } 2>/dev/null ||
    stop "This folder cannot be written to, or its disk is full: $(pwd)" \
        "Threadbook keeps its environment here, in .tools and .venv (about 2 GB)."

if ! "$uv" --version >/dev/null 2>&1; then
    rm -rf .tools/uv
    echo "  uv          fetching the installer of packages into .tools/uv"
    fetch_uv || {
        rm -rf .tools/uv
        stop "pip could not install uv; its message is above. Is PyPI reachable from here?"
    }
fi

echo "  packages    installing what uv.lock names into .venv (about 2 GB; a minute or two the first time)"
"$uv" sync --locked --quiet --python "$python" ||
    stop "The packages could not be installed; uv says why above." \
        "Nothing is broken: run the same command again when that is mended."
