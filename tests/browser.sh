#!/bin/bash
# What tests/cli/report_peers.py needs: Debian's Chromium, and Playwright in an environment of its own in $MINFER_DATA/browser.
source "$(dirname "${BASH_SOURCE[0]}")/../tools/setup.sh"
folder=${MINFER_DATA:-${XDG_CACHE_HOME:-$HOME/.cache}/minfer-data}/browser
need chromium python3-venv
[ -x "$folder/bin/python" ] || /usr/bin/python3 -m venv "$folder"
"$folder/bin/python" -c 'import playwright' 2>/dev/null || "$folder/bin/pip" install -q playwright
say "Tests in a browser can run: $folder"
