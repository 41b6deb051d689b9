#include "plan/onednn.h"
#include <string.h>

mf_status mf_onednn_check(dnnl_status_t status, const char *what, mf_error *e) {
  switch (status) {
  case dnnl_success:
    return MF_OK;
  case dnnl_out_of_memory:
    return mf_fail(e, MF_ERR_UNSUPPORTED, "%s: oneDNN has not enough memory", what);
  case dnnl_unimplemented:
    mf_fail(e, MF_ERR_UNSUPPORTED, "%s: oneDNN has no implementation for this on %s", what, mf_onednn_isa());
    return mf_hint(e, "ONEDNN_VERBOSE=dispatch says why each one was refused");
  case dnnl_invalid_arguments:
    return mf_fail(e, MF_ERR_UNSUPPORTED, "%s: oneDNN refuses the arguments", what);
  default:
    return mf_fail(e, MF_ERR_UNSUPPORTED, "%s: oneDNN failed with status %d", what, (int)status);
  }
}

dnnl_data_type_t mf_onednn_dtype(mf_dtype dtype) {
  switch (dtype) {
  case MF_BF16:
    return dnnl_bf16;
  case MF_F16:
    return dnnl_f16;
  case MF_S8:
    return dnnl_s8;
  case MF_U8:
    return dnnl_u8;
  case MF_S32:
    return dnnl_s32;
  default:
    return dnnl_f32;
  }
}

mf_dtype mf_onednn_dtype_of(const_dnnl_memory_desc_t md) {
  dnnl_data_type_t dtype = dnnl_data_type_undef;
  dnnl_memory_desc_query(md, dnnl_query_data_type, &dtype);
  switch (dtype) {
  case dnnl_bf16:
    return MF_BF16;
  case dnnl_f16:
    return MF_F16;
  case dnnl_s8:
    return MF_S8;
  case dnnl_u8:
    return MF_U8;
  case dnnl_s32:
    return MF_S32;
  default:
    return MF_F32;
  }
}

const char *mf_onednn_dtype_name(const_dnnl_memory_desc_t md) {
  return mf_dtype_name(mf_onednn_dtype_of(md));
}

const char *mf_onednn_format(mf_arena *arena, const_dnnl_memory_desc_t md, const char *letters) {
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  if (!md || dnnl_memory_desc_query(md, dnnl_query_format_kind, &kind) != dnnl_success) return "";
  if (kind == dnnl_format_kind_any) return "any";
  int rank = 0, blocks = 0;
  const dnnl_dims_t *strides, *dims, *block_sizes, *block_dims;
  if (kind != dnnl_blocked || dnnl_memory_desc_query(md, dnnl_query_ndims_s32, &rank) != dnnl_success || rank == 0 ||
      dnnl_memory_desc_query(md, dnnl_query_strides, (void *)&strides) != dnnl_success ||
      dnnl_memory_desc_query(md, dnnl_query_padded_dims, (void *)&dims) != dnnl_success ||
      dnnl_memory_desc_query(md, dnnl_query_inner_nblks_s32, &blocks) != dnnl_success ||
      dnnl_memory_desc_query(md, dnnl_query_inner_blks, (void *)&block_sizes) != dnnl_success ||
      dnnl_memory_desc_query(md, dnnl_query_inner_idxs, (void *)&block_dims) != dnnl_success)
    return "opaque";
  // Outer dimensions by falling stride. Equal strides come from dimensions of size 1 (or one block): the size decides,
  // then the logical order.
  int order[DNNL_MAX_NDIMS];
  bool blocked[DNNL_MAX_NDIMS] = {false};
  dnnl_dims_t outer;
  for (int i = 0; i < rank; i++) outer[i] = (*dims)[i];
  for (int i = 0; i < blocks; i++) {
    blocked[(*block_dims)[i]] = true;
    outer[(*block_dims)[i]] /= (*block_sizes)[i];
  }
  for (int i = 0; i < rank; i++) {
    int at = i;
    while (at > 0) {
      int other = order[at - 1];
      bool before =
          (*strides)[i] > (*strides)[other] || ((*strides)[i] == (*strides)[other] && outer[i] > outer[other]);
      if (!before) break;
      order[at] = other;
      at--;
    }
    order[at] = i;
  }
  char text[64];
  size_t length = 0;
  size_t letter_count = strlen(letters);
  for (int i = 0; i < rank && length < sizeof text - 1; i++) {
    char c = (size_t)order[i] < letter_count ? letters[order[i]] : '?';
    text[length++] = blocked[order[i]] && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
  }
  text[length] = 0;
  const char *name = mf_arena_copy(arena, text);
  for (int i = 0; name && i < blocks; i++) {
    int64_t dim = (*block_dims)[i];
    char c = (size_t)dim < letter_count ? letters[dim] : '?';
    name = mf_arena_format(arena, "%s%lld%c", name, (long long)(*block_sizes)[i], c);
  }
  return name;
}

mf_status mf_onednn_md(dnnl_memory_desc_t *out, const mf_shape *shape, mf_dtype dtype, dnnl_format_tag_t tag,
                       mf_error *e) {
  dnnl_dims_t dims = {0};
  for (int i = 0; i < shape->rank; i++) dims[i] = shape->dim[i];
  return mf_onednn_check(dnnl_memory_desc_create_with_tag(out, shape->rank, dims, mf_onednn_dtype(dtype), tag),
                         "memory descriptor", e);
}

const char *mf_onednn_isa(void) {
  switch (dnnl_get_effective_cpu_isa()) {
  case dnnl_cpu_isa_sse41:
    return "sse41";
  case dnnl_cpu_isa_avx:
    return "avx";
  case dnnl_cpu_isa_avx2:
    return "avx2";
  case dnnl_cpu_isa_avx2_vnni:
    return "avx2_vnni";
  case dnnl_cpu_isa_avx2_vnni_2:
    return "avx2_vnni_2";
  case dnnl_cpu_isa_avx512_core:
    return "avx512_core";
  case dnnl_cpu_isa_avx512_core_vnni:
    return "avx512_core_vnni";
  case dnnl_cpu_isa_avx512_core_bf16:
    return "avx512_core_bf16";
  case dnnl_cpu_isa_avx512_core_fp16:
    return "avx512_core_fp16";
  case dnnl_cpu_isa_avx512_core_amx:
    return "avx512_core_amx";
  case dnnl_cpu_isa_avx512_core_amx_fp16:
    return "avx512_core_amx_fp16";
  default:
    return "default";
  }
}

// dnnl::impl::get_primitive_cache_size, which oneDNN has for its own tests.
extern int cache_size(int *size) __asm__("_ZN4dnnl4impl24get_primitive_cache_sizeEPi") __attribute__((weak));

int mf_onednn_cached(void) {
  int size = 0, capacity = 0;
  if (!cache_size || cache_size(&size) || dnnl_get_primitive_cache_capacity(&capacity)) return -1;
  return size < capacity ? size : -1;
}

bool mf_onednn_has_amx(void) {
  const int isa = (int)dnnl_get_effective_cpu_isa(); // an ISA's bits include those of the ISAs below it
  return (isa & (int)dnnl_cpu_isa_avx512_core_amx) == (int)dnnl_cpu_isa_avx512_core_amx;
}

bool mf_onednn_has_vnni(void) {
  dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
  return isa != dnnl_cpu_isa_sse41 && isa != dnnl_cpu_isa_avx && isa != dnnl_cpu_isa_avx2 &&
         isa != dnnl_cpu_isa_avx512_core;
}
