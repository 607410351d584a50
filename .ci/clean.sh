#!/bin/sh
# Removes everything that this project's commands made, unless it is running.
set -eu
if [ -x .venv/bin/python ] && [ -d .threadbook ]; then
    .venv/bin/python -m bot.up_home --remove
fi
rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis
find . -name __pycache__ -type d -prune -exec rm -rf {} +
