#include "base/random.h"
#include "base/clock.h"
#include "base/hash.h"
#include <unistd.h>

void mf_random(void *bytes, size_t count) {
  if (getentropy(bytes, count) == 0) return;
  // A sandbox that refuses: time, process and address tell two callers apart as well.
  const uint64_t told[] = {mf_now_ns(), mf_epoch_ns(), (uint64_t)getpid(), (uint64_t)(size_t)bytes};
  for (size_t i = 0; i < count; i++) ((unsigned char *)bytes)[i] = (unsigned char)mf_hash(told, sizeof told, i);
}
