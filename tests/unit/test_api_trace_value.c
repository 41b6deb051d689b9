// Traces as values, through minfer.h: what a session recorded is written, read back and written again.
#include "api_fixture.h"
#include <stdlib.h>

static char *read_whole(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  *size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*size + 1);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *size, file), *size);
  bytes[*size] = 0;
  fclose(file);
  return bytes;
}

static void assert_same_files(const char *a, const char *b) {
  size_t a_size, b_size;
  char *x = read_whole(a, &a_size), *y = read_whole(b, &b_size);
  assert_int_equal(a_size, b_size);
  assert_memory_equal(x, y, a_size);
  free(x);
  free(y);
}

static const minfer_attribute *attribute(const minfer_attribute *list, int count, const char *key) {
  for (int i = 0; i < count; i++)
    if (strcmp(list[i].key, key) == 0) return &list[i];
  fail_msg("no attribute %s", key);
  return NULL;
}

static void assert_spans(const minfer_trace_view *view, minfer_session *session) {
  size_t count, dropped;
  const minfer_span *spans = minfer_session_spans(session, &count, &dropped);
  assert_int_equal(view->span_count, count);
  assert_int_equal(view->dropped, dropped);
  for (size_t i = 0; i < count; i++) {
    const minfer_span *a = &view->spans[i], *b = &spans[i];
    assert_true(a->kind == b->kind && a->id == b->id && a->parent == b->parent && a->index == b->index);
    assert_true(a->start_ns == b->start_ns && a->duration_ns == b->duration_ns && a->thread == b->thread);
    assert_true(a->effective_ns == b->effective_ns && a->spin_ns == b->spin_ns && a->wait_ns == b->wait_ns);
    assert_true(a->overhead_ns == b->overhead_ns && a->chunks == b->chunks);
  }
}

static void assert_items(const minfer_trace_view *view, const minfer_plan *plan) {
  assert_int_equal(view->phase_count, plan->phase_count);
  assert_int_equal(view->primitive_count, plan->primitive_count);
  for (int i = 0; i < plan->primitive_count; i++) {
    const minfer_item *item = &view->primitives[i];
    const minfer_primitive *p = &plan->primitives[i];
    assert_string_equal(item->name, p->name);
    assert_string_equal(item->category, p->kind);
    assert_true(item->flops == p->flops && item->bytes == (double)(p->bytes_read + p->bytes_written));
    assert_string_equal(attribute(item->attributes, item->attribute_count, "implementation")->text, p->impl);
    const minfer_attribute *read = attribute(item->attributes, item->attribute_count, "bytes_read");
    assert_true(read->type == MINFER_ATTRIBUTE_INT && read->integer == (int64_t)p->bytes_read);
    assert_true(read->number == (double)p->bytes_read);
  }
  for (int i = 0; i < view->layer_count; i++) {
    const minfer_layer *l = &plan->layers[i];
    if (!l->primitive_count) continue;
    const minfer_item *item = &view->layers[i];
    assert_string_equal(item->name, l->name);
    assert_string_equal(item->category, l->kind);
    const minfer_attribute *sources = attribute(item->attributes, item->attribute_count, "sources");
    assert_int_equal(sources->integer, l->source_count);
    for (int k = 0; k < l->source_count; k++) assert_string_equal(sources->texts[k], l->sources[k]);
  }
  assert_int_equal(view->buffer_count, plan->buffer_count);
  for (int i = 0; i < plan->buffer_count; i++) {
    const minfer_buffer *a = &view->buffers[i], *b = &plan->buffers[i];
    assert_string_equal(a->name, b->name);
    assert_true(a->offset == b->offset && a->bytes == b->bytes);
    assert_true(a->first_primitive == b->first_primitive && a->last_primitive == b->last_primitive);
  }
}

static void test_a_session_comes_back(void **state) {
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 1);
  minfer_session *session = api_session(model, input, (minfer_session_options){.threads = 2});
  minfer_trace *trace = NULL;
  char a[SUPPORT_PATH], b[SUPPORT_PATH];
  snprintf(a, sizeof a, "%s", support_path(state, "a.trace.json"));
  snprintf(b, sizeof b, "%s", support_path(state, "b.trace.json"));
  api_ok(minfer_session_load(session, input, 0, &api_error));
  for (int level = MINFER_TRACE_RUN; level <= MINFER_TRACE_THREAD; level++)
    for (int i = 0; i < 3; i++) {
      uint64_t ns;
      api_ok(minfer_session_run_traced(session, (minfer_trace_level)level, &ns, &api_error));
    }
  api_ok(minfer_trace_write(session, NULL, a, &api_error));
  api_ok(minfer_trace_read(a, &trace, &api_error));
  const minfer_trace_view *view = minfer_trace_describe(trace);
  assert_string_equal(view->name, "minfer mobilenet_v1 f32");
  assert_spans(view, session);
  assert_items(view, minfer_session_plan(session));
  const minfer_attribute *threads = attribute(view->environment, view->environment_count, "threads");
  assert_true(threads->type == MINFER_ATTRIBUTE_INT && threads->integer == 2);
  api_ok(minfer_trace_convert(trace, "chrome", b, &api_error));
  assert_same_files(a, b);
  minfer_trace_free(trace);
  minfer_session_free(session);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_what_cannot_be_read_or_written(void **state) {
  minfer_trace *trace = (minfer_trace *)(void *)state;
  const char *path = support_path(state, "a.trace.json");
  api_fails(minfer_trace_read(path, &trace, &api_error), MINFER_FILE, "a.trace.json: ");
  assert_null(trace);
  support_write_file(path, "{}", 2);
  api_fails(minfer_trace_read(path, &trace, &api_error), MINFER_FILE, "\"schema\" is missing");
  assert_null(trace);
  static const char empty[] =
      "{\"schema\":\"minfer.trace/1\",\"clock\":{\"origin_monotonic_ns\":0,\"monotonic_ns\":0,"
      "\"epoch_ns\":0},\"environment\":{},\"memory\":[],\"dropped_records\":0,\"traceEvents\":[]}";
  support_write_file(path, empty, sizeof empty - 1);
  api_ok(minfer_trace_read(path, &trace, &api_error));
  assert_int_equal(minfer_trace_describe(trace)->span_count, 0);
  api_fails(minfer_trace_convert(trace, "yaml", path, &api_error), MINFER_USAGE, "there is no trace format yaml");
  api_fails(minfer_trace_convert(trace, NULL, support_path(state, "a.gif"), &api_error), MINFER_USAGE, "a.gif: ");
  api_fails(minfer_trace_convert(trace, NULL, support_path(state, "nowhere/b.trace.json"), &api_error), MINFER_OUTPUT,
            "cannot be written");
  minfer_trace_free(trace);
  minfer_trace_free(NULL);
}

static mf_status attempt(void *context, mf_error *e) {
  minfer_trace *trace = NULL;
  minfer_error error;
  const minfer_status status = minfer_trace_read(context, &trace, &error);
  if (status != MINFER_OK) snprintf(e->text, sizeof e->text, "%s", error.text);
  minfer_trace_free(trace);
  return (mf_status)status;
}

static void test_refused_memory(void **state) {
  static const char small[] =
      "{\"schema\":\"minfer.trace/1\",\"clock\":{\"origin_monotonic_ns\":0,\"monotonic_ns\":0,\"epoch_ns\":0},"
      "\"environment\":{\"cpu\":\"c\"},\"memory\":[],\"dropped_records\":0,\"traceEvents\":[{\"ph\":\"X\",\"name\":"
      "\"conv\","
      "\"cat\":\"layer\",\"ts\":0,\"dur\":1,\"args\":{\"span\":\"layer\",\"id\":1,\"index\":0,\"sources\":[\"a\"]}}]}";
  char path[SUPPORT_PATH];
  snprintf(path, sizeof path, "%s", support_path(state, "a.trace.json"));
  support_write_file(path, small, sizeof small - 1);
  assert_true(support_refuse_allocations(attempt, path) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_session_comes_back, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_what_cannot_be_read_or_written, support_folder_setup,
                                      support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_refused_memory, support_folder_setup, support_folder_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
