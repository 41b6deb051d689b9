// One run that stops behind every layer and shows what it wrote, in plain float.
#include "plan/onednn.h"
#include "run/internal.h"
#include <oneapi/dnnl/dnnl_threadpool.h>

// The value as dense float, through a reorder where it lies in another layout or type. Owned by the caller.
static mf_status as_floats(mf_session *s, int index, float *out, mf_error *e) {
  const mf_plan *plan = mf_session_plan(s);
  const mf_value *value = &plan->values[index];
  static const dnnl_format_tag_t dense[] = {0, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd};
  const mf_shape *shape = &plan->graph->tensors[value->tensor].shape;
  dnnl_memory_desc_t plain = NULL;
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_memory_t from = NULL, to = NULL;
  dnnl_stream_t stream = NULL;
  union {
    const void *in;
    void *out;
  } source = {mf_session_value(s, index)};
  mf_status result = mf_onednn_md(&plain, shape, MF_F32, dense[shape->rank], e);
  if (result != MF_OK) return result;
  dnnl_status_t status = dnnl_primitive_attr_create(&attr);
  if (!status) status = dnnl_reorder_primitive_desc_create(&pd, value->md, plan->engine, plain, plan->engine, attr);
  if (!status) status = dnnl_primitive_create(&primitive, pd);
  if (!status) status = dnnl_memory_create(&from, value->md, plan->engine, source.out);
  if (!status) status = dnnl_memory_create(&to, plain, plan->engine, out);
  if (!status)
    status = dnnl_threadpool_interop_stream_create(&stream, plan->engine, mf_pool_onednn(mf_session_pool(s)));
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  if (!status) status = dnnl_primitive_execute(primitive, stream, 2, arguments);
  if (stream) dnnl_stream_destroy(stream);
  if (to) dnnl_memory_destroy(to);
  if (from) dnnl_memory_destroy(from);
  if (primitive) dnnl_primitive_destroy(primitive);
  if (pd) dnnl_primitive_desc_destroy(pd);
  if (attr) dnnl_primitive_attr_destroy(attr);
  dnnl_memory_desc_destroy(plain);
  return mf_onednn_check(status, "reading an activation", e);
}

static mf_status show(mf_session *s, int index, float *buffer, mf_session_observer observer, void *context,
                      mf_error *e) {
  const mf_plan *plan = mf_session_plan(s);
  const mf_value *value = &plan->values[index];
  size_t count = 0;
  if (!mf_shape_elements(&plan->graph->tensors[value->tensor].shape, &count)) return mf_fail_memory(e, SIZE_MAX);
  MF_TRY(as_floats(s, index, buffer, e));
  if (value->quantization.set) // integers were widened; the scale makes them real
    for (size_t i = 0; i < count; i++)
      buffer[i] = (buffer[i] - (float)value->quantization.zero_point) * value->quantization.scale;
  return observer(value->tensor, buffer, count, context, e);
}

static mf_status observe_all(mf_session *s, float *buffer, mf_session_observer observer, void *context, mf_error *e) {
  const mf_plan *plan = mf_session_plan(s);
  MF_TRY(show(s, plan->input, buffer, observer, context, e));
  for (int i = 0; i < plan->step_count; i++) {
    const mf_step *step = &plan->steps[i];
    MF_TRY(mf_session_step(s, i, e));
    if (step->is_reorder) continue;
    for (int a = 0; a < step->argument_count; a++)
      if (step->arguments[a].dnnl == DNNL_ARG_DST)
        MF_TRY(show(s, step->arguments[a].index, buffer, observer, context, e));
  }
  return MF_OK;
}

mf_status mf_session_observe(mf_session *s, int chunk, mf_session_observer observer, void *context, mf_error *e) {
  const mf_plan *plan = mf_session_plan(s);
  size_t most = 0, bytes;
  for (int v = 0; v < plan->value_count; v++) {
    size_t count = 0;
    if (!mf_shape_elements(&plan->graph->tensors[plan->values[v].tensor].shape, &count))
      return mf_fail_memory(e, SIZE_MAX);
    if (count > most) most = count;
  }
  float *buffer = mf_mul(most, sizeof *buffer, &bytes) ? mf_alloc(bytes) : NULL;
  if (!buffer) return mf_fail_memory(e, most);
  mf_pool_bind_caller(mf_session_pool(s));
  mf_status status = mf_session_select(s, chunk, e);
  if (status == MF_OK) status = observe_all(s, buffer, observer, context, e);
  mf_free(buffer);
  return status;
}
