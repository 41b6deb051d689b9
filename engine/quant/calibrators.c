#include "quant/calibrators.h"
#include <string.h>

static mf_interval minmax(const mf_statistics *s) {
  return (mf_interval){s->min, s->max};
}

static const mf_calibrator calibrators[] = {
#define MF_CALIBRATOR(name, summary) {#name, name},
#include "quant/calibrator.def"
#undef MF_CALIBRATOR
};
#define COUNT (sizeof calibrators / sizeof *calibrators)

mf_status mf_quant_calibrator(const mf_calibrator **out, const char *name, mf_error *e) {
  char names[256] = "";
  for (size_t i = 0; i < COUNT; i++) {
    if (strcmp(calibrators[i].name, name) == 0) {
      *out = &calibrators[i];
      return MF_OK;
    }
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", calibrators[i].name);
  }
  return mf_fail(e, MF_ERR_USAGE, "there is no calibrator %s (expected %s)", name, names);
}

const char *mf_quant_calibrator_name(const mf_calibrator *calibrator) {
  return calibrator->name;
}
