#include "otlp.h"
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include "text.h"
#include <curl/curl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE_MS = 50, ANSWER_BYTES = 65536, NAME_BYTES = 300 };
static const double first_pause_s = 0.25, longest_pause_s = 5;

typedef struct post {
  const otlp_settings *settings;
  console *console;
  CURL *easy;
  CURLM *multi;
  char shown[NAME_BYTES]; // the address without user and password
  bool interrupted_before;
  int64_t refused; // spans
  char why[256];   // they were
  char answer[ANSWER_BYTES];
  size_t answer_size;
} post;

static size_t keep_answer(char *bytes, size_t size, size_t count, void *context) {
  post *p = context;
  const size_t all = size * count, room = sizeof p->answer - p->answer_size, kept = all < room ? all : room;
  memcpy(p->answer + p->answer_size, bytes, kept);
  p->answer_size += kept;
  return all; // what does not fit is of no interest
}

// A signal since posting began. One that came before has ended the measurement, and what there is is delivered.
static bool stopped(const post *p) {
  return interrupt_seen() && !p->interrupted_before;
}

static bool pause_for(const post *p, double seconds) {
  const double until = clock_s() + seconds;
  while (!stopped(p) && clock_s() < until) poll(NULL, 0, SLICE_MS);
  return !stopped(p);
}

// One attempt; CURLE_ABORTED_BY_CALLBACK after a signal.
static CURLcode attempt(post *p, double left_s) {
  p->answer_size = 0;
  curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, (long)(fmax(left_s, 0) * 1e3) + 1); // 0 would be no limit
  CURLcode result = CURLE_FAILED_INIT;
  if (curl_multi_add_handle(p->multi, p->easy) != CURLM_OK) return result;
  int running = 1, left;
  while (running && !stopped(p)) {
    if (curl_multi_perform(p->multi, &running) != CURLM_OK) break;
    if (running) curl_multi_poll(p->multi, NULL, 0, SLICE_MS, NULL);
  }
  const CURLMsg *message = curl_multi_info_read(p->multi, &left);
  if (message && message->msg == CURLMSG_DONE) result = message->data.result;
  if (running && stopped(p)) result = CURLE_ABORTED_BY_CALLBACK;
  curl_multi_remove_handle(p->multi, p->easy);
  return result;
}

static bool may_succeed_later(CURLcode result, long status) {
  if (result == CURLE_OK) return status == 429 || status == 502 || status == 503 || status == 504;
  return result == CURLE_COULDNT_CONNECT || result == CURLE_GOT_NOTHING || result == CURLE_SEND_ERROR ||
         result == CURLE_RECV_ERROR || result == CURLE_PARTIAL_FILE;
}

// The first line of an answer that is a text.
static int answer_line(const post *p) {
  size_t length = 0;
  while (length < p->answer_size && length < 200 && p->answer[length] != '\n' && p->answer[length] != '\r') length++;
  return text_is_clean(p->answer, length) ? (int)length : 0;
}

static minfer_status fail_post(const post *p, CURLcode result, long status, int attempts, minfer_error *error) {
  char tries[48] = "";
  if (attempts > 1) snprintf(tries, sizeof tries, ", %d times", attempts);
  if (result == CURLE_ABORTED_BY_CALLBACK)
    return fail(error, MINFER_INTERRUPTED, "%s: interrupted before the whole trace was posted", p->shown);
  if (result == CURLE_OPERATION_TIMEDOUT)
    fail(error, MINFER_OUTPUT, "%s: the trace could not be posted: no answer within %.3g s", p->shown,
         (double)p->settings->timeout_ms / 1e3);
  else if (result != CURLE_OK)
    fail(error, MINFER_OUTPUT, "%s: the trace could not be posted%s: %s", p->shown, tries, curl_easy_strerror(result));
  else
    fail(error, MINFER_OUTPUT, "%s: the trace could not be posted: the collector answered %ld%s%s%.*s", p->shown,
         status, tries, answer_line(p) ? ": " : "", answer_line(p), p->answer);
  return error->status;
}

// Half of the pause is a matter of luck, so that many programs do not come back at one moment.
static double jitter(double pause_s) {
  return pause_s * (0.5 + drand48() / 2);
}

static minfer_status deliver(post *p, minfer_error *error) {
  const double end = clock_s() + (double)p->settings->timeout_ms / 1e3;
  double pause_s = first_pause_s;
  for (int attempts = 1;; attempts++) {
    const CURLcode result = attempt(p, end - clock_s());
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(p->easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (result == CURLE_OK && status >= 200 && status < 300) return MINFER_OK;
    const double wait_s = result == CURLE_OK && retry_after > 0 ? (double)retry_after : jitter(pause_s);
    if (!may_succeed_later(result, status) || clock_s() + wait_s >= end)
      return fail_post(p, result, status, attempts, error);
    if (!pause_for(p, wait_s)) return fail_post(p, CURLE_ABORTED_BY_CALLBACK, 0, attempts, error);
    pause_s = fmin(2 * pause_s, longest_pause_s);
  }
}

static minfer_status post_part(const char *bytes, size_t count, void *context, minfer_error *error) {
  post *p = context;
  curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, bytes);
  curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
  TRY(deliver(p, error));
  char why[sizeof p->why];
  p->refused += minfer_trace_refused(p->answer, p->answer_size, why, sizeof why);
  if (why[0]) memcpy(p->why, why, sizeof why);
  return MINFER_OK;
}

static bool add_header(struct curl_slist **list, const char *name, const char *value) {
  char *line = NULL;
  // An empty value needs the other form, or libcurl would remove the header.
  if (asprintf(&line, *value ? "%s: %s" : "%s;", name, value) < 0) return false;
  struct curl_slist *longer = curl_slist_append(*list, line);
  free(line);
  if (longer) *list = longer;
  return longer != NULL;
}

static bool make_headers(const key_values *headers, struct curl_slist **list) {
  bool whole = add_header(list, "Content-Type", "application/json");
  for (size_t i = 0; i < headers->count && whole; i++)
    whole = add_header(list, headers->items[2 * i], headers->items[2 * i + 1]);
  if (!whole) return false;
  struct curl_slist *longer = curl_slist_append(*list, "Expect:"); // no waiting for "100 Continue"
  if (longer) *list = longer;
  return longer != NULL;
}

static bool show_address(const char *url, char *out, size_t size) {
  char *shown = NULL;
  CURLU *address = curl_url();
  bool done = address && !curl_url_set(address, CURLUPART_URL, url, 0) &&
              !curl_url_set(address, CURLUPART_USER, NULL, 0) && !curl_url_set(address, CURLUPART_PASSWORD, NULL, 0) &&
              !curl_url_set(address, CURLUPART_QUERY, NULL, 0) && !curl_url_get(address, CURLUPART_URL, &shown, 0);
  if (done) snprintf(out, size, "%s", shown);
  curl_free(shown);
  curl_url_cleanup(address);
  return done;
}

static bool prepare(post *p, struct curl_slist **headers) {
  p->easy = curl_easy_init();
  p->multi = curl_multi_init();
  if (!p->easy || !p->multi || !make_headers(&p->settings->headers, headers) ||
      !show_address(p->settings->url, p->shown, sizeof p->shown))
    return false;
  char agent[64];
  snprintf(agent, sizeof agent, "minfer/%s", minfer_version());
  return !curl_easy_setopt(p->easy, CURLOPT_URL, p->settings->url) &&
         !curl_easy_setopt(p->easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
         !curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, *headers) &&
         !curl_easy_setopt(p->easy, CURLOPT_USERAGENT, agent) && !curl_easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L) &&
         !curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, keep_answer) &&
         !curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p);
}

static minfer_status report_refused(post *p, minfer_error *error) {
  char why[320] = "";
  if (p->why[0]) snprintf(why, sizeof why, ": %s", p->why);
  if (p->refused)
    return fail(error, MINFER_OUTPUT, "%s: the collector refused %lld spans%s", p->shown, (long long)p->refused, why);
  char line[640];
  snprintf(line, sizeof line, "%s: the collector took the trace and says%s", p->shown, why);
  if (p->why[0]) console_log(1, line, p->console);
  console_note(p->console, "the trace is posted to %s", p->shown);
  return MINFER_OK;
}

minfer_status otlp_post(minfer_session *session, const otlp_settings *settings, console *c, minfer_error *error) {
  post *p = calloc(1, sizeof *p);
  if (!p) return fail_memory(error);
  struct curl_slist *headers = NULL;
  *p = (post){.settings = settings, .console = c, .interrupted_before = interrupt_seen()};
  srand48((long)(clock_s() * 1e6));
  minfer_status status = MINFER_OK;
  if (prepare(p, &headers))
    status = minfer_trace_send(session, post_part, p, error);
  else
    status = fail(error, MINFER_OUTPUT, "%s: libcurl could not be prepared", settings->url);
  if (status == MINFER_OK) status = report_refused(p, error);
  curl_easy_cleanup(p->easy);
  curl_multi_cleanup(p->multi);
  curl_slist_free_all(headers);
  free(p);
  return status;
}
