// minfer report: traces as one page, and as charts.
#include "console.h"
#include "fail.h"
#include "report/charts.h"
#include "report/html.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static minfer_status check_output(const char *path, const path_list *traces, minfer_error *error) {
  struct stat old, trace;
  TRY(console_check_path(path, error));
  if (stat(path, &old) != 0) return MINFER_OK;
  for (size_t i = 0; i < traces->count; i++)
    if (stat(traces->items[i], &trace) == 0 && old.st_dev == trace.st_dev && old.st_ino == trace.st_ino)
      return fail(error, MINFER_USAGE, "%s: is a trace of the report and would be overwritten (-o names the page)",
                  path);
  return MINFER_OK;
}

static minfer_status make_folder(const char *path, minfer_error *error) {
  struct stat info;
  if (mkdir(path, 0777) == 0) return MINFER_OK;
  const int why = errno;
  if (why == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return MINFER_OK;
  return fail(error, MINFER_OUTPUT, "%s: cannot be written: %s", path, strerror(why == EEXIST ? ENOTDIR : why));
}

minfer_status cmd_report(const options *o, console *c, minfer_error *error) {
  const char *path = o->out ? o->out : "report.html";
  report_traces traces = {0};
  TRY(check_output(path, &o->traces, error));
  minfer_status status = report_traces_read(&traces, &o->traces, error);
  if (status == MINFER_OK) status = console_emit(c, path, report_html_write, &traces, error);
  if (status == MINFER_OK) console_note(c, "%s is written (open it in a browser)", path);
  if (status == MINFER_OK && o->charts) status = make_folder(o->charts, error);
  if (status == MINFER_OK && o->charts) status = report_charts_write(&traces, o->charts, error);
  if (status == MINFER_OK && o->charts) console_note(c, "the charts are in %s", o->charts);
  report_traces_free(&traces);
  return status;
}
