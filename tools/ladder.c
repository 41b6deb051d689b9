#include "ladder.h"
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include <math.h>
#include <string.h>

enum { ROUNDS_LEAST = 10, ROUNDS_WANTED = 6 }; // 6 make an interval, for which the budget is overdrawn
static const double rung_s = 5, overdraft = 4;

typedef struct rung_plan {
  const char *name, *words, *claim;
  minfer_dtype dtype;
  minfer_layout layout;
  bool unfused;
  minfer_algorithm algorithm;
  const char *isa;
} rung_plan;

#define F32(...)                                                                                                       \
  { .dtype = MINFER_F32, __VA_ARGS__ }
static const rung_plan ways[] = {
    F32(.name = "im2col on nchw", .words = "--layout nchw --fusion off --algorithm gemm", .layout = MINFER_LAYOUT_NCHW,
        .unfused = true, .algorithm = MINFER_ALGORITHM_GEMM),
    F32(.name = "direct on nchw", .words = "--layout nchw --fusion off", .layout = MINFER_LAYOUT_NCHW, .unfused = true),
    F32(.name = "blocked layouts", .words = "--layout blocked --fusion off", .claim = "layout",
        .layout = MINFER_LAYOUT_BLOCKED, .unfused = true),
    F32(.name = "layouts that oneDNN picks", .words = "--layout auto --fusion off --algorithm direct", .unfused = true,
        .algorithm = MINFER_ALGORITHM_DIRECT),
    F32(.name = "fusion", .words = "--fusion on --algorithm direct", .claim = "fusion",
        .algorithm = MINFER_ALGORITHM_DIRECT),
    F32(.name = "winograd", .words = "--algorithm auto"),
    {.name = "bf16", .words = "--bf16", .claim = "precision", .dtype = MINFER_BF16},
    {.name = "int8", .words = "--int8", .claim = "precision", .dtype = MINFER_INT8},
};
static const rung_plan f32_isas[] = {
    F32(.name = "sse41", .words = "--isa sse41", .isa = "sse41"),
    F32(.name = "avx2", .words = "--isa avx2", .isa = "avx2"),
    F32(.name = "avx512_core", .words = "--isa avx512_core", .isa = "avx512_core"),
};
static const rung_plan int8_isas[] = {
    {.name = "sse41", .words = "--int8 --isa sse41", .dtype = MINFER_INT8, .isa = "sse41"},
    {.name = "avx2", .words = "--int8 --isa avx2", .dtype = MINFER_INT8, .isa = "avx2"},
    {.name = "avx2_vnni", .words = "--int8 --isa avx2_vnni", .dtype = MINFER_INT8, .isa = "avx2_vnni"},
    {.name = "avx512_core", .words = "--int8 --isa avx512_core", .dtype = MINFER_INT8, .isa = "avx512_core"},
    {.name = "avx512_core_vnni",
     .words = "--int8 --isa avx512_core_vnni",
     .dtype = MINFER_INT8,
     .isa = "avx512_core_vnni"},
    {.name = "avx512_core_amx",
     .words = "--int8 --isa avx512_core_amx",
     .dtype = MINFER_INT8,
     .isa = "avx512_core_amx"},
};
#define COUNT(list) (int)(sizeof(list) / sizeof *(list))

static void fill(ladder *l, const char *title, const rung_plan *plans, int count, const options *common) {
  *l = (ladder){.title = title, .count = count};
  for (int i = 0; i < count; i++) {
    rung *r = &l->rungs[i];
    r->name = plans[i].name;
    r->words = plans[i].words;
    r->claim = plans[i].claim;
    r->options = *common;
    r->options.dtype = (int)plans[i].dtype;
    r->options.layout = (int)plans[i].layout;
    r->options.fusion = plans[i].unfused;
    r->options.algorithm = (int)plans[i].algorithm;
    r->options.isa = plans[i].isa;
    r->options.warmup = 2;
  }
}

void ladder_fill(ladder ladders[LADDER_COUNT], const options *common) {
  fill(&ladders[0], "Layout, fusion, precision", ways, COUNT(ways), common);
  fill(&ladders[1], "Instruction sets, f32", f32_isas, COUNT(f32_isas), common);
  fill(&ladders[2], "Instruction sets, int8", int8_isas, COUNT(int8_isas), common);
}

static minfer_status open_rungs(ladder *l, console *c, minfer_error *error) {
  for (int i = 0; i < l->count; i++) {
    rung *r = &l->rungs[i];
    r->verdict = RUNG_SKIPPED;
    if (r->why.status != MINFER_OK) continue;
    progress_show(&c->progress, "open", "%s", r->name);
    if (r->side.process) progress_clear(&c->progress); // the line would be two processes'
    const minfer_status status = side_open(&r->side, &r->why);
    if (status == MINFER_INTERRUPTED || interrupt_seen()) return fail(error, MINFER_INTERRUPTED, "interrupted");
    r->open = status == MINFER_OK;
  }
  return MINFER_OK;
}

static minfer_status judge(ladder *l, minfer_error *error) {
  const rung *first = NULL, *before = NULL;
  for (int i = 0; i < l->count; i++) {
    rung *r = &l->rungs[i];
    if (!r->open) continue;
    if (!stats_summarise(&r->side.rounds, &r->rounds)) return fail_memory(error);
    r->verdict = RUNG_FIRST;
    r->to_first = 1;
    if (before) {
      stats_summary whole;
      TRY(rounds_ratio(&before->side, &r->side, &r->gain, error));
      TRY(rounds_ratio(&first->side, &r->side, &whole, error));
      r->to_first = whole.p50;
      r->verdict = isnan(r->gain.low) ? RUNG_UNKNOWN
                   : r->gain.low > 1  ? RUNG_FASTER
                   : r->gain.high < 1 ? RUNG_SLOWER
                                      : RUNG_OPEN;
    }
    if (!first) first = r;
    before = r;
  }
  return MINFER_OK;
}

static bool is_precise(const ladder *l, double wanted) {
  for (int i = 0; i < l->count; i++) {
    const rung *r = &l->rungs[i];
    if (r->open && r->verdict != RUNG_FIRST && !(stats_precision(&r->gain) <= wanted)) return false;
  }
  return true;
}

minfer_status ladder_measure(ladder *l, const options *o, console *c, minfer_error *error) {
  side *sides[LADDER_RUNGS];
  size_t open = 0, round = 0;
  TRY(open_rungs(l, c, error));
  for (int i = 0; i < l->count; i++)
    if (l->rungs[i].open) sides[open++] = &l->rungs[i].side;
  if (!open) return MINFER_OK;
  const double wanted = (o->precision > 0 ? o->precision : 2) / 100, start = clock_s();
  const double budget_s = (o->budget_s > 0 ? o->budget_s : rung_s) * (double)open;
  rounds_settle(sides[open - 1]);
  for (;; round++) {
    const double elapsed = clock_s() - start;
    const double limit_s = round < ROUNDS_WANTED ? overdraft * budget_s : budget_s;
    if (o->iterations ? round >= (size_t)o->iterations : round && elapsed >= limit_s) break;
    if (!o->iterations && round >= ROUNDS_LEAST) {
      TRY(judge(l, error));
      if (is_precise(l, wanted)) break;
    }
    progress_show(&c->progress, l->title, "round %zu, at most %.0f s left", round, fmax(0, budget_s - elapsed));
    const minfer_status status = rounds_take(sides, open, o, round, false, error);
    if (status == MINFER_INTERRUPTED && round) break; // the whole rounds count
    TRY(status);
  }
  return judge(l, error);
}
