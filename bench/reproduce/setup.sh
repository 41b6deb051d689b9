#!/bin/bash
# Installs what draws the charts of bench/reproduce/run.py: Debian's matplotlib. Without it the page has tables only.
source "$(dirname "${BASH_SOURCE[0]}")/../../tools/setup.sh"
need python3-matplotlib
say "The charts can be drawn: bench/reproduce/run.py"
