// From lists to combinations.
#include "fail.h"
#include "setup.h"
#include "suggest.h"
#include "sweep.h"
#include <stdlib.h>
#include <string.h>

enum { COMBINATIONS = 100000, SPIN_MOST = 2000000000 };

// "0+2-3" is the list "0,2-3": commas part the items.
static void restore_commas(name_list *affinities) {
  for (size_t i = 0; i < affinities->count; i++)
    for (char *c = affinities->items[i]; *c; c++)
      if (*c == '+') *c = ',';
}

static minfer_status check_names(const sweep_plan *p, const options *o, minfer_error *error) {
  for (size_t i = 0; i < p->models.count; i++) {
    options one = *o;
    minfer_model_options model;
    one.model = p->models.items[i];
    TRY(setup_model_options(&one, &model, error));
  }
  return MINFER_OK;
}

static int find_dtype(const char *name) {
  for (int dtype = MINFER_F32; dtype <= MINFER_INT8; dtype++)
    if (strcmp(options_dtype_name(dtype), name) == 0) return dtype;
  return -1;
}

static minfer_status parse_lists(sweep_plan *p, const options *o, minfer_error *error) {
  TRY(name_list_parse(&p->models, "--models", o->models, error));
  TRY(name_list_parse(&p->dtypes, "--dtypes", o->dtypes ? o->dtypes : "f32", error));
  TRY(number_list_parse(&p->batches, "--batches", o->batches ? o->batches : "1", 1, 65536, error));
  TRY(number_list_parse(&p->instances, "--instances", o->instance_list ? o->instance_list : "1", 1, 1024, error));
  TRY(number_list_parse(&p->chunks, "--chunks", o->chunks ? o->chunks : "0", 0, 65536, error));
  if (o->thread_list) TRY(number_list_parse(&p->threads, "--threads", o->thread_list, 1, 1024, error));
  if (o->spins) TRY(number_list_parse(&p->spins, "--spins", o->spins, 0, SPIN_MOST, error));
  if (o->affinities) TRY(name_list_parse(&p->affinities, "--affinities", o->affinities, error));
  restore_commas(&p->affinities);
  for (size_t i = 0; i < p->dtypes.count; i++)
    if (find_dtype(p->dtypes.items[i]) < 0)
      return fail(error, MINFER_USAGE, "--dtypes: \"%s\" is none of f32, bf16, f16, int8", p->dtypes.items[i]);
  return check_names(p, o, error);
}

// A list that was not given stands for one value that the environment or the machine chooses.
static size_t or_one(size_t count) {
  return count ? count : 1;
}

static int default_threads(const sweep_plan *p, int instances) {
  if (p->defaults.threads) return p->defaults.threads;
  const int each = minfer_environment_get()->default_threads / instances;
  return each ? each : 1;
}

static size_t take_digit(size_t *number, size_t base) {
  const size_t digit = *number % or_one(base);
  *number /= or_one(base);
  return digit;
}

// Number `i` of the group, counted like digits: affinities turn fastest.
static void fill(combination *c, const sweep_plan *p, const options *o, size_t model, size_t batch, size_t i) {
  const size_t affinity = take_digit(&i, p->affinities.count), spin = take_digit(&i, p->spins.count),
               instances = take_digit(&i, p->instances.count), threads = take_digit(&i, p->threads.count),
               chunk = take_digit(&i, p->chunks.count), dtype = i;
  options *own = &c->options;
  *own = *o;
  own->model = p->models.items[model];
  own->batch = p->batches.items[batch];
  own->chunk = p->chunks.items[chunk];
  own->dtype = find_dtype(p->dtypes.items[dtype]);
  own->instances = p->instances.items[instances];
  own->threads = p->threads.count ? p->threads.items[threads] : default_threads(p, own->instances);
  if (p->spins.count) own->spin_us = p->spins.items[spin];
  if (o->affinities && strcmp(p->affinities.items[affinity], "default") != 0)
    own->affinity = p->affinities.items[affinity];
  c->key = (sweep_row){.model = p->models.items[model],
                       .weights = p->weights[model],
                       .settings = p->settings,
                       .cpu = (char *)minfer_environment_get()->cpu,
                       .minfer = (char *)minfer_version(),
                       .onednn = (char *)minfer_environment_get()->onednn_version,
                       .dtype = p->dtypes.items[dtype],
                       .affinity = p->affinities.items[affinity],
                       .batch = own->batch,
                       .chunk = own->chunk,
                       .threads = own->threads,
                       .instances = own->instances,
                       .spin_us = p->spins.count ? own->spin_us : setup_spin_us(&p->defaults)};
}

minfer_status sweep_plan_make(sweep_plan *p, const options *o, minfer_error *error) {
  *p = (sweep_plan){0};
  TRY(parse_lists(p, o, error));
  TRY(sweep_identify(p, o, error));
  p->defaults = setup_session_options(o, NULL);
  if (!p->affinities.count)
    TRY(name_list_add(&p->affinities, p->defaults.affinity ? p->defaults.affinity : "default", error));
  const size_t sizes[] = {p->models.count,    p->batches.count,       p->dtypes.count,     or_one(p->threads.count),
                          p->instances.count, or_one(p->spins.count), p->affinities.count, p->chunks.count};
  p->count = 1;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    p->count *= sizes[i];
    if (p->count > COMBINATIONS) return fail(error, MINFER_USAGE, "more than %d combinations", COMBINATIONS);
  }
  p->group = p->count / p->models.count / p->batches.count;
  p->items = calloc(p->count, sizeof *p->items);
  if (!p->items) return fail_memory(error);
  for (size_t i = 0; i < p->count; i++) {
    const size_t group = i / p->group;
    fill(&p->items[i], p, o, group / p->batches.count, group % p->batches.count, i % p->group);
  }
  return MINFER_OK;
}

void sweep_plan_free(sweep_plan *p) {
  for (size_t i = 0; p->weights && i < p->models.count; i++) free(p->weights[i]);
  free(p->weights);
  free(p->settings);
  name_list_free(&p->models);
  name_list_free(&p->dtypes);
  name_list_free(&p->affinities);
  number_list_free(&p->batches);
  number_list_free(&p->threads);
  number_list_free(&p->instances);
  number_list_free(&p->spins);
  number_list_free(&p->chunks);
  free(p->items);
  *p = (sweep_plan){0};
}
