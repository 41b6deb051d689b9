// The report as one page that needs nothing else: no network, no fonts, no scripts beside it.
#ifndef TOOLS_REPORT_HTML_H
#define TOOLS_REPORT_HTML_H

#include "report/traces.h"

bool report_html_write(FILE *out, const void *traces); // a report_traces; false without memory

// page.html, page.css and *.js, joined by embed.cmake: what stands before the data, and behind it.
extern const unsigned char report_page_head[], report_page_tail[];
extern const size_t report_page_head_size, report_page_tail_size;

#endif
