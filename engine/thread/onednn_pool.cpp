// oneDNN's threadpool interface is a C++ class; this is the project's only C++ file. No exception passes it: a body
// that throws ends the program, as it would in oneDNN's own threads.
#include <cstdint>
#include <functional>
#include <new>
#include <oneapi/dnnl/dnnl_threadpool_iface.hpp>

extern "C" {
#include "thread/onednn_pool.h"

static void call(int i, int n, void *body) noexcept {
  (*static_cast<const std::function<void(int, int)> *>(body))(i, n);
}
}

namespace {

class adapter final : public dnnl::threadpool_interop::threadpool_iface {
public:
  explicit adapter(mf_pool *of) : pool(of) {}
  int get_num_threads() const override { return mf_pool_threads(pool); }
  bool get_in_parallel() const override { return mf_pool_is_inside(pool); }
  uint64_t get_flags() const override { return 0; } // parallel_for returns when all is done
  void parallel_for(int n, const std::function<void(int, int)> &body) override {
    mf_pool_run(pool, n, call, const_cast<std::function<void(int, int)> *>(&body));
  }

private:
  mf_pool *pool;
};

static_assert(sizeof(adapter) <= MF_ONEDNN_POOL_BYTES && alignof(adapter) <= alignof(void *),
              "the storage is too small");

} // namespace

extern "C" void *mf_onednn_pool_build(void *storage, mf_pool *pool) {
  return static_cast<dnnl::threadpool_interop::threadpool_iface *>(new (storage) adapter(pool));
}
