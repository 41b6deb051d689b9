#include "kernel/dense_work.h"

#define PIECE_BYTES (12 << 10) // of the source: a quarter of the first cache, or more
#define FINISH 4               // what making numbers of a group's sums costs, in words

typedef struct region {
  const mf_dense_span *rows, *columns;
  int64_t outputs; // in all images
  mf_groups groups;
  int64_t cost; // of a group of a block
} region;

static region region_at(const mf_dense *d, int row, int column) {
  const mf_dense_problem *p = &d->problem;
  region r = {.rows = &d->spans[0][row], .columns = &d->spans[1][column]};
  r.outputs = p->batch * r.rows->count * r.columns->count;
  r.groups = mf_groups_of(r.outputs, MF_DENSE_OUTPUTS, d->piece / MF_DENSE_OUTPUTS, d->blocks, false);
  r.cost = (r.rows->end - r.rows->begin) * ((r.columns->end - r.columns->begin) * p->channels_in / 4) + FINISH;
  return r;
}

typedef struct places { // of a region's outputs from `first` on: of their first taps, and of themselves
  int64_t first, count;
  int64_t from[MF_DENSE_LARGEST_PIECE], to[MF_DENSE_LARGEST_PIECE];
} places;

static void find_outputs(const mf_dense *d, const region *r, places *found) {
  const mf_dense_problem *p = &d->problem;
  const int64_t column = r->columns->first * p->stride[1] - p->pad_left + r->columns->begin;
  int64_t x = found->first % r->columns->count, line = found->first / r->columns->count;
  for (int64_t o = 0; o < found->count; line++, x = 0) {
    const int64_t image = line / r->rows->count, row = r->rows->first + line % r->rows->count;
    const int64_t source = image * p->height + row * p->stride[0] - p->pad_top + r->rows->begin;
    const int64_t destination = (image * p->out_height + row) * p->out_width + r->columns->first;
    for (; x < r->columns->count && o < found->count; x++, o++) {
      found->from[o] = (source * p->width + column + x * p->stride[1]) * p->channels_in;
      found->to[o] = (destination + x) * p->channels_out;
    }
  }
}

// `found`: of the same region, from the call before.
static void compute_groups(const mf_dense_work *w, const region *r, int64_t block, const mf_groups_run *run,
                           places *found) {
  const mf_dense *d = w->dense;
  const mf_dense_problem *p = &d->problem;
  const int64_t end = (run->first + run->count) * MF_DENSE_OUTPUTS, last = end < r->outputs ? end : r->outputs;
  const int words = (int)(p->channels_in / 4); // of a tap
  mf_dense_rows rows = {.source = w->source,
                        .source_step = p->width * p->channels_in,
                        .from = found->from,
                        .to = found->to,
                        .rows = r->rows->end - r->rows->begin,
                        .words = (r->columns->end - r->columns->begin) * words};
  for (int64_t x = run->first * MF_DENSE_OUTPUTS; x < last; x += d->piece) {
    rows.count = last - x < d->piece ? last - x : d->piece;
    if (x != found->first || rows.count != found->count) { // not that of the block before
      found->first = x;
      found->count = rows.count;
      find_outputs(d, r, found);
    }
    mf_dense_compute_block(w, block + run->block, r->rows->begin, r->columns->begin * words, &rows);
  }
}

// The first of `items` at or after `cost`.
static int64_t item_at(int64_t cost, int64_t each, int64_t items) {
  const int64_t item = cost <= 0 ? 0 : (cost + each - 1) / each;
  return item < items ? item : items;
}

// Of the blocks from `block` on what costs `begin` to `end`, counted from their first region.
static void compute_blocks(const mf_dense_work *w, int64_t block, int64_t begin, int64_t end) {
  const mf_dense *d = w->dense;
  places found;
  for (int y = 0; y < d->span_count[0]; y++)
    for (int x = 0; x < d->span_count[1] && end > 0; x++) {
      const region r = region_at(d, y, x);
      const int64_t items = mf_groups_items(&r.groups), last = item_at(end, r.cost, items);
      found.first = found.count = 0; // of no outputs yet
      for (int64_t i = item_at(begin, r.cost, items); i < last;) {
        const mf_groups_run run = mf_groups_from(&r.groups, i, last);
        compute_groups(w, &r, block, &run, &found);
        i += run.count;
      }
      begin -= items * r.cost;
      end -= items * r.cost;
    }
}

void mf_dense_compute_regions(int part, int parts, void *work) {
  const mf_dense_work *w = work;
  const mf_dense *d = w->dense;
  const int64_t sets = mf_int8_blocks(d->problem.channels_out) / d->blocks, cost = sets * d->cost;
  const int64_t begin = cost * part / parts, end = cost * (part + 1) / parts;
  for (int64_t set = begin / d->cost; set * d->cost < end; set++)
    compute_blocks(w, set * d->blocks, begin - set * d->cost, end - set * d->cost);
}

static int64_t between(int64_t low, int64_t x, int64_t high) {
  return x < low ? low : x > high ? high : x;
}

static int find_spans(mf_dense_span *spans, int64_t outputs, int64_t size, int kernel, int64_t stride, int64_t pad) {
  int count = 0;
  for (int64_t o = 0; o < outputs; o++) {
    const int64_t at = o * stride - pad; // of the first tap
    const int begin = (int)between(0, -at, kernel), end = (int)between(begin, size - at, kernel);
    if (count && spans[count - 1].begin == begin && spans[count - 1].end == end)
      spans[count - 1].count++;
    else
      spans[count++] = (mf_dense_span){o, 1, begin, end};
  }
  return count;
}

void mf_dense_prepare_regions(mf_dense *d) {
  const mf_dense_problem *p = &d->problem;
  const bool pointwise = p->kernel[0] == 1 && p->kernel[1] == 1;
  const int64_t outputs = p->batch * p->out_height * p->out_width, blocks = mf_int8_blocks(p->channels_out);
  d->span_count[0] = find_spans(d->spans[0], p->out_height, p->height, p->kernel[0], p->stride[0], p->pad_top);
  d->span_count[1] = find_spans(d->spans[1], p->out_width, p->width, p->kernel[1], p->stride[1], p->pad_left);
  d->piece = between(MF_DENSE_PIECE, PIECE_BYTES / p->channels_in, MF_DENSE_LARGEST_PIECE);
  // Where weights are much more than the source, and under kernels that read it many times, threads part the channels:
  // each weight is read once.
  d->blocks = pointwise && mf_int8_padded(p->channels_out) <= 4 * outputs ? blocks : 1;
  for (int y = 0; y < d->span_count[0]; y++)
    for (int x = 0; x < d->span_count[1]; x++) {
      const region r = region_at(d, y, x);
      d->cost += mf_groups_items(&r.groups) * r.cost;
    }
}
