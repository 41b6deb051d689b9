// The seam between the pool and its C++ adapter.
#ifndef MF_THREAD_ONEDNN_POOL_H
#define MF_THREAD_ONEDNN_POOL_H

#include "thread/pool.h"

#define MF_ONEDNN_POOL_BYTES 16 // a virtual table and the pool

// Builds the adapter in `storage` (of that size, aligned for pointers) and returns the interface within it. It owns
// nothing: the storage may be freed as it is.
void *mf_onednn_pool_build(void *storage, mf_pool *pool);

#endif
