#include "progress.h"
#include "clock.h"
#include "interrupt.h"
#include "text.h"
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

progress progress_start(bool wanted, bool quiet) {
  bool terminal = isatty(STDERR_FILENO);
  return (progress){.shown = wanted || (terminal && !quiet), .terminal = terminal};
}

void progress_show(progress *p, const char *phase, const char *format, ...) {
  if (!p->shown) return;
  double now = clock_s();
  bool same = strcmp(p->phase, phase) == 0;
  if (same && now < p->next_s) return;
  p->next_s = now + (p->terminal ? 0.1 : 1);
  if (!same) snprintf(p->phase, sizeof p->phase, "%s", phase);
  char detail[128];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(detail, sizeof detail, format, arguments);
  va_end(arguments);
  if (p->terminal) fputs("\r\033[K", stderr);
  text_put(stderr, phase);
  if (detail[0]) fputs(": ", stderr);
  text_put(stderr, detail);
  if (!p->terminal) putc('\n', stderr);
  p->open = p->terminal;
  fflush(stderr);
}

void progress_clear(progress *p) {
  if (p->open) fputs("\r\033[K", stderr);
  p->open = false;
}

bool progress_step(const char *phase, size_t done, size_t total, void *context) {
  if (total)
    progress_show(context, phase, "%zu of %zu", done, total);
  else
    progress_show(context, phase, "%s", "");
  return !interrupt_seen();
}
