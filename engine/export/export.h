// Exporters: a trace as a file in somebody's format. exporter.def lists them; each is one file with one function.
#ifndef MF_EXPORT_EXPORT_H
#define MF_EXPORT_EXPORT_H

#include "trace/trace.h"
#include <stdio.h>

typedef struct mf_exporter {
  const char *name;                                                 // "chrome"
  const char *suffix;                                               // ".trace.json"
  mf_status (*write)(const mf_trace *trace, FILE *to, mf_error *e); // write errors are left in ferror(to)
} mf_exporter;
#define MF_EXPORTER(name, suffix) mf_status mf_export_##name(const mf_trace *trace, FILE *to, mf_error *e);
#include "export/exporter.def"
#undef MF_EXPORTER

extern const mf_exporter mf_exporters[];
extern const int mf_exporter_count;
const mf_exporter *mf_exporter_find(const char *name);     // NULL when there is none
const mf_exporter *mf_exporter_for_path(const char *path); // by the longest suffix that fits; NULL when none does

#endif
