// The charts as files for papers: NAME.svg and NAME.png of kinds, layers, roofline, startup and memory, of the first trace; and of
// comparison, when there are two traces. Each file is written whole or not at all.
#ifndef TOOLS_REPORT_CHARTS_H
#define TOOLS_REPORT_CHARTS_H

#include "report/traces.h"

minfer_status report_charts_write(const report_traces *traces, const char *folder, minfer_error *error); // MINFER_OUTPUT, MINFER_UNSUPPORTED

#endif
