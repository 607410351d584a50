#!/bin/sh
# Finds or installs a Chromium for the browser tests (tests/browser.py looks in the same places).
set -eu

if .venv/bin/python -m tests.browser >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "  browser     installing Debian's Chromium and fonts"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    if apt-get update -qq >"$log" 2>&1 &&
        apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-noto-core fonts-noto-color-emoji >>"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log" >&2
    rm -f "$log"
fi
echo "  browser     installing Playwright's Chromium"
if .venv/bin/playwright install chromium; then
    exit 0
fi
printf '\n%s\n' "No Chromium for the browser tests: none was found and none could be installed." \
    "Install one (Debian: apt-get install chromium), or name it: THREADBOOK_CHROMIUM=/path/to/chromium make test" >&2
exit 1
