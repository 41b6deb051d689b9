// schema/accuracy.json in C.
#include "report.h"

static void put_f32(minfer_json *j, const accuracy *a) {
  minfer_json_object(j, "f32");
  minfer_json_double(j, "top1", accuracy_percent(a, a->f32.top1));
  minfer_json_double(j, "top5", accuracy_percent(a, a->f32.top5));
  minfer_json_end(j);
}

static void put_difference(minfer_json *j, const accuracy *a) {
  if (!a->compared) {
    minfer_json_string(j, "difference", NULL);
    return;
  }
  double low, high;
  accuracy_interval(a, &low, &high);
  minfer_json_object(j, "difference");
  minfer_json_double(j, "points", accuracy_percent(a, a->chosen.top1) - accuracy_percent(a, a->f32.top1));
  minfer_json_array(j, "ci95");
  minfer_json_double(j, NULL, low);
  minfer_json_double(j, NULL, high);
  minfer_json_end(j);
  minfer_json_int(j, "only_f32", (int64_t)a->only_f32);
  minfer_json_int(j, "only_chosen", (int64_t)a->only_chosen);
  minfer_json_end(j);
}

static void put_sqnr(minfer_json *j, const accuracy *a) {
  if (!a->compared) {
    minfer_json_string(j, "sqnr_db", NULL);
    return;
  }
  minfer_json_object(j, "sqnr_db");
  minfer_json_double(j, "all", accuracy_sqnr(a->signal, a->noise));
  minfer_json_double(j, "mean", a->sqnr_sum / (double)a->images);
  minfer_json_double(j, "worst", a->sqnr_worst);
  minfer_json_string(j, "worst_image", a->worst->file);
  minfer_json_end(j);
}

static void put_gate(minfer_json *j, const accuracy_report *r) {
  if (r->gate <= 0) {
    minfer_json_string(j, "gate", NULL);
    return;
  }
  minfer_json_object(j, "gate");
  minfer_json_double(j, "target", r->gate);
  minfer_json_bool(j, "passed", accuracy_passes(r->result, r->gate));
  minfer_json_end(j);
}

bool report_accuracy_json(FILE *out, const accuracy_report *r) {
  const accuracy *a = r->result;
  minfer_json *j = report_json_open(out, r->options, "minfer.accuracy/1");
  if (!j) return false;
  report_json_identity(j, r->model, r->plan, 1);
  minfer_json_int(j, "images", (int64_t)a->images);
  minfer_json_int(j, "skipped", (int64_t)r->skipped);
  minfer_json_double(j, "top1", accuracy_percent(a, a->chosen.top1));
  minfer_json_double(j, "top5", accuracy_percent(a, a->chosen.top5));
  minfer_json_double(j, "agreement_f32", (double)a->agreed / (double)a->images);
  put_f32(j, a);
  put_difference(j, a);
  put_sqnr(j, a);
  put_gate(j, r);
  minfer_json_double(j, "int8_share", report_int8_share(r->plan));
  minfer_json_double(j, "images_per_s", (double)a->images / r->seconds);
  minfer_json_close(j);
  return true;
}
