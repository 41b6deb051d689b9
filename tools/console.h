// The two streams of the program: results on stdout (or in the file of -o), everything else on stderr.
#ifndef TOOLS_CONSOLE_H
#define TOOLS_CONSOLE_H

#include "options.h"
#include "page.h"
#include "progress.h"

typedef struct console {
  int results; // descriptor of the results
  bool quiet;
  bool moved; // stdout belongs to oneDNN's verbose lines and leads to stderr
  progress progress;
} console;

// Once, before anything else is opened: makes closed standard streams harmless, and when oneDNN will write its verbose
// lines to stdout, leads those to stderr so that they cannot corrupt results. MINFER_UNSUPPORTED without descriptors.
minfer_status console_open(console *c, minfer_error *error);
void console_configure(console *c, const options *o);

void console_note(console *c, const char *format, ...) __attribute__((format(printf, 2, 3))); // silent with --quiet
void console_error(console *c, const minfer_error *error);
void console_log(int level, const char *line, void *context); // for minfer_set_log; `context` is the console

// Let `render` write, then deliver it whole: to `path`, or to stdout when that is NULL. `render` returns false without
// memory. MINFER_OUTPUT when it cannot be delivered.
typedef bool (*console_render)(FILE *out, const void *context);
minfer_status console_emit(console *c, const char *path, console_render render, const void *context,
                           minfer_error *error);
// A page for the table or markdown form, coloured and cut as the options and the terminal ask.
page console_page(const console *c, const options *o, FILE *out);
// MINFER_OUTPUT when a file at `path` could not be written for a reason that is known now: before a long measurement.
minfer_status console_check_path(const char *path, minfer_error *error);

#endif
