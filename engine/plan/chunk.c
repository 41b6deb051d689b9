#include "plan/chunk.h"

int mf_plan_chunk(int batch, bool amx) {
  const int most = amx ? 8 : 32;
  if (batch <= most) return batch;
  for (int chunk = most; chunk >= most / 2; chunk--)
    if (batch % chunk == 0) return chunk;
  return batch;
}
