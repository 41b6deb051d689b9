#include "report/charts.h"
minfer_status report_charts_write(const report_traces *traces, const char *folder, minfer_error *error) {
  (void)traces;(void)folder;(void)error; return MINFER_OK;
}
