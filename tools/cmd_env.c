// minfer env: the machine, oneDNN, and the environment variables in force.
#include "report.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
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

static bool report_env(FILE *out, const void *report) {
  const env_report *r = report;
  const char **variables = list_variables();
  if (!variables) return false;
  bool done;
  if (report_is_json(r->options)) {
    done = put_json(out, r, variables);
  } else {
    int threads;
    const minfer_session_options s = settings_in_force(r->options, &threads);
    table t = {0};
    table_column(&t, "name", TABLE_LEFT);
    table_column(&t, "value", TABLE_LEFT);
    put_facts(&t, minfer_environment_get());
    table_cell(&t, "settings of a run");
    table_cell(&t, "%s", setup_thread_settings((char[160]){0}, &s, threads));
    for (const char **v = variables; *v; v++) {
      table_cell(&t, "%.*s", (int)strcspn(*v, "="), *v);
      table_cell(&t, "%s", strchr(*v, '=') + 1);
    }
    done = report_table(out, r->console, r->options, &t);
  }
  free(variables);
  return done;
}

minfer_status cmd_env(const options *o, console *c, minfer_error *error) {
  return console_emit(c, o->out, report_env, &(env_report){o, c}, error);
}
