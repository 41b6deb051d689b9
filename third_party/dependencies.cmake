# One interface target, minfer_dependencies, with everything the engine links. README.md beside this file says where each comes from.
add_library(minfer_dependencies INTERFACE)

# oneDNN: a folder the user names, else a system one that fits, else our own cached build.
set(onednn_folder ${MINFER_ONEDNN})
unset(dnnl_DIR CACHE) # an earlier answer: the recipe may have changed since
if(NOT onednn_folder)
  add_subdirectory(third_party/onednn)
endif()
if(NOT onednn_folder)
  execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/onednn/build.sh OUTPUT_VARIABLE onednn_folder
    OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "oneDNN could not be built; name an installed one with -DMINFER_ONEDNN=DIR")
  endif()
endif()
find_package(dnnl 3.5 CONFIG REQUIRED PATHS ${onednn_folder} NO_DEFAULT_PATH)
if(NOT DNNL_CPU_RUNTIME STREQUAL "THREADPOOL")
  message(FATAL_ERROR "the oneDNN in ${dnnl_DIR} has CPU runtime ${DNNL_CPU_RUNTIME}; minfer needs THREADPOOL")
endif()
message(STATUS "oneDNN ${dnnl_VERSION} in ${dnnl_DIR}")

find_package(PNG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(cjson REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(cairo REQUIRED IMPORTED_TARGET cairo) # of the program alone
find_path(STB_INCLUDE stb_image.h PATH_SUFFIXES stb REQUIRED)
find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
find_package(Threads REQUIRED)
find_package(CURL 7.85 REQUIRED) # of the program alone

target_include_directories(minfer_dependencies SYSTEM INTERFACE ${STB_INCLUDE} ${XXHASH_INCLUDE})
target_link_libraries(minfer_dependencies INTERFACE DNNL::dnnl PNG::PNG PkgConfig::cjson Threads::Threads m)
# oneDNN's one assembler file does not say so, and the linker would give the whole program an executable stack.
target_link_options(minfer_dependencies INTERFACE LINKER:-z,noexecstack)
