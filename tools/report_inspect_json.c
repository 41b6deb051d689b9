// schema/inspect.json in C.
#include "report.h"

static void put_argument(minfer_json *j, const char *key, const minfer_argument *a) {
  if (!a->format[0]) {
    minfer_json_string(j, key, NULL);
    return;
  }
  minfer_json_object(j, key);
  minfer_json_string(j, "format", a->format);
  minfer_json_string(j, "dtype", a->dtype);
  minfer_json_end(j);
}

static void put_primitive(minfer_json *j, const minfer_primitive *p) {
  minfer_json_object(j, NULL);
  minfer_json_string(j, "kind", p->kind);
  minfer_json_string(j, "name", p->name);
  minfer_json_int(j, "layer", p->layer);
  minfer_json_string(j, "impl", p->impl);
  minfer_json_string(j, "problem", p->problem);
  put_argument(j, "source", &p->source);
  put_argument(j, "weights", &p->weights);
  put_argument(j, "bias", &p->bias);
  put_argument(j, "destination", &p->destination);
  minfer_json_string(j, "post_ops", p->post_ops);
  minfer_json_int(j, "scratchpad_bytes", (int64_t)p->scratchpad_bytes);
  minfer_json_double(j, "flops", p->flops);
  minfer_json_int(j, "bytes_read", (int64_t)p->bytes_read);
  minfer_json_int(j, "bytes_written", (int64_t)p->bytes_written);
  minfer_json_string(j, "reason", p->reason);
  report_json_roof(j, p->roof_ns, p->bound);
  minfer_json_end(j);
}

static void put_buffer(minfer_json *j, const minfer_buffer *b) {
  minfer_json_object(j, NULL);
  minfer_json_string(j, "name", b->name);
  minfer_json_int(j, "offset", (int64_t)b->offset);
  minfer_json_int(j, "bytes", (int64_t)b->bytes);
  minfer_json_int(j, "first_primitive", b->first_primitive);
  minfer_json_int(j, "last_primitive", b->last_primitive);
  minfer_json_end(j);
}

bool report_inspect_json(FILE *out, const inspect_report *r) {
  const minfer_plan *plan = r->plan;
  minfer_json *j = report_json_open(out, r->options, "minfer.inspect/1");
  if (!j) return false;
  report_json_identity(j, r->model, plan, 1);
  report_json_peaks(j, plan);
  minfer_json_array(j, "kinds");
  for (int i = 0; i < r->counts->kind_count; i++) {
    minfer_json_object(j, NULL);
    minfer_json_string(j, "kind", r->counts->kinds[i].kind);
    minfer_json_int(j, "count", r->counts->kinds[i].count);
    minfer_json_end(j);
  }
  minfer_json_end(j);
  minfer_json_array(j, "layers");
  for (int i = 0; i < plan->layer_count; i++) {
    minfer_json_object(j, NULL);
    report_json_layer(j, plan, &plan->layers[i]);
    minfer_json_end(j);
  }
  minfer_json_end(j);
  minfer_json_array(j, "primitives");
  for (int i = 0; i < plan->primitive_count; i++) put_primitive(j, &plan->primitives[i]);
  minfer_json_end(j);
  minfer_json_array(j, "reorders");
  for (int i = 0; i < plan->primitive_count; i++) {
    if (!report_is_reorder(&plan->primitives[i])) continue;
    minfer_json_object(j, NULL);
    report_json_reorder(j, &plan->primitives[i]);
    minfer_json_end(j);
  }
  minfer_json_end(j);
  minfer_json_array(j, "buffers");
  for (int i = 0; i < plan->buffer_count; i++) put_buffer(j, &plan->buffers[i]);
  minfer_json_end(j);
  report_json_memory(j, plan, report_rss_peak());
  minfer_json_close(j);
  return true;
}
