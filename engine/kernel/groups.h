// How threads part a convolution whose outputs are computed in small groups, for a block of channels at a time: items
// are groups of a block, counted piece by piece (groups whose source stays in the first cache while all blocks of
// channels are computed) and in each piece block by block. Parts of equally many items take equally long.
#ifndef MF_KERNEL_GROUPS_H
#define MF_KERNEL_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mf_groups {
  int64_t groups, piece, blocks; // all; of a piece; blocks of channels
} mf_groups;

typedef struct mf_groups_run { // groups side by side, of one block
  int64_t first, count, block;
} mf_groups_run;

// `together`: outputs of a group. `most`: groups of a piece at most. Of much more weights than source all groups are
// one piece: threads part the channels, and each weight is read once.
static inline mf_groups mf_groups_of(int64_t outputs, int64_t together, int64_t most, int64_t blocks,
                                     bool more_weights) {
  const int64_t groups = (outputs + together - 1) / together, pieces = more_weights ? 1 : (groups + most - 1) / most;
  return (mf_groups){groups, (groups + pieces - 1) / pieces, blocks};
}

static inline int64_t mf_groups_items(const mf_groups *g) {
  return g->groups * g->blocks;
}

// As many as there are from `item` on and before `end`; count is at least 1 for item < end <= mf_groups_items.
static inline mf_groups_run mf_groups_from(const mf_groups *g, int64_t item, int64_t end) {
  const int64_t before = item / (g->piece * g->blocks) * g->piece; // groups in earlier pieces
  const int64_t inside = item - before * g->blocks;
  const int64_t groups = g->groups - before < g->piece ? g->groups - before : g->piece;
  const int64_t group = inside % groups, left = groups - group, want = end - item;
  return (mf_groups_run){before + group, left < want ? left : want, inside / groups};
}

#endif
