// The machine, oneDNN's ISA, and thread settings from the environment.
#include "thread/environment.h"
#include "api/handles.h"
#include "base/log.h"
#include "plan/onednn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  dnnl_cpu_isa_t isa;
} isas[] = {{"sse41", dnnl_cpu_isa_sse41},
            {"avx", dnnl_cpu_isa_avx},
            {"avx2", dnnl_cpu_isa_avx2},
            {"avx2_vnni", dnnl_cpu_isa_avx2_vnni},
            {"avx2_vnni_2", dnnl_cpu_isa_avx2_vnni_2},
            {"avx512_core", dnnl_cpu_isa_avx512_core},
            {"avx512_core_vnni", dnnl_cpu_isa_avx512_core_vnni},
            {"avx512_core_bf16", dnnl_cpu_isa_avx512_core_bf16},
            {"avx512_core_fp16", dnnl_cpu_isa_avx512_core_fp16},
            {"avx512_core_amx", dnnl_cpu_isa_avx512_core_amx},
            {"avx512_core_amx_fp16", dnnl_cpu_isa_avx512_core_amx_fp16}};

static bool at_least(dnnl_cpu_isa_t have, dnnl_cpu_isa_t want) {
  return (have & want) == want;
}

const minfer_environment *minfer_environment_get(void) {
  static _Thread_local minfer_environment out;
  static _Thread_local char cpu[128], version[48];
  mf_topology topology = {0};
  mf_error e;
  if (mf_topology_read(&topology, &e) != MF_OK) topology = (mf_topology){.model = "", .core_count = 1, .cpu_count = 1};
  snprintf(cpu, sizeof cpu, "%s", topology.model);
  const dnnl_version_t *v = dnnl_version();
  snprintf(version, sizeof version, "%d.%d.%d", v->major, v->minor, v->patch);
  dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
  out = (minfer_environment){
      .cpu = cpu,
      .logical_cpus = (int)topology.cpu_count,
      .physical_cores = (int)topology.core_count,
      .cgroup_cpus = topology.quota_cpus,
      .default_threads = (int)mf_topology_default_threads(&topology),
      .l1d_bytes = topology.l1d_bytes,
      .l2_bytes = topology.l2_bytes,
      .l3_bytes = topology.l3_bytes,
      .memory_bytes = topology.memory_bytes,
      .cgroup_memory_bytes = topology.memory_limit_bytes,
      .isa = mf_onednn_isa(),
      .native_bf16 = at_least(isa, dnnl_cpu_isa_avx512_core_bf16) || isa == dnnl_cpu_isa_avx2_vnni_2,
      .native_f16 = at_least(isa, dnnl_cpu_isa_avx512_core_fp16) || isa == dnnl_cpu_isa_avx2_vnni_2,
      .native_int8 = mf_onednn_has_vnni(),
      .has_amx = at_least(isa, dnnl_cpu_isa_avx512_core_amx),
      .onednn_version = version,
      .onednn_runtime = "threadpool"};
  mf_topology_free(&topology);
  return &out;
}

static mf_status set_isa(const char *name, mf_error *e) {
  char names[256] = "";
  for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
    if (strcmp(isas[i].name, name) == 0) {
      // Asking oneDNN for its ISA settles it, so the limit comes first and what it left is looked at afterwards.
      if (dnnl_set_max_cpu_isa(isas[i].isa) != dnnl_success)
        return mf_fail(e, MF_ERR_UNSUPPORTED, "the ISA cannot be limited to %s any more: oneDNN is in use", name);
      if (!at_least(dnnl_get_effective_cpu_isa(), isas[i].isa))
        return mf_fail(e, MF_ERR_UNSUPPORTED, "this machine has no %s (it has %s)", name, mf_onednn_isa());
      return MF_OK;
    }
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", isas[i].name);
  }
  return mf_fail(e, MF_ERR_USAGE, "there is no ISA %s (expected %s)", name, names);
}

minfer_status minfer_set_isa(const char *isa, minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, set_isa(isa, &e));
}

static mf_status set_jit_profile(const char *profiler, mf_error *e) {
  unsigned flags = 0;
  if (strcmp(profiler, "perf") == 0) flags = DNNL_JIT_PROFILE_LINUX_PERF;
  if (strcmp(profiler, "vtune") == 0) flags = DNNL_JIT_PROFILE_VTUNE;
  if (!flags) return mf_fail(e, MF_ERR_USAGE, "there is no JIT profile %s (expected perf, vtune)", profiler);
  if (dnnl_set_jit_profiling_flags(flags) == dnnl_success) return MF_OK;
  return mf_fail(e, MF_ERR_UNSUPPORTED,
                 "this oneDNN names no generated kernels for profilers (it was built with "
                 "ONEDNN_ENABLE_JIT_PROFILING off)");
}

minfer_status minfer_set_jit_profile(const char *profiler, minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, set_jit_profile(profiler, &e));
}

static const char *get(const char *name, void *context) {
  (void)context;
  return getenv(name);
}

// How the options spell an affinity: a word, or where there is none for it (compact,1 of KMP_AFFINITY) the CPUs in
// order.
static const char *spell(const mf_affinity *affinity) {
  static const char *const words[] = {
      [MF_AFFINITY_NONE] = "none", [MF_AFFINITY_COMPACT] = "compact", [MF_AFFINITY_SCATTER] = "scatter"};
  static _Thread_local char text[MF_AFFINITY_CPUS * 6];
  if (affinity->kind == MF_AFFINITY_DEFAULT) return NULL;
  if (affinity->kind != MF_AFFINITY_LIST && !affinity->permute && !affinity->offset) return words[affinity->kind];
  int cpus[MF_AFFINITY_CPUS];
  size_t count = affinity->cpu_count;
  mf_topology topology = {0};
  mf_error e = {0};
  mf_status status = MF_OK;
  if (affinity->kind == MF_AFFINITY_LIST)
    memcpy(cpus, affinity->cpus, count * sizeof *cpus);
  else if ((status = mf_topology_read(&topology, &e)) == MF_OK) {
    count = topology.cpu_count < MF_AFFINITY_CPUS ? topology.cpu_count : MF_AFFINITY_CPUS;
    status = mf_affinity_place(affinity, &topology, count, cpus, &e);
  }
  mf_topology_free(&topology);
  if (status != MF_OK) {
    mf_log(MF_LOG_WARNING, "%s (affinity from the environment is ignored)", e.text);
    return NULL;
  }
  size_t length = 0;
  for (size_t i = 0; i < count; i++)
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%d", i ? "," : "", cpus[i]);
  return text;
}

// Every order of CPUs can be said as a list: the one that the setting asks for, over all CPUs of this process.
static const char *as_list(const mf_affinity *affinity) {
  static _Thread_local char text[MF_AFFINITY_CPUS * 6];
  mf_topology topology = {0};
  mf_error e;
  int cpus[MF_AFFINITY_CPUS];
  text[0] = 0;
  if (mf_topology_read(&topology, &e) != MF_OK) return NULL;
  size_t count = affinity->kind == MF_AFFINITY_LIST ? affinity->cpu_count : topology.cpu_count;
  if (count > MF_AFFINITY_CPUS) count = MF_AFFINITY_CPUS;
  mf_status status = mf_affinity_place(affinity, &topology, count, cpus, &e);
  mf_topology_free(&topology);
  if (status != MF_OK) {
    mf_log(MF_LOG_WARNING, "affinity from the environment is ignored: %s", e.text);
    return NULL;
  }
  for (size_t i = 0, used = 0; i < count && used < sizeof text - 16; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, i ? ",%d" : "%d", cpus[i]);
  return text;
}

void minfer_session_options_from_environment(minfer_session_options *options, bool *print_settings) {
  mf_thread_environment env;
  mf_thread_environment_read(&env, get, NULL);
  for (size_t i = 0; i < env.note_count; i++) mf_log(MF_LOG_WARNING, "%s", env.notes[i]);
  if (!options->threads) options->threads = env.threads;
  if (!options->spin_us && env.has_spin) options->spin_us = env.spin_us ? env.spin_us : -1;
  if (!options->affinity) options->affinity = spell(&env.affinity);
  if (!options->affinity && env.affinity.kind == MF_AFFINITY_NONE) options->affinity = "none";
  if (!options->affinity && env.affinity.kind > MF_AFFINITY_NONE) options->affinity = as_list(&env.affinity);
  if (print_settings) *print_settings = env.print_settings;
}
