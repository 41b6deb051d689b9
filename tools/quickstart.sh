#!/bin/bash
# tools/quickstart.sh: from a bare Debian 12 machine to a photograph named by a real network in INT8. Installs what is missing (as root or
# through sudo), builds oneDNN once per user, builds minfer, fetches a small network and photographs. Seconds the second time.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
need "${build_packages[@]}"
python_with_pip
build release
model=efficientnet_lite0
tools=$root/tools
"$tools/fetch_weights.sh" "$model" >/dev/null
photos=$(PYTHONDONTWRITEBYTECODE=1 "$python" "$tools/fetch" photos)
photo=$photos/imagenet_15_99.jpg
trace=$root/build/quickstart.trace.json

cd "$root"
command=(build/release/minfer --model "$model" --int8 --calibration "$photos" --image "$photo" --iterations 50 --trace="$trace")
say "${command[*]}"
# The network just fetched, whatever data folder this user's tests have.
env -u MINFER_DATA "${command[@]}"
echo "quickstart: built minfer, fetched $model, classified $photo in INT8 and wrote $trace (opens in Perfetto); next: build/release/minfer --model resnet50 --int8 --trace"
