// Progress on stderr: one line rewritten on a terminal, else a line for each phase and about one a second.
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct progress {
  bool shown, terminal;
  bool open; // the terminal's line holds text
  char phase[64];
  double next_s; // when the next line of the same phase is due
} progress;

// `wanted`: --progress; `quiet`: --quiet. Without both it is shown on a terminal.
progress progress_start(bool wanted, bool quiet);
// `detail` may be empty.
void progress_show(progress *p, const char *phase, const char *format, ...) __attribute__((format(printf, 3, 4)));
void progress_clear(progress *p); // before anything else is written to the terminal

// For minfer_session_options: `context` is the progress. False after Ctrl-C.
bool progress_step(const char *phase, size_t done, size_t total, void *context);

#endif
