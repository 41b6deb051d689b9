// Any bytes: peaks that a roofline can be drawn with, or one line that names the file.
#include "run/roofline.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void draw(const mf_peaks *p) {
  static const mf_work works[] = {{.type = MF_PEAK_F32, .flops = 1e9, .read = 1 << 20, .written = 1 << 18},
                                  {.type = MF_PEAK_INT8, .flops = 1, .weights = 1 << 24, .written = 64},
                                  {.type = MF_PEAK_BF16, .read = 1 << 12}};
  if (p->row_count < 1 || p->row_count > MF_PEAK_ROWS || p->rows[0].threads != 1) abort();
  for (int threads = 1; threads <= 1024; threads *= 2)
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
      const mf_roof roof = mf_roofline(p, threads, &works[i], (size_t)1 << 26);
      if (!isfinite(roof.ns) || !(roof.ns > 0) || !roof.bound[0]) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  mf_peaks p;
  mf_error e = {0};
  const mf_status status = mf_peaks_parse(&p, (const char *)bytes, size, "p.json", &e);
  if (status == MF_OK)
    draw(&p);
  else if (status != MF_ERR_FILE || strncmp(e.text, "p.json: ", 8) != 0 || strchr(e.text, '\n'))
    abort();
  return 0;
}
