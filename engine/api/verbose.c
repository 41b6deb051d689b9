// Logs of oneDNN programs as traces.
#include "import/verbose.h"
#include "api/handles.h"
#include <math.h>

// Weights of every shape without a number in them: the network is built for its shapes alone.
static const _Alignas(64) float no_values[16];

static mf_status get(mf_weights *self, const mf_param *param, const float **data, mf_param_state *state,
                     mf_shape *found, mf_error *e) {
  (void)self;
  (void)param;
  (void)found;
  (void)e;
  *data = no_values;
  *state = MF_PARAM_OK;
  return MF_OK;
}

static bool shape(const mf_weights *self, const char *name, mf_shape *out) {
  (void)self;
  (void)name;
  (void)out;
  return false;
}

typedef struct asked {
  const mf_network *network;
  double multiplier; // 0: what the log's first convolution says
} asked;

static mf_status build(const mf_network *network, const mf_recipe *recipe, mf_graph **out, mf_error *e) {
  mf_weights shapes = {.get = get, .shape = shape};
  mf_builder *b = NULL;
  MF_TRY(mf_builder_create(&b, network->name, &shapes, e));
  mf_tensor_id image = mf_build_input(b, 1, 3, recipe->height, recipe->width);
  mf_status status = mf_builder_finish(b, network->build(b, image, recipe, network->variant), out, e);
  mf_builder_free(b);
  return status;
}

static int64_t first_channels(const mf_graph *g) {
  for (int i = 0; i < g->node_count; i++)
    if (g->nodes[i].op == MF_OP_CONVOLUTION) return g->tensors[g->nodes[i].output].shape.dim[1];
  return 0;
}

static mf_status build_for(void *context, const mf_verbose_input *input, mf_graph **out, double *multiplier,
                           mf_error *e) {
  const asked *a = context;
  mf_recipe recipe = a->network->recipe;
  if (a->multiplier > 0) recipe.multiplier = a->multiplier;
  if (input->height > 0 && input->height < 4096 && input->width > 0 && input->width < 4096) {
    recipe.height = (int)input->height;
    recipe.width = (int)input->width;
  }
  mf_error inner;
  mf_status status = build(a->network, &recipe, out, &inner);
  if (status == MF_ERR_USAGE || status == MF_ERR_FILE) { // no network for such pictures: another one's log
    recipe.height = a->network->recipe.height;
    recipe.width = a->network->recipe.width;
    status = build(a->network, &recipe, out, e);
  } else if (status != MF_OK)
    *e = inner;
  MF_TRY(status);
  const int64_t channels = first_channels(*out);
  if (a->network->has_multiplier && a->multiplier <= 0 && channels > 0 && input->out_channels > 0 &&
      input->out_channels != channels) {
    const double wanted = recipe.multiplier * (double)input->out_channels / (double)channels;
    if (wanted > 0 && wanted <= 4) {
      mf_graph_free(*out);
      *out = NULL;
      recipe.multiplier = wanted;
      MF_TRY(build(a->network, &recipe, out, e));
    }
  }
  *multiplier = recipe.multiplier;
  return MF_OK;
}

static mf_status read_log(minfer_trace *t, const char *path, const minfer_verbose_options *given, mf_error *e) {
  minfer_verbose_options o = {.size = sizeof o};
  if (given) MF_TRY(mf_api_options(&o, sizeof o, given, "verbose", e));
  asked a = {.network = o.model ? mf_network_find(o.model) : NULL, .multiplier = o.multiplier};
  if (o.model && !a.network) return mf_fail(e, MF_ERR_USAGE, "there is no network %s", o.model);
  if (!(o.multiplier >= 0 && o.multiplier <= 16) || (o.multiplier > 0 && (!a.network || !a.network->has_multiplier)))
    return mf_fail(e, MF_ERR_USAGE, "a channel multiplier of %g does not fit %s", o.multiplier,
                   o.model ? o.model : "a log without a network");
  const mf_verbose_options options = {.model = a.network ? a.network->name : NULL, .build = build_for, .context = &a};
  MF_TRY(mf_import_verbose(&t->trace, &t->arena, path, &options, e));
  return mf_api_trace_view(&t->arena, &t->trace, &t->view, e);
}

minfer_status minfer_trace_read_verbose(const char *path, const minfer_verbose_options *options, minfer_trace **out,
                                        minfer_error *error) {
  mf_error e = {0};
  minfer_trace *t = mf_alloc_zero(sizeof *t);
  *out = NULL;
  mf_status status = t ? read_log(t, path, options, &e) : mf_fail_memory(&e, sizeof *t);
  if (status == MF_OK)
    *out = t;
  else
    minfer_trace_free(t);
  return mf_api_report(error, &e, status);
}
