// The traces as one line of JSON for the page's scripts: arrays of columns, times in ns.
#ifndef TOOLS_REPORT_DATA_H
#define TOOLS_REPORT_DATA_H

#include "report/traces.h"

// No "<" is left in it, so that no name can end the element it stands in. False without memory.
bool report_data_write(FILE *out, const report_traces *traces);

#endif
