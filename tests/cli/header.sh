#!/bin/bash
# minfer.h alone, as C and as C++: it needs nothing before it, may come twice and draws no warning.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
header=$MINFER_SOURCE/engine/include
warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror)
use='#include <minfer.h>
#include <minfer.h>
int main() { return minfer_version() == 0; }'

echo "$use" >"$scratch/use.cpp"
echo "${use/main()/main(void)}" >"$scratch/use.c"
for standard in c11 c17 gnu11; do
  cc -std=$standard "${warnings[@]}" -Wstrict-prototypes -I "$header" -fsyntax-only "$scratch/use.c"
done
for standard in c++11 c++17 c++20; do
  c++ -std=$standard "${warnings[@]}" -Wold-style-cast -I "$header" -fsyntax-only "$scratch/use.cpp"
done

# Every function it declares is in the library that people link, and no other is.
grep -o 'minfer_[a-z_]*(' "$header/minfer.h" | sed 's/($//' | sort -u >"$scratch/mentioned"
nm -D --defined-only "$MINFER_BUILD/libminfer.so" | awk '{ print $3 }' | grep '^minfer_' | sort -u >"$scratch/there"
missing=$(comm -13 "$scratch/mentioned" "$scratch/there")
[ -z "$missing" ] || { echo "in the library but not in minfer.h: $missing"; exit 1; }
declared=$(tr '\n' ' ' <"$header/minfer.h" | grep -o 'MINFER_API [^;]*;' | grep -o 'minfer_[a-z_]*(' | sed 's/($//' | sort -u)
missing=$(comm -23 <(echo "$declared") "$scratch/there")
[ -z "$missing" ] || { echo "in minfer.h but not in the library: $missing"; exit 1; }
echo "minfer.h compiles as C and C++; $(wc -l <"$scratch/there") functions are exported"
