// The charts as files for papers: kinds, layers, roofline, startup and memory, each as NAME.svg and NAME.png; of
// several traces as NAME-1, NAME-2, ...; and comparison of two. Each file is written whole or not at all.
#ifndef TOOLS_REPORT_CHARTS_H
#define TOOLS_REPORT_CHARTS_H

#include "report/traces.h"

minfer_status report_charts_write(const report_traces *traces, const char *folder,
                                  minfer_error *error); // MINFER_OUTPUT, MINFER_UNSUPPORTED

#endif
