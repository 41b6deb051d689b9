#include "report/html.h"
#include "report/data.h"

bool report_html_write(FILE *out, const void *traces) {
  fwrite(report_page_head, 1, report_page_head_size, out);
  const bool done = report_data_write(out, traces);
  fwrite(report_page_tail, 1, report_page_tail_size, out);
  return done;
}
