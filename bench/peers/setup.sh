#!/bin/bash
# Brings the engines that minfer is compared with into virtual environments outside the repository:
#   bench/peers/setup.sh [FOLDER]      default $XDG_CACHE_HOME/minfer-peers
# What cannot be had is named and left out; compare.py then skips it visibly.
set -u
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/minfer-peers}

environment() { # NAME PACKAGES... [--alone PACKAGES TO INSTALL WITHOUT WHAT THEY ASK FOR...]
  local name=$1 packages=()
  shift
  [ -f "$folder/$name/complete" ] && return
  echo "$name: $*"
  while [ $# -gt 0 ] && [ "$1" != --alone ]; do
    packages+=("$1")
    shift
  done
  local pip=("$folder/$name/bin/pip" install -q)
  python3 -m venv "$folder/$name" && "${pip[@]}" "${packages[@]}" &&
    { [ $# = 0 ] || "${pip[@]}" --no-deps --ignore-requires-python "${@:2}"; } && touch "$folder/$name/complete" && return
  echo "$name: not available here" >&2
}

mkdir -p "$folder"
environment onnxruntime onnxruntime onnx numpy sympy
environment openvino openvino onnx numpy
environment nncf openvino nncf onnx numpy
# pnnx, which converts ONNX files, asks for PyTorch, but its program has what it needs inside.
environment ncnn ncnn numpy --alone pnnx
environment mnn MNN numpy
# onnx2tf writes TFLite files without TensorFlow; it asks for Python 3.12 and an older LiteRT, and needs neither.
environment litert ai-edge-litert ai-edge-quantizer onnx onnxruntime numpy psutil h5py onnxsim onnxoptimizer --alone onnx2tf==2.6.9 sne4onnx sng4onnx
# MXNet's last release stands on an old numpy, and needs Python 3.11 or older.
environment mxnet numpy==1.23.5 mxnet==1.9.1
for mark in "$folder"/*/complete; do
  if [ -f "$mark" ]; then basename "$(dirname "$mark")"; fi
done
