/* Runs plugins natively: the journal, crashes and replays. What answers is in answers.c, scripted.c,
 * memory.c and blobs.c. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"

rw_world_state rw_world;

typedef struct {
  const char *function, *request, *answer, *failed;
  void *ret;
  rw_wire_error err;
  bool ok;
  uint64_t now_ms; /* when it was answered: a replay sees the same clock */
} entry;

static entry *journal;
static size_t count, next;
static uint64_t began_ms;
static const char *refusal;
static int failed_checks;
static jmp_buf engine;
enum { RUNS = 0, CRASHED, PANICKED };

/* ---- memory and texts ---- */

static void *memory(size_t size) {
  void *bytes = calloc(1, size ? size : 1);
  if (!bytes) abort();
  return bytes;
}

void *rw_keep(const void *bytes, size_t size) {
  void *copy = memory(size + 1);
  return size ? memcpy(copy, bytes, size) : copy;
}

char *rw_say(const char *how, ...) {
  va_list arguments;
  va_start(arguments, how);
  int length = vsnprintf(NULL, 0, how, arguments);
  va_end(arguments);
  char *text = memory((size_t)length + 1);
  va_start(arguments, how);
  vsnprintf(text, (size_t)length + 1, how, arguments);
  va_end(arguments);
  return text;
}

char *rw_said(plugin_string_t text) { return rw_keep(text.ptr, text.len); }

char *rw_quoted(plugin_string_t text) {
  yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
  return yyjson_mut_val_write(yyjson_mut_strn(doc, (const char *)text.ptr, text.len), 0, NULL);
}

char *rw_quoted_text(const char *text) { return text ? rw_quoted(rw_wire(text)) : rw_say("null"); }

char *rw_quoted_bytes(const uint8_t *data, size_t length) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *text = memory(length / 3 * 4 + 8), *end = text;
  *end++ = '"';
  for (size_t i = 0; i < length; i += 3) {
    size_t left = length - i;
    uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? data[i + 1] << 8 : 0) | (left > 2 ? data[i + 2] : 0);
    *end++ = digits[bits >> 18];
    *end++ = digits[bits >> 12 & 63];
    *end++ = left > 1 ? digits[bits >> 6 & 63] : '=';
    *end++ = left > 2 ? digits[bits & 63] : '=';
  }
  *end = '"';
  return text;
}

/* ---- the journal ---- */

bool rw_refuse(rw_wire_error *err, uint8_t tag, const char *message) {
  *err = (rw_wire_error){.tag = tag};
  err->val.not_found = rw_wire(message);
  return false;
}

bool rw_not_found(rw_wire_error *err, const char *message) {
  return rw_refuse(err, RUNWRIGHT_PLUGIN_TYPES_ERROR_NOT_FOUND, message);
}

bool rw_replayed(const char *function, const char *request, void *ret, size_t size, rw_wire_error *err, bool *ok) {
  if (next < count) {
    entry *kept = &journal[next++];
    if (strcmp(kept->function, function) || strcmp(kept->request, request)) {
      fprintf(stderr, "call %zu differs in a replay:\n recorded %s %s\nattempted %s %s\n", next, kept->function,
              kept->request, function, request);
      exit(1);
    }
    if (kept->ok && size) memcpy(ret, kept->ret, size);
    *err = kept->err;
    *ok = kept->ok;
    rw_world.now_ms = kept->now_ms;
    return true;
  }
  journal = realloc(journal, (count + 1) * sizeof *journal);
  if (!journal) abort();
  journal[count] = (entry){.function = function, .request = request};
  bool refused = rw_world.refused && !strcmp(rw_world.refused, function);
  if (refused) {
    size_t length = strcspn(function, ".");
    *err = (rw_wire_error){.tag = RUNWRIGHT_PLUGIN_TYPES_ERROR_DENIED};
    err->val.denied.capability = (plugin_string_t){rw_keep(function, length), length};
    err->val.denied.missing = rw_wire(rw_world.missing ? rw_world.missing : function);
  }
  *ok = !refused;
  return false;
}

static const char *error_form(const rw_wire_error *err) {
  static const char *const names[] = {"denied",    "not-found",      "invalid",     "throttled",
                                      "timed-out", "limit-exceeded", "unavailable", "uncertain"};
  if (err->tag == RUNWRIGHT_PLUGIN_TYPES_ERROR_DENIED) {
    return rw_say("{\"denied\":{\"capability\":%s,\"missing\":%s}}", rw_quoted(err->val.denied.capability),
                  rw_quoted(err->val.denied.missing));
  }
  return rw_say("{\"%s\":%s}", names[err->tag], rw_quoted(err->val.not_found));
}

bool rw_answered(bool ok, const void *ret, size_t size, const rw_wire_error *err, const char *answer) {
  entry *made = &journal[count];
  made->ok = ok;
  made->now_ms = rw_world.now_ms;
  if (ok) {
    int capability = (int)strcspn(made->function, ".");
    made->ret = rw_keep(ret, size);
    made->answer = answer ? rw_say("{\"%.*s\":%s}", capability, made->function, answer) : "\"done\"";
  } else {
    made->err = *err;
    made->failed = error_form(err);
  }
  next = ++count;
  if (count == rw_world.crash_after) {
    rw_world.crash_after = 0;
    longjmp(engine, CRASHED);
  }
  return ok;
}

const char *rw_world_calls(void) {
  char *calls = rw_say("%s", "");
  for (size_t i = 0; i < count; i++) calls = rw_say("%s%s%s", calls, i ? " " : "", journal[i].function);
  return calls;
}

/* ---- running ---- */

void rw_world_begin(void) {
  rw_world = (rw_world_state){.now_ms = 1767225600000, .attempt = 1, .lines = ""};
  count = next = 0;
  rw_memory_begin();
  rw_blobs_begin();
  rw_script_begin();
}

void rw_panic_at(const char *text, const char *file, int line, const char *function) {
  refusal = rw_say("panic: %s at %s:%d in %s", text, file, line, function);
  longjmp(engine, PANICKED);
}

uint64_t rw_now_ms(void) { return rw_world.now_ms; }

static exports_runwright_plugin_action_context_t context(void) {
  return (exports_runwright_plugin_action_context_t){.execution_id = rw_wire("test"),
                                                     .step = rw_wire("step"),
                                                     .visit = 1,
                                                     .attempt = rw_world.attempt,
                                                     .idempotency_key = rw_wire("test-1")};
}

/* Whether the step ended well; it runs again while the engine stops. */
static bool ended(const char *inputs, exports_runwright_plugin_action_done_t *done, plugin_string_t *outputs) {
  exports_runwright_plugin_action_failure_t told = {0};
  int stopped = setjmp(engine);
  if (stopped == PANICKED) {
    rw_world.failure = (rw_failure){.kind = RW_FAILED, .message = refusal};
    return false;
  }
  if (count == 0) began_ms = rw_world.now_ms;
  rw_world.now_ms = began_ms;
  next = 0;
  rw_libc_begin();
  exports_runwright_plugin_action_context_t at = context();
  plugin_string_t given = rw_wire(inputs);
  exports_runwright_plugin_action_done_t was = done ? *done : (exports_runwright_plugin_action_done_t){0};
  bool ok = done ? exports_runwright_plugin_action_rollback(&at, &given, &was, &told)
                 : exports_runwright_plugin_action_run(&at, &given, outputs, &told);
  if (ok) return true;
  rw_world.failure = (rw_failure){
      .kind = (rw_kind)told.kind, .message = rw_said(told.message), .retryable = told.retryable};
  rw_world.details = told.details.is_some ? rw_said(told.details.val) : NULL;
  return false;
}

const char *rw_world_run(const char *inputs) {
  plugin_string_t outputs = {0};
  return ended(inputs, NULL, &outputs) ? rw_said(outputs) : NULL;
}

bool rw_world_rollback(const char *inputs, const char *outputs) {
  exports_runwright_plugin_action_done_t done = {.calls = {memory(count * sizeof *done.calls.ptr), count}};
  done.outputs.is_some = outputs != NULL;
  done.outputs.val = rw_wire(outputs);
  for (size_t i = 0; i < count; i++) {
    exports_runwright_plugin_action_call_t *call = &done.calls.ptr[i];
    call->function = rw_wire(journal[i].function);
    call->request = rw_wire(journal[i].request);
    call->answer.is_some = true;
    call->answer.val.is_err = !journal[i].ok;
    call->answer.val.val.ok = rw_wire(journal[i].ok ? journal[i].answer : journal[i].failed);
  }
  count = 0;
  return ended(inputs, &done, NULL);
}

bool rw_world_each_crash(void (*begin)(void), const char *inputs) {
  begin();
  const char *quiet = rw_world_run(inputs);
  const char *told = quiet ? quiet : rw_world.failure.message, *calls = rw_world_calls();
  bool same = true;
  size_t number = count;
  for (size_t call = 1; call <= number; call++) {
    begin();
    rw_world.crash_after = call;
    const char *outputs = rw_world_run(inputs);
    const char *got = outputs ? outputs : rw_world.failure.message;
    if (!strcmp(got, told) && !strcmp(rw_world_calls(), calls)) continue;
    fprintf(stderr, "after a crash at call %zu: %s (%s)\nwithout: %s (%s)\n", call, got, rw_world_calls(), told, calls);
    same = false;
  }
  return same;
}

void rw_world_check(bool holds, const char *condition, const char *file, int line) {
  if (holds) return;
  failed_checks++;
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  if (rw_world.failure.message) fprintf(stderr, "  the last failure: %s\n", rw_world.failure.message);
}

int rw_world_end(void) { return failed_checks ? EXIT_FAILURE : EXIT_SUCCESS; }

/* ---- what the bindings have for a running plugin. Nothing is freed: the journal still needs it ---- */

void plugin_string_dup(plugin_string_t *ret, const char *text) { *ret = rw_wire(rw_say("%s", text)); }

void plugin_string_dup_n(plugin_string_t *ret, const char *text, size_t length) {
  *ret = (plugin_string_t){rw_keep(text, length), length};
}

void plugin_string_free(plugin_string_t *text) { (void)text; }
void plugin_list_u8_free(plugin_list_u8_t *list) { (void)list; }
void plugin_list_string_free(plugin_list_string_t *list) { (void)list; }
void plugin_list_tuple2_string_string_free(plugin_list_tuple2_string_string_t *list) { (void)list; }
void runwright_plugin_commands_list_node_end_free(runwright_plugin_commands_list_node_end_t *list) { (void)list; }
void runwright_plugin_approvals_list_vote_free(runwright_plugin_approvals_list_vote_t *list) { (void)list; }
void runwright_plugin_parameters_list_parameter_free(runwright_plugin_parameters_list_parameter_t *list) { (void)list; }
void exports_runwright_plugin_action_done_free(exports_runwright_plugin_action_done_t *done) { (void)done; }
