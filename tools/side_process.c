// A side in a process of its own: a fork of this one that waits for requests. Results stand in memory that both map at
// the same address, so whole plans are handed over with their pointers; a pipe each way says whose turn it is.
#include "fail.h"
#include "interrupt.h"
#include "side.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARED_BYTES ((size_t)1 << 30) // of addresses; memory is only taken where something is written

typedef enum request { REQUEST_OPEN, REQUEST_BLOCK, REQUEST_CLOSE } request;

typedef struct shared {
  request request;
  side_block block;
  minfer_status status;
  minfer_error error;
  // What came of it:
  const minfer_plan *plan;
  classification answers;
  int64_t spin_us;
  breakdown times;
  size_t rss_peak;
  int warmup;
  double latency[MEASURE_BLOCK_RUNS], plain, traced; // of the block
  size_t used;                                       // bytes behind this struct
} shared;

struct side_process {
  pid_t child;
  int to, from; // pipes
  shared *shared;
};

// ---- the child

static void *take(shared *to, size_t size) {
  const size_t at = (to->used + 63) / 64 * 64;
  if (size > SHARED_BYTES - sizeof *to - 64 || at > SHARED_BYTES - sizeof *to - 64 - size) return NULL;
  to->used = at + size;
  return (char *)(to + 1) + at;
}

static void *copy(shared *to, const void *from, size_t size) {
  void *there = take(to, size);
  if (there && size) memcpy(there, from, size);
  return there;
}

static bool copy_text(shared *to, const char **text) {
  *text = copy(to, *text, strlen(*text) + 1);
  return *text != NULL;
}

// Texts of a struct, by where they stand in it.
static bool copy_texts(shared *to, void *structure, const size_t *offsets, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!copy_text(to, (const char **)((char *)structure + offsets[i]))) return false;
  return true;
}
#define COPY_TEXTS(to, structure, ...)                                                                                 \
  copy_texts(to, structure, (const size_t[]){__VA_ARGS__}, sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t))

static bool copy_primitive(shared *to, minfer_primitive *p) {
#define TEXT(field) offsetof(minfer_primitive, field)
  return COPY_TEXTS(to, p, TEXT(kind), TEXT(name), TEXT(impl), TEXT(problem), TEXT(post_ops), TEXT(from), TEXT(to),
                    TEXT(reason), TEXT(source.format), TEXT(source.dtype), TEXT(weights.format), TEXT(weights.dtype),
                    TEXT(bias.format), TEXT(bias.dtype), TEXT(destination.format), TEXT(destination.dtype),
                    TEXT(bound));
#undef TEXT
}

static bool copy_layer(shared *to, minfer_layer *layer) {
#define TEXT(field) offsetof(minfer_layer, field)
  const char **sources = copy(to, layer->sources, (size_t)layer->source_count * sizeof *sources);
  if (!sources) return false;
  for (int i = 0; i < layer->source_count; i++)
    if (!copy_text(to, &sources[i])) return false;
  layer->sources = sources;
  return COPY_TEXTS(to, layer, TEXT(name), TEXT(kind), TEXT(stage), TEXT(dtype), TEXT(impl), TEXT(bound));
#undef TEXT
}

static bool copy_plan(shared *to, const minfer_plan *from) {
#define TEXT(field) offsetof(minfer_plan, field)
  minfer_plan *plan = copy(to, from, sizeof *plan);
  if (!plan || !COPY_TEXTS(to, plan, TEXT(isa), TEXT(calibration_source), TEXT(calibrator), TEXT(counters)))
    return false;
#undef TEXT
  minfer_primitive *primitives = copy(to, plan->primitives, (size_t)plan->primitive_count * sizeof *primitives);
  minfer_layer *layers = copy(to, plan->layers, (size_t)plan->layer_count * sizeof *layers);
  minfer_phase *phases = copy(to, plan->phases, (size_t)plan->phase_count * sizeof *phases);
  minfer_float_layer *floats = copy(to, plan->float_layers, (size_t)plan->float_layer_count * sizeof *floats);
  if (!primitives || !layers || !phases || !floats) return false;
  if (plan->peaks && !(plan->peaks = copy(to, plan->peaks, sizeof *plan->peaks))) return false;
  for (int i = 0; i < plan->primitive_count; i++)
    if (!copy_primitive(to, &primitives[i])) return false;
  for (int i = 0; i < plan->layer_count; i++)
    if (!copy_layer(to, &layers[i])) return false;
  for (int i = 0; i < plan->phase_count; i++)
    if (!copy_text(to, &phases[i].name) || !copy_text(to, &phases[i].cache)) return false;
  for (int i = 0; i < plan->float_layer_count; i++)
    if (!copy_text(to, &floats[i].layer) || !copy_text(to, &floats[i].reason)) return false;
  plan->primitives = primitives;
  plan->layers = layers;
  plan->phases = phases;
  plan->float_layers = floats;
  plan->buffers = NULL; // these stay behind: no report of a comparison has them
  plan->candidates = NULL;
  plan->buffer_count = plan->candidate_count = 0;
  to->plan = plan;
  return true;
}

static bool copy_answers(shared *to, const classification *from) {
  const size_t inputs = (size_t)from->inputs;
  to->answers = *from;
  to->answers.answers = copy(to, from->answers, inputs * (size_t)from->per_input * sizeof *from->answers);
  to->answers.logits = copy(to, from->logits, inputs * (size_t)from->classes * sizeof *from->logits);
  return to->answers.answers && to->answers.logits;
}

static bool copy_times(shared *to, const minfer_plan *plan, const breakdown *from) {
  const size_t primitives = (size_t)plan->primitive_count;
  breakdown *times = &to->times;
  *times = *from;
  times->primitive_ms = copy(to, from->primitive_ms, primitives * sizeof(double));
  times->layer_ms = copy(to, from->layer_ms, (size_t)plan->layer_count * sizeof(double));
  times->kinds = copy(to, from->kinds, (size_t)from->kind_count * sizeof *from->kinds);
  times->run_times = copy(to, from->run_times, from->runs * sizeof(double));
  if (!times->primitive_ms || !times->layer_ms || !times->kinds || !times->run_times) return false;
  for (int i = 0; i < times->kind_count; i++)
    if (!copy_text(to, &times->kinds[i].kind)) return false;
  if (from->by_run) times->by_run = copy(to, from->by_run, from->runs * primitives * sizeof(double));
  return times->by_run || !from->by_run;
}

static minfer_status open_for(side *s, shared *to, minfer_error *error) {
  if (s->options->isa) TRY(minfer_set_isa(s->options->isa, error));
  const minfer_status status = side_open_here(s, error);
  progress_clear(&s->console->progress);
  TRY(status);
  to->warmup = s->measured.warmup;
  to->spin_us = s->spin_us;
  return copy_plan(to, s->plan) && copy_answers(to, &s->answers) ? MINFER_OK : fail_memory(error);
}

static minfer_status run_block_for(side *s, shared *to, minfer_error *error) {
  const measurement *m = &s->measured;
  const size_t before = m->latency.count;
  TRY(side_run_block_here(s, &to->block, error));
  memcpy(to->latency, m->latency.values + before, (m->latency.count - before) * sizeof *to->latency);
  if (!to->block.traced) return MINFER_OK;
  to->plain = m->plain.values[m->plain.count - 1];
  to->traced = m->traced.values[m->traced.count - 1];
  return MINFER_OK;
}

static minfer_status close_for(side *s, shared *to, minfer_error *error) {
  TRY(side_close_here(s, error));
  to->rss_peak = s->rss_peak;
  return copy_times(to, s->plan, &s->times) ? MINFER_OK : fail_memory(error);
}

static ssize_t read_byte(int file) {
  char byte;
  ssize_t n;
  do n = read(file, &byte, 1);
  while (n < 0 && errno == EINTR);
  return n;
}

static void serve(side *s, shared *to, int in, int out) {
  minfer_status (*const answers[])(side *, shared *, minfer_error *) = {
      [REQUEST_OPEN] = open_for, [REQUEST_BLOCK] = run_block_for, [REQUEST_CLOSE] = close_for};
  while (read_byte(in) == 1) {
    to->error = (minfer_error){0};
    to->status = answers[to->request](s, to, &to->error);
    if (write(out, "", 1) != 1) return;
  }
}

// Ctrl-C reaches every process of the terminal; the parent alone decides what follows from it, and the child ends with
// the parent.
static _Noreturn void be_child(side *s, shared *to, int in, int out, pid_t parent) {
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) serve(s, to, in, out);
  _exit(0);
}

// ---- the parent

static minfer_status refuse(const int *pipes, shared *memory, side_process *p, const side *s, const char *what,
                            minfer_error *error) {
  fail(error, MINFER_UNSUPPORTED, "a process for side %c cannot be made: %s: %s", s->letter, what, strerror(errno));
  for (int i = 0; i < 4; i++)
    if (pipes[i] >= 0) close(pipes[i]);
  if (memory != MAP_FAILED) munmap(memory, SHARED_BYTES);
  free(p);
  return error->status;
}

minfer_status side_detach(side *s, minfer_error *error) {
  int pipes[4] = {-1, -1, -1, -1}; // to the child: read, write; from it: read, write
  const pid_t parent = getpid();
  shared *memory = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  side_process *p = calloc(1, sizeof *p);
  if (!p || memory == MAP_FAILED) return refuse(pipes, memory, p, s, "memory", error);
  if (pipe2(pipes, O_CLOEXEC) != 0 || pipe2(pipes + 2, O_CLOEXEC) != 0)
    return refuse(pipes, memory, p, s, "pipe", error);
  const pid_t child = fork();
  if (child < 0) return refuse(pipes, memory, p, s, "fork", error);
  if (child == 0) {
    close(pipes[1]);
    close(pipes[2]);
    be_child(s, memory, pipes[0], pipes[3], parent);
  }
  close(pipes[0]);
  close(pipes[3]);
  *p = (side_process){.child = child, .to = pipes[1], .from = pipes[2], .shared = memory};
  s->process = p;
  return MINFER_OK;
}

static minfer_status tell_death(side *s, minfer_error *error) {
  int state = 0;
  side_process *p = s->process;
  if (waitpid(p->child, &state, 0) == p->child) p->child = 0;
  if (WIFSIGNALED(state))
    return fail(error, MINFER_UNSUPPORTED, "the process of side %c was ended by signal %d (%s)", s->letter,
                WTERMSIG(state), strsignal(WTERMSIG(state)));
  return fail(error, MINFER_UNSUPPORTED, "the process of side %c ended with status %d", s->letter, WEXITSTATUS(state));
}

// `patient`: a signal does not end the wait, since what is asked for takes little time and its result is wanted.
static minfer_status ask(side *s, request what, bool patient, minfer_error *error) {
  side_process *p = s->process;
  p->shared->request = what;
  if (write(p->to, "", 1) != 1) return tell_death(s, error);
  for (;;) {
    struct pollfd ready = {.fd = p->from, .events = POLLIN};
    const int n = poll(&ready, 1, 100);
    if (n > 0) break;
    if (!patient && interrupt_seen()) return fail(error, MINFER_INTERRUPTED, "interrupted");
  }
  if (read_byte(p->from) != 1) return tell_death(s, error);
  if (p->shared->status != MINFER_OK) *error = p->shared->error;
  return p->shared->status;
}

minfer_status side_process_open(side *s, minfer_error *error) {
  const shared *from = s->process->shared;
  TRY(ask(s, REQUEST_OPEN, false, error));
  s->plan = from->plan;
  s->answers = from->answers;
  s->spin_us = from->spin_us;
  s->measured.warmup = from->warmup;
  return MINFER_OK;
}

minfer_status side_process_run_block(side *s, const side_block *block, minfer_error *error) {
  shared *from = s->process->shared;
  measurement *m = &s->measured;
  from->block = *block;
  TRY(ask(s, REQUEST_BLOCK, true, error));
  bool done = true;
  for (int i = 0; i < block->runs; i++) {
    done = done && samples_add(&m->latency, from->latency[i]);
    m->wall_ms += from->latency[i];
  }
  if (block->traced) done = done && samples_add(&m->plain, from->plain) && samples_add(&m->traced, from->traced);
  return done ? MINFER_OK : fail_memory(error);
}

minfer_status side_process_close(side *s, minfer_error *error) {
  TRY(ask(s, REQUEST_CLOSE, true, error));
  s->times = s->process->shared->times;
  s->rss_peak = s->process->shared->rss_peak;
  return measure_summarise(&s->measured, error);
}

void side_process_end(side *s) {
  side_process *p = s->process;
  close(p->to);
  close(p->from);
  if (p->child > 0) {
    kill(p->child, SIGKILL); // it holds nothing that would have to be put away
    while (waitpid(p->child, NULL, 0) < 0 && errno == EINTR) continue;
  }
  munmap(p->shared, SHARED_BYTES);
  free(p);
  s->process = NULL;
  s->plan = NULL;
  s->answers = (classification){0};
  s->times = (breakdown){0};
}
