#include "kernel/winograd.h"
#include "base/alloc.h"
#include <oneapi/dnnl/dnnl_threadpool.h>
#include <stdio.h>
#include <string.h>

#define IN MF_WINOGRAD_IN
#define OUT MF_WINOGRAD_OUT
#define POINTS MF_WINOGRAD_POINTS

// Tiles that are transformed, multiplied and transformed back together: as many as keep both sides of the products in a
// cache, but not so few that the products would mostly read weights.
#define SLAB_BYTES ((size_t)4 << 20)
#define SLAB_LEAST 128

typedef struct places { // in the scratch memory, in bytes
  size_t products, scratchpad, zeros, zeros_bytes;
} places;

typedef struct winograd {
  mf_kernel kernel;
  mf_winograd_problem problem;
  int64_t rows, columns, tiles; // of tiles: of an image, of the batch
  int64_t slab;
  size_t stride_in, stride_out; // floats from one of the 36 matrices to the next
  mf_winograd_transforms transforms;
  dnnl_engine_t engine; // borrowed
  dnnl_memory_desc_t tile_md, product_md, plain_md;
  dnnl_primitive_desc_t pd;
  dnnl_primitive_t products, reorder; // reorder: of transformed weights
  places at;
} winograd;

enum { TILES, PRODUCTS, SCRATCHPAD }; // parts of its memory

static int64_t tiles_in(int64_t outputs) {
  return (outputs + OUT - 1) / OUT;
}

int64_t mf_winograd_tiles(const mf_winograd_problem *p) {
  return p->batch * tiles_in(p->out_height) * tiles_in(p->out_width);
}

double mf_winograd_flops(const mf_winograd_problem *p) {
  return 2.0 * POINTS * (double)mf_winograd_tiles(p) * (double)p->channels_in * (double)p->channels_out;
}

// Of equal size, so that the last is not mostly empty.
static int64_t slab_of(const mf_winograd_problem *p) {
  const int64_t bytes = POINTS * (int64_t)sizeof(float) * (p->channels_in + p->channels_out),
                tiles = mf_winograd_tiles(p);
  const int64_t fit = (int64_t)SLAB_BYTES / bytes, most = fit > SLAB_LEAST ? fit : SLAB_LEAST;
  const int64_t slabs = (tiles + most - 1) / most;
  return (tiles + slabs - 1) / slabs;
}

// A matrix ends a line further than its size, or all 36 would fall into the same sets of a cache.
static size_t stride_of(int64_t slab, int64_t channels) {
  return (size_t)(slab * channels) + MF_ALIGNMENT / sizeof(float);
}

static dnnl_status_t create_md(dnnl_memory_desc_t *out, int64_t rows, int64_t columns, size_t stride) {
  const dnnl_dims_t dims = {POINTS, rows, columns}, strides = {(int64_t)stride, columns, 1};
  return dnnl_memory_desc_create_with_strides(out, 3, dims, dnnl_f32, strides);
}

static dnnl_status_t create_products(winograd *w) {
  const mf_winograd_problem *p = &w->problem;
  const dnnl_dims_t dims = {POINTS, p->channels_in, p->channels_out};
  dnnl_memory_desc_t weights = NULL;
  dnnl_primitive_attr_t attr = NULL;
  dnnl_status_t status = create_md(&w->tile_md, w->slab, p->channels_in, w->stride_in);
  if (!status) status = create_md(&w->product_md, w->slab, p->channels_out, w->stride_out);
  if (!status) status = dnnl_memory_desc_create_with_tag(&weights, 3, dims, dnnl_f32, dnnl_format_tag_any);
  if (!status) status = dnnl_primitive_attr_create(&attr);
  if (!status) status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
  if (!status)
    status = dnnl_matmul_primitive_desc_create(&w->pd, w->engine, w->tile_md, weights, NULL, w->product_md, attr);
  if (!status) status = dnnl_primitive_create(&w->products, w->pd);
  if (attr) dnnl_primitive_attr_destroy(attr);
  if (weights) dnnl_memory_desc_destroy(weights);
  return status;
}

// Packing runs beside other packing, and oneDNN's cache of primitives is shared: the reorder is made here.
static dnnl_status_t create_reorder(winograd *w) {
  const dnnl_dims_t dims = {POINTS, w->problem.channels_in, w->problem.channels_out};
  dnnl_primitive_desc_t pd = NULL;
  dnnl_status_t status = dnnl_memory_desc_create_with_tag(&w->plain_md, 3, dims, dnnl_f32, dnnl_abc);
  if (!status)
    status = dnnl_reorder_primitive_desc_create(&pd, w->plain_md, w->engine, w->kernel.weights, w->engine, NULL);
  if (!status) status = dnnl_primitive_create(&w->reorder, pd);
  if (pd) dnnl_primitive_desc_destroy(pd);
  return status;
}

static dnnl_status_t describe(winograd *w) {
  const mf_winograd_problem *p = &w->problem;
  const dnnl_dims_t source = {p->batch, p->channels_in, p->height, p->width};
  const dnnl_dims_t destination = {p->batch, p->channels_out, p->out_height, p->out_width};
  mf_kernel *k = &w->kernel;
  dnnl_status_t status = dnnl_memory_desc_create_with_tag(&k->source, 4, source, dnnl_f32, dnnl_nhwc);
  if (!status) status = dnnl_memory_desc_create_with_tag(&k->destination, 4, destination, dnnl_f32, dnnl_nhwc);
  if (!status)
    status = dnnl_memory_desc_clone(&k->weights, dnnl_primitive_desc_query_md(w->pd, dnnl_query_weights_md, 0));
  const char *products = NULL;
  dnnl_primitive_desc_query(w->pd, dnnl_query_impl_info_str, 0, (void *)&products);
  snprintf(k->impl, sizeof k->impl, "winograd_4x4_3x3:%s", products ? products : "");
  k->weights_letters = "pio"; // points, channels in, channels out
  k->flops = mf_winograd_flops(p);
  return status;
}

static size_t lines(size_t bytes) {
  return (bytes + MF_ALIGNMENT - 1) / MF_ALIGNMENT * MF_ALIGNMENT;
}

static places place(const winograd *w) {
  const_dnnl_memory_desc_t scratchpad = dnnl_primitive_desc_query_md(w->pd, dnnl_query_scratchpad_md, 0);
  const int64_t channels =
      w->problem.channels_in > w->problem.channels_out ? w->problem.channels_in : w->problem.channels_out;
  places p;
  p.products = lines(POINTS * w->stride_in * sizeof(float));
  p.scratchpad = p.products + lines(POINTS * w->stride_out * sizeof(float));
  p.zeros = p.scratchpad + lines(scratchpad ? dnnl_memory_desc_get_size(scratchpad) : 0);
  p.zeros_bytes = lines((size_t)channels * sizeof(float));
  return p;
}

static mf_status fail(dnnl_status_t status, mf_error *e) {
  return mf_fail(e, MF_ERR_UNSUPPORTED,
                 status == dnnl_out_of_memory ? "not enough memory for a Winograd convolution"
                                              : "oneDNN has no products for a Winograd convolution");
}

static void free_winograd(mf_kernel *kernel) {
  winograd *w = (winograd *)kernel;
  if (w->reorder) dnnl_primitive_destroy(w->reorder);
  if (w->products) dnnl_primitive_destroy(w->products);
  if (w->pd) dnnl_primitive_desc_destroy(w->pd);
  if (w->tile_md) dnnl_memory_desc_destroy(w->tile_md);
  if (w->product_md) dnnl_memory_desc_destroy(w->product_md);
  if (w->plain_md) dnnl_memory_desc_destroy(w->plain_md);
  mf_free(w);
}

// ---- weights

typedef struct kernels {
  const float *oihw;
  float *out;
  int64_t in, of; // channels
} kernels;

static void transform_kernels(int part, int parts, void *context) {
  const kernels *k = context;
  for (int64_t i = k->in * part / parts; i < k->in * (part + 1) / parts; i++) // in the order in which they are written
    for (int64_t o = 0; o < k->of; o++)
      mf_winograd_transform_kernel(k->oihw + (o * k->in + i) * 9, k->out + i * k->of + o, (size_t)(k->in * k->of));
}

static dnnl_status_t reorder(const winograd *w, float *transformed, dnnl_memory_t packed, mf_pool *pool) {
  dnnl_memory_t from = NULL;
  dnnl_stream_t stream = NULL;
  dnnl_status_t status = dnnl_memory_create(&from, w->plain_md, w->engine, transformed);
  if (!status) status = dnnl_threadpool_interop_stream_create(&stream, w->engine, mf_pool_onednn(pool));
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, packed}};
  if (!status) status = dnnl_primitive_execute(w->reorder, stream, 2, arguments);
  if (!status) status = dnnl_stream_wait(stream);
  if (stream) dnnl_stream_destroy(stream);
  if (from) dnnl_memory_destroy(from);
  return status;
}

static mf_status pack(const mf_kernel *kernel, const mf_kernel_weights *plain, dnnl_memory_t packed, mf_pool *pool,
                      mf_error *e) {
  const winograd *w = (const winograd *)kernel;
  const size_t bytes = dnnl_memory_desc_get_size(w->plain_md);
  float *transformed = mf_alloc(bytes);
  if (!transformed) return mf_fail_memory(e, bytes);
  kernels k = {plain->numbers, transformed, w->problem.channels_in, w->problem.channels_out};
  mf_pool_run(pool, mf_pool_threads(pool), transform_kernels, &k);
  const dnnl_status_t status = reorder(w, transformed, packed, pool);
  mf_free(transformed);
  return status == dnnl_success ? MF_OK : fail(status, e);
}

// ---- memory

static mf_status bind(const mf_kernel *kernel, mf_kernel_memory *m, mf_error *e) {
  const winograd *w = (const winograd *)kernel;
  const_dnnl_memory_desc_t scratchpad = dnnl_primitive_desc_query_md(w->pd, dnnl_query_scratchpad_md, 0);
  dnnl_status_t status = dnnl_memory_create(&m->part[TILES], w->tile_md, w->engine, m->scratch);
  if (!status) status = dnnl_memory_create(&m->part[PRODUCTS], w->product_md, w->engine, m->scratch + w->at.products);
  if (!status) status = dnnl_memory_create(&m->part[SCRATCHPAD], scratchpad, w->engine, m->scratch + w->at.scratchpad);
  return status == dnnl_success ? MF_OK : fail(status, e);
}

// ---- a run

typedef struct work {
  const winograd *w;
  const float *source, *zeros;
  float *tiles, *products, *destination;
  mf_winograd_finish finish;
  int64_t first, count; // tiles of this slab
} work;

typedef struct spot { // of a tile: its image, and its first output there
  int64_t image, y, x;
} spot;

static spot spot_of(const winograd *w, int64_t tile) {
  const int64_t in_image = tile % (w->rows * w->columns);
  return (spot){tile / (w->rows * w->columns), in_image / w->columns * OUT, in_image % w->columns * OUT};
}

static void transform_in(int part, int parts, void *context) {
  const work *r = context;
  const winograd *w = r->w;
  const mf_winograd_problem *p = &w->problem;
  for (int64_t t = r->count * part / parts; t < r->count * (part + 1) / parts; t++) {
    const spot at = spot_of(w, r->first + t);
    const float *image = r->source + at.image * p->height * p->width * p->channels_in, *from[POINTS];
    for (int64_t i = 0; i < POINTS; i++) {
      const int64_t y = at.y - p->pad_top + i / IN, x = at.x - p->pad_left + i % IN;
      const bool inside = y >= 0 && y < p->height && x >= 0 && x < p->width;
      from[i] = inside ? image + (y * p->width + x) * p->channels_in : r->zeros;
    }
    w->transforms.in(from, (size_t)p->channels_in, r->tiles + t * p->channels_in, w->stride_in);
  }
}

static void transform_out(int part, int parts, void *context) {
  const work *r = context;
  const winograd *w = r->w;
  const mf_winograd_problem *p = &w->problem;
  const int64_t row = p->out_width * p->channels_out;
  for (int64_t t = r->count * part / parts; t < r->count * (part + 1) / parts; t++) {
    const spot at = spot_of(w, r->first + t);
    const int64_t height = p->out_height - at.y, width = p->out_width - at.x;
    float *to = r->destination + (at.image * p->out_height + at.y) * row + at.x * p->channels_out;
    w->transforms.out(r->products + t * p->channels_out, w->stride_out, (size_t)p->channels_out, &r->finish, to,
                      (size_t)row, height < OUT ? (int)height : OUT, width < OUT ? (int)width : OUT);
  }
}

static dnnl_status_t execute(const mf_kernel *kernel, const mf_kernel_run *run) {
  const winograd *w = (const winograd *)kernel;
  const mf_winograd_problem *p = &w->problem;
  char *scratch = run->memory->scratch;
  float *zeros = (float *)(void *)(scratch + w->at.zeros);
  const float *bias = mf_kernel_argument(run, DNNL_ARG_BIAS);
  work r = {.w = w,
            .source = mf_kernel_argument(run, DNNL_ARG_SRC),
            .zeros = zeros,
            .tiles = (float *)(void *)scratch,
            .products = (float *)(void *)(scratch + w->at.products),
            .destination = mf_kernel_argument(run, DNNL_ARG_DST),
            .finish = {bias ? bias : zeros, p->sum, p->low, p->high}};
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, run->memory->part[TILES]},
                                 {DNNL_ARG_WEIGHTS, NULL},
                                 {DNNL_ARG_DST, run->memory->part[PRODUCTS]},
                                 {DNNL_ARG_SCRATCHPAD, run->memory->part[SCRATCHPAD]}};
  for (int i = 0; i < run->argument_count; i++)
    if (run->arguments[i].arg == DNNL_ARG_WEIGHTS) arguments[1] = run->arguments[i];
  memset(zeros, 0, w->at.zeros_bytes);
  for (; r.first < w->tiles; r.first += w->slab) {
    r.count = w->tiles - r.first < w->slab ? w->tiles - r.first : w->slab;
    mf_pool_run(run->pool, mf_pool_threads(run->pool), transform_in, &r);
    const dnnl_status_t status = dnnl_primitive_execute(w->products, run->stream, 4, arguments);
    if (status != dnnl_success) return status;
    mf_pool_run(run->pool, mf_pool_threads(run->pool), transform_out, &r);
  }
  return dnnl_success;
}

// ---- made

static const mf_kernel_type type = {.free = free_winograd, .pack = pack, .bind = bind, .execute = execute};

mf_status mf_winograd_create(mf_kernel **out, const mf_winograd_problem *problem, dnnl_engine_t engine, mf_error *e) {
  winograd *w = mf_alloc_zero(sizeof *w);
  if (!w) return mf_fail_memory(e, sizeof *w);
  w->kernel.type = &type;
  w->problem = *problem;
  w->engine = engine;
  w->rows = tiles_in(problem->out_height);
  w->columns = tiles_in(problem->out_width);
  w->tiles = mf_winograd_tiles(problem);
  w->slab = slab_of(problem);
  w->stride_in = stride_of(w->slab, problem->channels_in);
  w->stride_out = stride_of(w->slab, problem->channels_out);
  w->transforms = mf_winograd_transforms_for(dnnl_get_effective_cpu_isa());
  dnnl_status_t status = create_products(w);
  if (!status) status = describe(w);
  if (!status) status = create_reorder(w);
  if (status != dnnl_success) {
    mf_kernel_free(&w->kernel);
    return fail(status, e);
  }
  w->at = place(w);
  w->kernel.scratch_bytes = w->at.zeros + w->at.zeros_bytes;
  *out = &w->kernel;
  return MF_OK;
}
