// What the lowerings share about oneDNN: statuses as errors, dtypes, names of formats.
#ifndef MF_PLAN_ONEDNN_H
#define MF_PLAN_ONEDNN_H

#include "base/alloc.h"
#include "base/error.h"
#include "graph/dtype.h"
#include <oneapi/dnnl/dnnl.h>

// `what` says which primitive or object, with its problem. Out of memory and unimplemented become MF_ERR_UNSUPPORTED.
mf_status mf_onednn_check(dnnl_status_t status, const char *what, mf_error *e);

dnnl_data_type_t mf_onednn_dtype(mf_dtype dtype);
mf_dtype mf_onednn_dtype_of(const_dnnl_memory_desc_t md);
const char *mf_onednn_dtype_name(const_dnnl_memory_desc_t md);

// Name of a format in the field's letters. `letters` names the dimensions: "nchw", "nc", "oihw", "goihw", "x". nChw16c,
// nhwc, OIhw16i64o4i. Allocated in the arena; "any" for a descriptor without a layout. NULL without memory.
const char *mf_onednn_format(mf_arena *arena, const_dnnl_memory_desc_t md, const char *letters);

// A dense descriptor: strides in the order of the permutation ("abcd", "acdb"), or format any.
mf_status mf_onednn_md(dnnl_memory_desc_t *out, const mf_shape *shape, mf_dtype dtype, dnnl_format_tag_t tag,
                       mf_error *e);

const char *mf_onednn_isa(void); // "avx512_core_vnni": the ISA in effect
bool mf_onednn_has_vnni(void);   // u8*s8 products do not saturate
bool mf_onednn_has_amx(void);    // int8 and bf16 go through tiles

// Primitives in oneDNN's cache: creating one that is not in it makes the number grow. -1 where that cannot be known:
// the cache is off or full, or this oneDNN does not tell (the function is not in its documented interface).
int mf_onednn_cached(void);

#endif
