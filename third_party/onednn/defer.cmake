# Included by oneDNN's own project() (CMAKE_PROJECT_INCLUDE): what we change about its build without touching its source.
# Runs at the end of oneDNN's top-level directory, when all its object libraries exist.

# Files of primitives that are switched off are still listed by oneDNN's globs. Dropping them saves a fifth of the build.
# The *_list.cpp files stay: they are the dispatch tables and compile to empty lists. Deconvolution runs on brgemm_conv_bwd_strided and
# what that needs. build.sh links the whole library and so finds a file that is missed.
set(MINFER_DROP "/rnn/|layer_normalization|group_normalization|instance_normalization|_bwd_")
set(MINFER_KEEP "_list\\.cpp$|/lrn/|/jit_brgemm_conv_bwd_(strided|utils|copy_kernel|trans_kernel)\\.cpp$")

# The drivers that loop around the generated kernels run at inference time; everything else runs while primitives are created.
set(MINFER_HOT "brgemm[^/]*conv[^/]*\\.cpp$|/reorder/|simple_(concat|sum|reorder)|/jit_(brdgmm|uni_pool)[^/]*\\.cpp$")

function(minfer_trim)
  foreach(target dnnl_common dnnl_cpu dnnl_cpu_x64)
    if(NOT TARGET ${target})
      continue()
    endif()
    get_target_property(sources ${target} SOURCES)
    set(kept "")
    set(hot "")
    foreach(source IN LISTS sources)
      if(source MATCHES "${MINFER_DROP}" AND NOT source MATCHES "${MINFER_KEEP}")
        continue()
      endif()
      list(APPEND kept "${source}")
      if(source MATCHES "${MINFER_HOT}")
        list(APPEND hot "${source}")
      endif()
    endforeach()
    set_target_properties(${target} PROPERTIES SOURCES "${kept}")
    if(hot)
      set_property(SOURCE ${hot} TARGET_DIRECTORY ${target} APPEND PROPERTY COMPILE_OPTIONS -O2)
    endif()
    list(LENGTH sources before)
    list(LENGTH kept after)
    list(LENGTH hot faster)
    message(STATUS "minfer: ${target}: ${after} of ${before} files, ${faster} of them at -O2")
  endforeach()
endfunction()

if(NOT MINFER_TRIM_DEFERRED)
  set(MINFER_TRIM_DEFERRED TRUE)
  cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL minfer_trim)
endif()
