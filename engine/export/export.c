#include "export/export.h"
#include <string.h>

const mf_exporter mf_exporters[] = {
#define MF_EXPORTER(name, suffix) {#name, suffix, mf_export_##name},
#include "export/exporter.def"
#undef MF_EXPORTER
};
const int mf_exporter_count = (int)(sizeof mf_exporters / sizeof *mf_exporters);

const mf_exporter *mf_exporter_find(const char *name) {
  for (int i = 0; i < mf_exporter_count; i++)
    if (strcmp(mf_exporters[i].name, name) == 0) return &mf_exporters[i];
  return NULL;
}

const mf_exporter *mf_exporter_for_path(const char *path) {
  const mf_exporter *best = NULL;
  size_t length = strlen(path);
  for (int i = 0; i < mf_exporter_count; i++) {
    size_t suffix = strlen(mf_exporters[i].suffix);
    if (suffix <= length && strcmp(path + length - suffix, mf_exporters[i].suffix) == 0 &&
        (!best || suffix > strlen(best->suffix)))
      best = &mf_exporters[i];
  }
  return best;
}
