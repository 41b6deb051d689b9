#include "kernel/dense_work.h"
#include <string.h>

#define EDGE ((int64_t)2 * MF_DENSE_OUTPUTS) // outputs that are copied together where a line lies on padding
#define COLUMNS ((EDGE - 1) * MF_DENSE_STRIDE + MF_DENSE_KERNEL) // under them, at most

typedef unsigned char copied[MF_DENSE_KERNEL][COLUMNS * MF_DENSE_PICTURE + 4]; // words may end behind the taps

// The source under outputs of a line, with its padding: from row `row` and column `first` on, either may be negative.
typedef struct window {
  int64_t image, row, first, columns;
} window;

static const unsigned char *pixel(const mf_dense_work *w, int64_t image, int64_t row, int64_t column) {
  const mf_dense_problem *p = &w->dense->problem;
  return w->source + ((image * p->height + row) * p->width + column) * p->channels_in;
}

// Words end behind the taps, where weights are zero; of the last pixels that is outside the source.
static bool lies_inside(const mf_dense_work *w, const window *at) {
  const mf_dense_problem *p = &w->dense->problem;
  const int64_t last = at->row + p->kernel[0] - 1, end = at->first + at->columns;
  if (at->row < 0 || last >= p->height || at->first < 0 || end > p->width) return false;
  const int64_t behind = (int64_t)w->dense->words * 4 - p->kernel[1] * p->channels_in; // bytes
  return pixel(w, at->image, last, end) + behind <= pixel(w, p->batch, 0, 0);
}

static void copy(const mf_dense_work *w, const window *at, copied to) {
  const mf_dense_problem *p = &w->dense->problem;
  const int64_t last = at->first + at->columns, channels = p->channels_in;
  const int64_t begin = at->first < 0 ? 0 : at->first, end = last < p->width ? last : p->width;
  for (int r = 0; r < p->kernel[0]; r++) {
    const int64_t row = at->row + r;
    const bool inside = row >= 0 && row < p->height && begin < end;
    if (!inside || end - begin < at->columns) memset(to[r], 0, (size_t)(at->columns * channels));
    if (inside)
      memcpy(to[r] + (begin - at->first) * channels, pixel(w, at->image, row, begin),
             (size_t)((end - begin) * channels));
    memset(to[r] + at->columns * channels, 0, 4);
  }
}

static window window_of(const mf_dense_problem *p, int64_t line, int64_t x, int64_t count) {
  return (window){line / p->out_height, line % p->out_height * p->stride[0] - p->pad_top,
                  x * p->stride[1] - p->pad_left, (count - 1) * p->stride[1] + p->kernel[1]};
}

// Of `count` outputs from `x` of a line on, how many to compute together: where they lie on padding, or end on it, a
// few that are copied, else as many as are read in place.
static int64_t outputs_together(const mf_dense_work *w, int64_t line, int64_t x, int64_t count) {
  window at = window_of(&w->dense->problem, line, x, count < EDGE ? count : EDGE);
  if (count <= EDGE || !lies_inside(w, &at)) return count < EDGE ? count : EDGE;
  for (;; count = (count - 1) / EDGE * EDGE) {
    at = window_of(&w->dense->problem, line, x, count);
    if (lies_inside(w, &at)) return count;
  }
}

static void compute_outputs(const mf_dense_work *w, int64_t line, int64_t x, int64_t count, int64_t block) {
  const mf_dense_problem *p = &w->dense->problem;
  int64_t from[MF_DENSE_LARGEST_PIECE], to[MF_DENSE_LARGEST_PIECE];
  copied taps;
  const window at = window_of(p, line, x, count);
  const bool inside = lies_inside(w, &at);
  if (!inside) copy(w, &at, taps);
  for (int64_t o = 0; o < count; o++) {
    from[o] = o * p->stride[1] * p->channels_in;
    to[o] = (line * p->out_width + x + o) * p->channels_out;
  }
  mf_dense_rows rows = {.source = inside ? pixel(w, at.image, at.row, at.first) : taps[0],
                        .source_step = inside ? p->width * p->channels_in : (int64_t)sizeof taps[0],
                        .from = from,
                        .to = to,
                        .count = count,
                        .rows = p->kernel[0],
                        .words = w->dense->words};
  mf_dense_compute_block(w, block, 0, 0, &rows);
}

void mf_dense_compute_lines(int part, int parts, void *work) {
  const mf_dense_work *w = work;
  const mf_dense_problem *p = &w->dense->problem;
  const int64_t line = mf_groups_items(&w->dense->line), items = p->batch * p->out_height * line;
  const int64_t end = items * (part + 1) / parts;
  for (int64_t i = items * part / parts; i < end;) {
    const int64_t here = i % line, left = end - i;
    const mf_groups_run run = mf_groups_from(&w->dense->line, here, left < line - here ? here + left : line);
    const int64_t end_x = (run.first + run.count) * MF_DENSE_OUTPUTS,
                  last = end_x < p->out_width ? end_x : p->out_width;
    for (int64_t x = run.first * MF_DENSE_OUTPUTS, count; x < last; x += count) {
      count = outputs_together(w, i / line, x, last - x);
      compute_outputs(w, i / line, x, count, run.block);
    }
    i += run.count;
  }
}

void mf_dense_prepare_lines(mf_dense *d) {
  d->piece = MF_DENSE_LARGEST_PIECE;
  d->line = mf_groups_of(d->problem.out_width, MF_DENSE_OUTPUTS, MF_DENSE_LARGEST_PIECE / MF_DENSE_OUTPUTS,
                         mf_int8_blocks(d->problem.channels_out), false);
}
