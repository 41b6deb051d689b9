#!/bin/bash
# A shell script that sweeps networks over batch sizes, as articles on thread settings print it, with minfer in the framework's place:
#   bench/reproduce/cnn_sweep.sh [OPTION of minfer sweep...]      e.g. --dtypes int8 --budget 1
# NETWORKS and BATCHES name others than these; OMP_NUM_THREADS and the KMP_ variables hold as for programs over OpenMP.
set -euo pipefail
minfer=${MINFER:-$(dirname "${BASH_SOURCE[0]}")/../../build/release/minfer}
networks=${NETWORKS:-alexnet googlenet inception3 resnet50 resnet152 vgg16}
batches=${BATCHES:-1 32 64 96 128}
export KMP_AFFINITY=${KMP_AFFINITY:-granularity=fine,compact,1,0} KMP_BLOCKTIME=${KMP_BLOCKTIME:-1} KMP_SETTINGS=${KMP_SETTINGS:-1}

echo 'network batch_size images/second'
ran=
for network in $networks; do
  model=$network
  if [ "$network" = inception3 ]; then model=inception_v3; fi
  for batch in $batches; do
    # The reason for a missing rate is on stderr.
    rate=$("$minfer" sweep --models "$model" --weights synthetic --batches "$batch" --format jsonl --quiet "$@" |
      sed -n 's/.*"images_per_s": *\([0-9.]*\).*/\1/p') || true
    if [ -n "$rate" ]; then
      ran=1
      rate=$(LC_ALL=C printf %.2f "$rate")
    fi
    echo "$network $batch ${rate:--}"
  done
done
[ -n "$ran" ] # as minfer sweep: 0 when any combination ran
