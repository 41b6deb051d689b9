#!/bin/bash
# Installs minfer into a folder of its own, moves the folder, and builds a C and a C++ program against it: by find_package and by pkg-config.
# Then runs the installed program. Only the C compiler links the C program: nothing of C++ may leak out of the library.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
quiet() { # quiet COMMAND...: its output only when it fails
  "$@" >"$scratch/output" 2>&1 || { cat "$scratch/output"; exit 1; }
}

quiet cmake --install "$MINFER_BUILD" --prefix "$scratch/first"
mv "$scratch/first" "$scratch/moved"
prefix=$scratch/moved

expect() { # expect PATTERN COMMAND...
  local pattern=$1 output
  shift
  output=$("$@") || { echo "failed: $*"; exit 1; }
  echo "$output"
  # shellcheck disable=SC2053 # a pattern it is
  [[ $output == $pattern ]] || { echo "expected: $pattern"; exit 1; }
}

quiet cmake -S "$here" -B "$scratch/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix"
quiet cmake --build "$scratch/build"
expect 'minfer 0.* logits computed' "$scratch/build/embed_c"
# torchvision's 11,689,512 and the 9,600 running means and variances of its BatchNorms
expect 'minfer 0.* 11699112 parameters' "$scratch/build/embed_cxx"

packages=$(find "$prefix" -name pkgconfig -type d)
read -ra flags < <(PKG_CONFIG_PATH=$packages pkg-config --cflags --libs minfer)
libraries=$(PKG_CONFIG_PATH=$packages pkg-config --variable=libdir minfer)
cc -std=c11 -Wall -Wextra -Wpedantic -Werror "$here/embed.c" -o "$scratch/by_pkg_config" "${flags[@]}"
LD_LIBRARY_PATH=$libraries expect 'minfer 0.* logits computed' "$scratch/by_pkg_config"

# The library shows its own functions and nothing else.
strangers=$(nm -D --defined-only "$libraries/libminfer.so" | awk '$3 !~ /^minfer_/ { print $3 }')
[ -z "$strangers" ] || { echo "symbols that are not minfer's: $strangers"; exit 1; }
expect '*resnet50*' "$prefix/bin/minfer" models
