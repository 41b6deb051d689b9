#include "pass/pass.h"
#include "base/clock.h"

static const struct {
  const char *name;
  bool needs_fusion;
  mf_status (*run)(mf_graph *g, mf_error *e);
} passes[] = {
#define MF_PASS(name, why, needs_fusion) {#name, needs_fusion, mf_pass_##name},
#include "pass/pass.def"
#undef MF_PASS
};

mf_status mf_pass_run_all(mf_graph *g, const mf_pass_options *options, mf_error *e) {
  for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
    if (passes[i].needs_fusion && !options->fusion) continue;
    uint64_t start = mf_now_ns();
    MF_TRY(passes[i].run(g, e));
#ifdef MINFER_VERIFY
    MF_TRY(mf_graph_verify(g, e));
#endif
    if (options->observe) options->observe(passes[i].name, mf_now_ns() - start, options->context);
  }
  return MF_OK;
}
