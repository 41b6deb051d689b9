// minfer env: the machine, its peaks, oneDNN, and the environment variables in force.
#include "report.h"
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct env_report {
  const options *options;
  const console *console;
} env_report;

static bool is_listed(const char *variable) {
  static const char *const prefixes[] = {"OMP_", "KMP_", "ONEDNN_", "DNNL_", "MINFER_", "XDG_"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0) return strchr(variable, '=') != NULL;
  return false;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The listed variables, NAME=VALUE, in order of name; ended by NULL. Free the array. NULL without memory.
static const char **list_variables(void) {
  size_t count = 0;
  for (char **v = environ; v && *v; v++) count += is_listed(*v);
  const char **list = calloc(count + 1, sizeof *list);
  if (!list) return NULL;
  count = 0;
  for (char **v = environ; v && *v; v++)
    if (is_listed(*v)) list[count++] = *v;
  qsort(list, count, sizeof *list, by_name);
  return list;
}

// The thread settings of a run without options, and how many threads that are.
static minfer_session_options settings_in_force(const options *o, int *threads) {
  bool print_settings;
  minfer_session_options s = setup_session_options(o, &print_settings);
  *threads = s.threads ? s.threads : minfer_environment_get()->default_threads;
  return s;
}

static void put_bytes_json(minfer_json *j, const minfer_environment *e) {
  minfer_json_int(j, "l1d_bytes", (int64_t)e->l1d_bytes);
  minfer_json_int(j, "l2_bytes", (int64_t)e->l2_bytes);
  minfer_json_int(j, "l3_bytes", (int64_t)e->l3_bytes);
  minfer_json_int(j, "memory_bytes", (int64_t)e->memory_bytes);
  minfer_json_int(j, "cgroup_memory_bytes", (int64_t)e->cgroup_memory_bytes);
}

// ---- peaks

static const char *const levels[] = {"L1", "L2", "L3", "DRAM"};
typedef enum peak_group { PEAK_COMPUTE, PEAK_READ, PEAK_COPY, PEAK_GROUPS } peak_group;
static const struct {
  const char *key, *unit, *unit_key;
  int count;
} groups[PEAK_GROUPS] = {{"compute", "GFLOP/s", "gflops", MINFER_INT8 + 1},
                         {"read", "GB/s", "gbytes_per_s", MINFER_MEMORY_LEVELS},
                         {"copy", "GB/s", "gbytes_per_s", MINFER_MEMORY_LEVELS}};

static const char *peak_name(peak_group g, int i) {
  return g == PEAK_COMPUTE ? options_dtype_name(i) : levels[i];
}

static const minfer_peak *peak_at(const minfer_peak_row *row, peak_group g, int i) {
  return g == PEAK_COMPUTE ? &row->compute[i] : g == PEAK_READ ? &row->read[i] : &row->copy[i];
}

static bool has_peak(const minfer_peaks *p, peak_group g, int i) {
  bool found = false;
  for (int r = 0; r < p->row_count; r++) found |= peak_at(&p->rows[r], g, i)->rate > 0;
  return found;
}

static void put_peak_row_json(minfer_json *j, const minfer_peak_row *row) {
  minfer_json_object(j, NULL);
  minfer_json_int(j, "threads", row->threads);
  for (peak_group g = 0; g < PEAK_GROUPS; g++) {
    minfer_json_object(j, groups[g].key);
    for (int i = 0; i < groups[g].count; i++) {
      const minfer_peak *peak = peak_at(row, g, i);
      if (!(peak->rate > 0)) continue;
      minfer_json_object(j, peak_name(g, i));
      minfer_json_double(j, groups[g].unit_key, peak->rate);
      minfer_json_double(j, "clock_ghz", peak->clock_ghz);
      minfer_json_end(j);
    }
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_peaks_json(minfer_json *j, const minfer_peaks *p) {
  if (!p) {
    minfer_json_string(j, "peaks", NULL);
    return;
  }
  minfer_json_object(j, "peaks");
  minfer_json_string(j, "path", p->path);
  minfer_json_int(j, "measured_s", p->measured_s);
  minfer_json_double(j, "clock_ghz", p->clock_ghz);
  minfer_json_array(j, "rows");
  for (int r = 0; r < p->row_count; r++) put_peak_row_json(j, &p->rows[r]);
  minfer_json_end(j);
  minfer_json_end(j);
}

// "149.3 at 2.60 GHz"
static void peak_cell(table *t, const minfer_peak *peak) {
  if (peak->rate > 0 && peak->clock_ghz > 0)
    table_cell(t, "%.1f at %.2f GHz", peak->rate, peak->clock_ghz);
  else
    table_number(t, peak->rate > 0 ? peak->rate : NAN, 1);
}

static void put_peaks_table(page *p, const minfer_peaks *peaks) {
  char titles[TABLE_COLUMNS][24];
  struct tm when;
  char date[32] = "";
  const time_t seconds = (time_t)peaks->measured_s;
  if (localtime_r(&seconds, &when)) strftime(date, sizeof date, "%Y-%m-%d %H:%M", &when);
  page_heading(p, "Peaks, measured %s", date);
  page_line(p, "kept in %s; a core that adds integers runs at %.2f GHz", peaks->path, peaks->clock_ghz);
  table t = {0};
  table_column(&t, "peak", TABLE_LEFT);
  table_column(&t, "unit", TABLE_LEFT);
  // Of many rows the last ones fit: the first is always shown.
  const int room = TABLE_COLUMNS - 2, first = peaks->row_count > room ? peaks->row_count - room + 1 : 0;
  for (int r = 0, column = 0; r < peaks->row_count; r++) {
    if (r && r < first) continue;
    const int threads = peaks->rows[r].threads;
    snprintf(titles[column], sizeof titles[column], "%d thread%s", threads, threads == 1 ? "" : "s");
    table_column(&t, titles[column++], TABLE_RIGHT);
  }
  for (peak_group g = 0; g < PEAK_GROUPS; g++)
    for (int i = 0; i < groups[g].count; i++) {
      if (!has_peak(peaks, g, i)) continue;
      table_cell(&t, g == PEAK_COMPUTE ? "%s multiply-adds" : g == PEAK_READ ? "%s read" : "%s copy", peak_name(g, i));
      table_cell(&t, "%s", groups[g].unit);
      for (int r = 0; r < peaks->row_count; r++)
        if (!r || r >= first) peak_cell(&t, peak_at(&peaks->rows[r], g, i));
    }
  page_table(p, &t);
}

// As rows of the table of names and values.
static void put_peaks_facts(table *t, const minfer_peaks *peaks) {
  for (int r = 0; r < peaks->row_count; r++)
    for (peak_group g = 0; g < PEAK_GROUPS; g++)
      for (int i = 0; i < groups[g].count; i++) {
        const minfer_peak *peak = peak_at(&peaks->rows[r], g, i);
        if (!(peak->rate > 0)) continue;
        table_cell(t, "peak %s %s, %d threads, %s", groups[g].key, peak_name(g, i), peaks->rows[r].threads,
                   groups[g].unit);
        table_number(t, peak->rate, 1);
      }
}

// ---- the rest

static bool put_json(FILE *out, const env_report *r, const char **variables) {
  const minfer_environment *e = minfer_environment_get();
  int threads;
  const minfer_session_options s = settings_in_force(r->options, &threads);
  minfer_json *j = report_json_open(out, r->options, "minfer.env/1");
  if (!j) return false;
  minfer_json_string(j, "cpu", e->cpu);
  minfer_json_int(j, "logical_cpus", e->logical_cpus);
  minfer_json_int(j, "physical_cores", e->physical_cores);
  minfer_json_double(j, "cgroup_cpus", e->cgroup_cpus);
  minfer_json_int(j, "default_threads", e->default_threads);
  put_bytes_json(j, e);
  minfer_json_string(j, "isa", e->isa);
  minfer_json_bool(j, "native_int8", e->native_int8);
  minfer_json_bool(j, "native_bf16", e->native_bf16);
  minfer_json_bool(j, "native_f16", e->native_f16);
  minfer_json_bool(j, "amx", e->has_amx);
  minfer_json_object(j, "onednn");
  minfer_json_string(j, "version", e->onednn_version);
  minfer_json_string(j, "runtime", e->onednn_runtime);
  minfer_json_end(j);
  put_peaks_json(j, minfer_peaks_get());
  minfer_json_object(j, "settings");
  minfer_json_int(j, "threads", threads);
  if (s.spin_us < INT64_MAX)
    minfer_json_int(j, "spin_us", setup_spin_us(&s));
  else
    minfer_json_string(j, "spin_us", NULL);
  minfer_json_string(j, "affinity", s.affinity ? s.affinity : "default");
  minfer_json_end(j);
  minfer_json_object(j, "variables");
  for (const char **v = variables; *v; v++) {
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(*v, "="), *v);
    minfer_json_string(j, name, strchr(*v, '=') + 1);
  }
  minfer_json_close(j);
  return true;
}

static void put_size(table *t, const char *name, size_t bytes, const char *none) {
  char text[16];
  table_cell(t, "%s", name);
  table_cell(t, "%s", bytes ? text_bytes(text, bytes) : none);
}

static void put_fact(table *t, const char *name, const char *value) {
  table_cell(t, "%s", name);
  table_cell(t, "%s", value);
}

static void put_facts(table *t, const minfer_environment *e) {
  put_fact(t, "cpu", e->cpu);
  table_cell(t, "cores this process may use");
  table_cell(t, "%d physical, %d logical", e->physical_cores, e->logical_cpus);
  table_cell(t, "cgroup quota");
  if (e->cgroup_cpus > 0)
    table_cell(t, "%g CPUs", e->cgroup_cpus);
  else
    table_cell(t, "none");
  put_size(t, "L1 data cache", e->l1d_bytes, "unknown");
  put_size(t, "L2 cache", e->l2_bytes, "unknown");
  put_size(t, "L3 cache", e->l3_bytes, "unknown");
  put_size(t, "memory", e->memory_bytes, "unknown");
  put_size(t, "cgroup memory limit", e->cgroup_memory_bytes, "none");
  put_fact(t, "instruction set", e->isa);
  table_cell(t, "native");
  table_cell(t, "int8 %s, bf16 %s, f16 %s, AMX %s", e->native_int8 ? "yes" : "no", e->native_bf16 ? "yes" : "no",
             e->native_f16 ? "yes" : "no", e->has_amx ? "yes" : "no");
  table_cell(t, "oneDNN");
  table_cell(t, "%s, %s", e->onednn_version, e->onednn_runtime);
}

static void put_everything(table *t, const env_report *r, const char **variables) {
  int threads;
  const minfer_session_options s = settings_in_force(r->options, &threads);
  table_column(t, "name", TABLE_LEFT);
  table_column(t, "value", TABLE_LEFT);
  put_facts(t, minfer_environment_get());
  table_cell(t, "settings of a run");
  table_cell(t, "%s", setup_thread_settings((char[160]){0}, &s, threads));
  for (const char **v = variables; *v; v++) {
    table_cell(t, "%.*s", (int)strcspn(*v, "="), *v);
    table_cell(t, "%s", strchr(*v, '=') + 1);
  }
}

static bool put_page(FILE *out, const env_report *r, table *facts, const minfer_peaks *peaks) {
  page p = console_page(r->console, r->options, out);
  page_table(&p, facts);
  if (peaks)
    put_peaks_table(&p, peaks);
  else
    page_line(&p, "peaks: not measured (minfer env --measure)");
  return !p.failed;
}

static bool report_env(FILE *out, const void *report) {
  const env_report *r = report;
  const char **variables = list_variables();
  if (!variables) return false;
  bool done;
  if (report_is_json(r->options)) {
    done = put_json(out, r, variables);
  } else {
    const minfer_peaks *peaks = minfer_peaks_get();
    table facts = {0};
    put_everything(&facts, r, variables);
    if (r->options->format == FORMAT_CSV && peaks) put_peaks_facts(&facts, peaks);
    done = r->options->format == FORMAT_CSV ? report_table(out, r->console, r->options, &facts)
                                            : put_page(out, r, &facts, peaks);
  }
  free(variables);
  return done;
}

minfer_status cmd_env(const options *o, console *c, minfer_error *error) {
  if (o->measure) {
    const minfer_status status = minfer_measure_peaks(progress_step, &c->progress, error);
    progress_clear(&c->progress);
    if (status != MINFER_OK) return status;
  }
  return console_emit(c, o->out, report_env, &(env_report){o, c}, error);
}
