#!/bin/bash
# Brings the engines that minfer is compared with into virtual environments outside the repository:
#   bench/peers/setup.sh [FOLDER]      default $XDG_CACHE_HOME/minfer-peers
# What cannot be had is named and left out; compare.py then skips it visibly.
set -u
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/minfer-peers}

environment() { # NAME PACKAGES...
  local name=$1
  shift
  [ -f "$folder/$name/complete" ] && return
  echo "$name: $*"
  python3 -m venv "$folder/$name" && "$folder/$name/bin/pip" install -q "$@" && touch "$folder/$name/complete" && return
  echo "$name: not available here" >&2
}

mkdir -p "$folder"
environment onnxruntime onnxruntime onnx numpy sympy
environment openvino openvino onnx numpy
environment nncf openvino nncf onnx numpy
# MXNet's last release stands on an old numpy, and needs Python 3.11 or older.
environment mxnet numpy==1.23.5 mxnet==1.9.1
for mark in "$folder"/*/complete; do
  if [ -f "$mark" ]; then basename "$(dirname "$mark")"; fi
done
