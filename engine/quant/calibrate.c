// The procedure: observe f32 once; then for every calibrator in question quantise, correct the biases and judge.
#include "base/log.h"
#include "graph/edit.h"
#include "plan/plan.h"
#include "quant/assign.h"
#include "quant/correct.h"
#include "quant/fallback.h"
#include "quant/internal.h"
#include "quant/slower.h"
#include <math.h>
#include <string.h>

#define JUDGED 128 // images that settings are judged on

mf_status mf_quant_tell(const mf_quant_run *r, const char *phase, size_t done, size_t total, mf_error *e) {
  const mf_quant_options *o = r->options;
  if (!o->progress || o->progress(phase, done, total, o->progress_context)) return MF_OK;
  return mf_fail(e, MF_ERR_INTERRUPTED, "interrupted");
}

mf_status mf_quant_open(const mf_quant_run *r, int64_t batch, mf_quant_network *out, mf_error *e) {
  *out = (mf_quant_network){0};
  MF_TRY(mf_graph_rebatch(r->graph, batch, e));
  const mf_plan_options options = {
      .algorithm = r->options->algorithm, .activations = MF_F32, .float_input = r->options->float_input};
  MF_TRY(mf_plan_create(&out->plan, r->graph, &options, r->pool, NULL, NULL, e));
  mf_status status = mf_session_create(&out->session, out->plan, r->pool, e);
  if (status != MF_OK) mf_quant_close(out);
  return status;
}

void mf_quant_close(mf_quant_network *n) {
  mf_session_free(n->session);
  mf_plan_free(n->plan);
  *n = (mf_quant_network){0};
}

void mf_quant_forget(mf_graph *g) {
  for (int t = 0; t < g->tensor_count; t++) g->tensors[t].quantization = (mf_quantization){0};
  for (int n = 0; n < g->node_count; n++) g->nodes[n].compute = MF_F32;
}

// ---- judging

static int largest(const float *row, size_t count) {
  size_t best = 0;
  for (size_t i = 1; i < count; i++)
    if (row[i] > row[best]) best = i;
  return (int)best;
}

mf_status mf_quant_judge(const mf_quant_run *r, const mf_quant_network *n, int64_t batch, mf_quality *out,
                         mf_error *e) {
  const int count = r->samples->count, wanted = count < JUDGED ? count : JUDGED;
  double signal = 0, noise = 0;
  int images = 0, agreeing = 0, items[MF_CORRECTED];
  for (int i = 0; i < wanted;) {
    int64_t filled = 0;
    for (; i < wanted && filled < batch; i++) {
      const int item = mf_quant_spaced(i, wanted, count);
      if (r->broken[item]) continue;
      MF_TRY(r->samples->fill(r->samples->context, n->session, filled, item, e));
      items[filled++] = item;
    }
    if (filled == 0) break;
    MF_TRY(mf_session_run(n->session, NULL, MF_TRACE_OFF, 0, NULL, e));
    size_t all = 0;
    const float *output = mf_session_output(n->session, &all);
    for (int64_t k = 0; k < filled; k++) {
      const float *was = r->outputs + (size_t)items[k] * r->classes, *is = output + (size_t)k * r->classes;
      for (size_t c = 0; c < r->classes; c++) {
        const double before = (double)was[c], difference = before - (double)is[c];
        signal += before * before;
        noise += difference * difference;
      }
      agreeing += largest(was, r->classes) == largest(is, r->classes);
      images++;
    }
  }
  *out = (mf_quality){
      .sqnr_db = 10 * log10(signal / noise), .agreement = images ? (double)agreeing / images : NAN, .images = images};
  return MF_OK;
}

// ---- one setting

static mf_status fill_corrections(const mf_quant_run *r, const mf_quant_network *n, mf_error *e) {
  for (int i = 0; i < r->correction_item_count; i++)
    MF_TRY(r->samples->fill(r->samples->context, n->session, i, r->correction_items[i], e));
  return MF_OK;
}

// Corrections with more and less of the inputs' shift in them; keeps those whose output is closest to f32's.
static mf_status correct(const mf_quant_run *r, const mf_quant_network *n, mf_calibration *out, mf_quality *best,
                         mf_error *e) {
  static const double follow[] = {1, 0.5, 0};
  best->sqnr_db = -INFINITY;
  for (size_t i = 0; i < sizeof follow / sizeof *follow; i++) {
    mf_calibration one = {0};
    mf_quality quality = {0};
    mf_status status = fill_corrections(r, n, e);
    if (status == MF_OK)
      status = mf_quant_correct(&one, r->graph, n->plan, n->session, r->correction_item_count, &r->seen.taps, follow[i],
                                r->pool, e);
    if (status == MF_OK) status = mf_quant_judge(r, n, r->correction_item_count, &quality, e);
    if (status == MF_OK && quality.sqnr_db > best->sqnr_db) {
      *best = quality;
      status = mf_calibration_take_corrections(out, &one, e);
    }
    mf_calibration_free(&one);
    MF_TRY(status);
  }
  return MF_OK;
}

static mf_status try_parts(const mf_quant_run *r, const mf_quant_network *n, mf_calibration *out, mf_quality *plain,
                           mf_quality *corrected, mf_error *e) {
  const int64_t batch = r->correction_item_count ? r->correction_item_count : 1;
  const bool correctable = r->correction_item_count >= MF_CORRECTION_IMAGES;
  if (plain || r->options->no_bias_correction || !correctable) {
    MF_TRY(mf_quant_judge(r, n, batch, corrected, e));
    if (plain) *plain = *corrected;
  }
  if (correctable && (plain || !r->options->no_bias_correction)) MF_TRY(correct(r, n, out, corrected, e));
  if (r->options->no_bias_correction) out->correction_count = 0;
  return MF_OK;
}

mf_status mf_quant_try(const mf_quant_run *r, const mf_calibrator *calibrator, mf_calibration *out, mf_quality *plain,
                       mf_quality *corrected, mf_error *e) {
  mf_quant_network n;
  out->tensor_count = 0;
  MF_TRY(mf_quant_assign(out, r->graph, &r->seen, calibrator, e));
  MF_TRY(mf_calibration_annotate(out, r->graph, e));
  MF_TRY(mf_quant_open(r, r->correction_item_count ? r->correction_item_count : 1, &n, e));
  mf_status status = try_parts(r, &n, out, plain, corrected, e);
  mf_quant_close(&n);
  return status;
}

static bool is_better(const mf_quant_run *r, const mf_candidate *a, const mf_candidate *b) {
  return r->options->no_bias_correction ? a->plain.sqnr_db > b->plain.sqnr_db
                                        : a->corrected.sqnr_db > b->corrected.sqnr_db;
}

// Every calibrator; keeps the one that was named, or for "auto" the best.
static mf_status try_all(mf_quant_run *r, mf_calibration *out, mf_error *e) {
  const bool automatic = strcmp(r->options->calibrator, "auto") == 0;
  int total = 0, best = -1;
  while (mf_calibrator_at(total)) total++;
  for (int i = 0; i < total; i++) {
    const mf_calibrator *calibrator = mf_calibrator_at(i);
    mf_calibration one = {0};
    mf_candidate *c = &r->report->candidates[r->report->candidate_count++];
    c->calibrator = calibrator->name;
    mf_status status = mf_quant_try(r, calibrator, &one, &c->plain, &c->corrected, e);
    if (status == MF_OK) status = mf_quant_tell(r, "calibrators", (size_t)i + 1, (size_t)total, e);
    const bool taken = status == MF_OK && (automatic ? best < 0 || is_better(r, c, &r->report->candidates[best])
                                                     : strcmp(calibrator->name, r->options->calibrator) == 0);
    if (taken) {
      mf_calibration_free(out);
      *out = one;
      out->calibrator = calibrator->name;
      best = i;
    } else
      mf_calibration_free(&one);
    MF_TRY(status);
  }
  const mf_candidate *c = &r->report->candidates[best];
  r->calibrator = mf_calibrator_at(best);
  r->report->quality = r->options->no_bias_correction ? c->plain : c->corrected;
  return MF_OK;
}

mf_status mf_quant_take(mf_quant_run *r, mf_status named, mf_calibration *one, mf_calibration *out, mf_error *e) {
  mf_quality quality = {0};
  const mf_status status = named == MF_OK ? mf_quant_try(r, r->calibrator, one, NULL, &quality, e) : named;
  mf_calibration_free(status == MF_OK ? out : one);
  if (status != MF_OK) return status;
  *out = *one;
  r->report->quality = quality;
  return MF_OK;
}

static mf_status choose_calibrator(mf_quant_run *r, mf_calibration *out, mf_error *e) {
  const mf_quant_options *o = r->options;
  *r->report = (mf_quant_report){.passed_over = r->report->passed_over};
  if (o->survey || strcmp(o->calibrator, "auto") == 0) {
    MF_TRY(try_all(r, out, e));
  } else {
    MF_TRY(mf_calibrator_find(&r->calibrator, o->calibrator, e));
    MF_TRY(mf_quant_try(r, r->calibrator, out, NULL, &r->report->quality, e));
    out->calibrator = r->calibrator->name;
  }
  return MF_OK;
}

// With the equalisation in the place of *out when the output is nearer to f32's so.
static mf_status try_equalised(mf_quant_run *r, mf_calibration *out, mf_error *e) {
  MF_TRY(mf_quant_find_factors(r, e));
  if (!r->equalisation.equalisation_count) return MF_OK;
  mf_observations plain = r->seen;
  const mf_quant_report report = *r->report;
  const mf_calibrator *calibrator = r->calibrator;
  mf_calibration one = {0};
  r->seen = (mf_observations){0};
  mf_status status = mf_quant_equalise(r, e);
  if (status == MF_OK) status = mf_quant_observe(r, e);
  if (status == MF_OK) status = choose_calibrator(r, &one, e);
  const bool better = status == MF_OK && r->report->quality.sqnr_db > report.quality.sqnr_db;
  mf_calibration_free(better ? out : &one);
  mf_observations_free(better ? &plain : &r->seen);
  if (better) {
    *out = one;
    return MF_OK;
  }
  mf_quant_undo_equalisation(r);
  r->equalisation.equalisation_count = 0;
  r->seen = plain;
  *r->report = report;
  r->calibrator = calibrator;
  return status;
}

static mf_status choose(mf_quant_run *r, mf_calibration *out, mf_error *e) {
  const mf_quant_options *o = r->options;
  MF_TRY(mf_quant_prepare(r, e));
  if (o->equalise == MF_EQUALISE_ON) {
    MF_TRY(mf_quant_find_factors(r, e));
    if (r->equalisation.equalisation_count) MF_TRY(mf_quant_equalise(r, e));
  }
  MF_TRY(mf_quant_observe(r, e));
  MF_TRY(choose_calibrator(r, out, e));
  const mf_quality *q = &r->report->quality;
  if (o->equalise == MF_EQUALISE_AUTO && q->images && q->sqnr_db < MF_EQUALISE_BELOW_DB)
    MF_TRY(try_equalised(r, out, e));
  if (o->time_layers) MF_TRY(mf_quant_find_slower(r, out, e));
  return o->accuracy_target > 0 ? mf_quant_fall_back(r, out, e) : MF_OK;
}

mf_status mf_quant_calibrate(mf_calibration *out, mf_quant_report *report, mf_graph *graph, mf_pool *pool,
                             const mf_samples *samples, const mf_quant_options *options, mf_error *e) {
  mf_quant_run r = {.graph = graph,
                    .pool = pool,
                    .samples = samples,
                    .options = options,
                    .report = report,
                    .batch = graph->tensors[graph->input].shape.dim[0]};
  const mf_calibrator *known;
  *out = (mf_calibration){0};
  *report = (mf_quant_report){0};
  if (strcmp(options->calibrator, "auto") != 0) MF_TRY(mf_calibrator_find(&known, options->calibrator, e));
  mf_status status = choose(&r, out, e);
  if (status == MF_OK) status = mf_calibration_take_equalisations(out, &r.equalisation, e);
  out->samples = r.seen.samples;
  mf_quant_undo_equalisation(&r);
  mf_observations_free(&r.seen);
  mf_calibration_free(&r.equalisation);
  mf_arena_free(&r.arena);
  mf_error later;
  const mf_status restored = mf_graph_rebatch(graph, r.batch, status == MF_OK ? e : &later);
  if (status == MF_OK) status = restored;
  if (status != MF_OK) mf_calibration_free(out);
  return status;
}
