"""Run the grammar as a filter: JSON lines in, JSON lines out."""

import sys

from nlu.when.command import run

for line in run(sys.stdin):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
