// The memory planner: nothing lies on what is still needed, sums in place share a buffer, and the slab of every network
// is at most 1.10 times the bound.
#include "reference/network.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

// ---- lifetimes at random: the planner must be right for any, and near the bound only for networks

typedef struct made { // a plan of values alone
  mf_plan plan;
  mf_value values[60];
} made;

static void make_values(made *m, uint64_t seed) {
  next_random(&seed);
  *m = (made){.plan = {.step_count = 2 + pick(&seed, 40), .chunks = 1 + (pick(&seed, 3) ? 0 : pick(&seed, 5))}};
  m->plan.values = m->values;
  m->plan.value_count = 2 + pick(&seed, COUNT(m->values) - 2);
  for (int v = 0; v < m->plan.value_count; v++) {
    mf_value *value = &m->values[v];
    const int first = pick(&seed, m->plan.step_count), length = pick(&seed, pick(&seed, 4) ? 4 : m->plan.step_count);
    *value = (mf_value){.name = "value", .alias = -1, .first = first, .last = first + length};
    if (value->last >= m->plan.step_count) value->last = m->plan.step_count - 1;
    value->bytes = (size_t)pick(&seed, pick(&seed, 3) ? 1000 : 100000);
    if (v > 0 && pick(&seed, 5) == 0) value->alias = pick(&seed, v);
  }
  m->plan.input = 0;
  m->plan.output = m->plan.value_count - 1;
}

static int root(const made *m, int v) {
  while (m->values[v].alias >= 0) v = m->values[v].alias;
  return v;
}

typedef struct buffer {
  int first, last;
  size_t bytes;
} buffer;

// By the rules of plan.h, in the plainest way.
static buffer find_buffer(const made *m, int v) {
  buffer b = {INT32_MAX, -1, 0};
  size_t step = 0;
  for (int w = 0; w < m->plan.value_count; w++) {
    const mf_value *value = &m->values[w];
    if (root(m, w) != v) continue;
    const int first = w == m->plan.input ? 0 : value->first;
    const int last = w == m->plan.input || w == m->plan.output ? m->plan.step_count - 1 : value->last;
    const size_t bytes = (value->bytes + MF_ALIGNMENT - 1) / MF_ALIGNMENT * MF_ALIGNMENT;
    if (first < b.first) b.first = first;
    if (last > b.last) b.last = last;
    if (bytes > b.bytes) b.bytes = bytes;
  }
  if (m->plan.chunks == 1) return b;
  for (int end = 0; end < 2; end++) { // whole: a chunk's behind the other, beside everything else
    const int w = end ? m->plan.input : m->plan.output;
    if (root(m, w) != v) continue;
    b.first = 0;
    b.last = m->plan.step_count - 1;
    step = m->values[w].bytes;
  }
  b.bytes = (b.bytes + step * (size_t)(m->plan.chunks - 1) + MF_ALIGNMENT - 1) / MF_ALIGNMENT * MF_ALIGNMENT;
  return b;
}

static double check_values(const made *m, uint64_t seed) {
  buffer buffers[COUNT(m->values)];
  size_t bound = 0, all = 0;
  for (int v = 0; v < m->plan.value_count; v++) {
    buffers[v] = find_buffer(m, v);
    if (m->values[v].alias >= 0 && m->values[v].offset != m->values[root(m, v)].offset)
      fail_msg("%d: value %d does not lie where its alias does", (int)seed, v);
    if (m->values[v].alias >= 0) continue;
    all += buffers[v].bytes;
    assert_int_equal(m->values[v].offset % MF_ALIGNMENT, 0);
    assert_true(m->values[v].offset + buffers[v].bytes <= m->plan.activation_bytes);
    for (int w = 0; w < v; w++) {
      if (m->values[w].alias >= 0) continue;
      const bool live = buffers[v].first <= buffers[w].last && buffers[w].first <= buffers[v].last;
      const bool touch = m->values[v].offset < m->values[w].offset + buffers[w].bytes &&
                         m->values[w].offset < m->values[v].offset + buffers[v].bytes;
      if (live && touch && buffers[v].bytes && buffers[w].bytes)
        fail_msg("%d: values %d and %d lie on each other", (int)seed, w, v);
    }
  }
  for (int s = 0; s < m->plan.step_count; s++) {
    size_t live = 0;
    for (int v = 0; v < m->plan.value_count; v++)
      if (m->values[v].alias < 0 && buffers[v].first <= s && s <= buffers[v].last) live += buffers[v].bytes;
    if (live > bound) bound = live;
  }
  assert_int_equal(m->plan.activation_bound_bytes, bound);
  assert_in_range(m->plan.activation_bytes, bound, all);
  return bound ? (double)m->plan.activation_bytes / (double)bound : 1;
}

static void test_random_lifetimes(void **state) {
  (void)state;
  mf_error e;
  double sum = 0, worst = 0;
  const int graphs = 500;
  for (int seed = 0; seed < graphs; seed++) {
    made m;
    make_values(&m, (uint64_t)seed);
    OK(mf_plan_memory(&m.plan, &e));
    const double ratio = check_values(&m, (uint64_t)seed);
    sum += ratio;
    worst = fmax(worst, ratio);
  }
  print_message("%d random plans: %.3f of the bound on average, %.3f at most\n", graphs, sum / graphs, worst);
}

static mf_status plan_values(void *context, mf_error *e) {
  return mf_plan_memory(&((made *)context)->plan, e);
}

static void test_refused_memory(void **state) {
  (void)state;
  made m;
  make_values(&m, 1);
  assert_true(support_refuse_allocations(plan_values, &m) > 0);
}

// ---- sums in place

static void test_sums_share_a_buffer(void **state) {
  (void)state;
  mf_error e;
  network n;
  network_open(&n, "resnet50", 0);
  n.recipe.height = n.recipe.width = 64;
  mf_graph *g = network_graph(&n, 1, true);
  for (int int8 = 0; int8 < 2; int8++) {
    if (int8) network_assume_ranges(g);
    harness_engine engine;
    OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
    const mf_plan *plan = engine.plan;
    int sums = 0;
    for (int s = 0; s < plan->step_count; s++) {
      if (!strstr(plan->steps[s].info.post_ops, "sum")) continue;
      for (int a = 0; a < plan->steps[s].argument_count; a++) {
        const mf_step_argument *argument = &plan->steps[s].arguments[a];
        if (argument->dnnl != DNNL_ARG_DST) continue;
        const mf_value *y = &plan->values[argument->index];
        assert_true(y->alias >= 0);
        assert_int_equal(y->offset, plan->values[y->alias].offset);
        assert_true(plan->values[y->alias].overwritten && y->first > plan->values[y->alias].first);
        sums++;
      }
    }
    assert_int_equal(sums, 16);
    harness_close(&engine);
  }
  mf_graph_free(g);
  network_close(&n);
}

// ---- the networks

static void check_network(const network *n, double *worst) {
  mf_error e;
  char label[120];
  for (int batch = 1; batch <= 3; batch += 2) {
    mf_graph *g = network_graph(n, batch, true);
    for (int int8 = 0; int8 < 2; int8++) {
      if (int8) network_assume_ranges(g);
      for (int open = 0; open < 2; open++) {
        snprintf(label, sizeof label, "%s, width %g, %s, batch %d, %s input", n->zoo->name, n->recipe.multiplier,
                 int8 ? "int8" : "f32", batch, open ? "open" : "float");
        harness_engine engine;
        OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32, .float_input = !open}, 1, &e));
        harness_check_memory(engine.plan, label);
        const double ratio = (double)engine.plan->activation_bytes / (double)engine.plan->activation_bound_bytes;
        if (ratio > 1.10) {
          print_error("%s: %.3f times the bound (expected at most 1.10)\n", label, ratio);
        }
        *worst = fmax(*worst, ratio);
        harness_close(&engine);
      }
    }
    mf_graph_free(g);
  }
}

static void test_networks(void **state) {
  (void)state;
  static const double widths[] = {0.25, 0.5, 0.75};
  double worst = 0;
  network n;
  for (int i = 0; i < mf_network_count; i++) {
    if (HARNESS_SANITIZED && network_costs_much(&mf_networks[i])) continue;
    network_open(&n, mf_networks[i].name, 0);
    check_network(&n, &worst);
    network_close(&n);
  }
  for (int i = 0; i < COUNT(widths); i++) {
    network_open(&n, "mobilenet_v1", widths[i]);
    check_network(&n, &worst);
    network_close(&n);
  }
  print_message("at most %.3f of the bound\n", worst);
  assert_true(worst <= 1.10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_lifetimes),
      cmocka_unit_test(test_refused_memory),
      cmocka_unit_test(test_sums_share_a_buffer),
      cmocka_unit_test(test_networks),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
