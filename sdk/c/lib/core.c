/* Memory, texts, failures and JSON of a step, and the functions that the engine calls. */
#include "core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory: blocks in a chain, all freed at the end of the call ---- */

struct rw_block {
  struct rw_block *next;
  size_t used, size;
  max_align_t bytes[];
};

static void *of_memory(size_t size) {
  void *bytes = malloc(size);
  if (!bytes) rw_panic("no memory is left: raise the engine's limit `memory-bytes`, or hold less at once");
  return bytes;
}

void *rw_alloc(rw_step *step, size_t size) {
  size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
  struct rw_block *block = step->blocks;
  if (!block || block->size - block->used < size) {
    const size_t usual = 4000;
    size_t room = size > usual ? size : usual;
    block = of_memory(sizeof *block + room);
    *block = (struct rw_block){.next = step->blocks, .size = room};
    step->blocks = block;
  }
  void *found = (char *)block->bytes + block->used;
  block->used += size;
  return memset(found, 0, size);
}

static void *json_malloc(void *step, size_t size) { return rw_alloc(step, size); }

static void *json_realloc(void *step, void *old, size_t old_size, size_t size) {
  if (size <= old_size) return old;
  return memcpy(rw_alloc(step, size), old, old_size);
}

static void json_free(void *step, void *memory) { (void)step, (void)memory; }

static yyjson_alc allocator(rw_step *step) {
  return (yyjson_alc){.malloc = json_malloc, .realloc = json_realloc, .free = json_free, .ctx = step};
}

/* ---- texts ---- */

char *rw_text(rw_step *step, rw_bytes bytes) {
  char *text = rw_alloc(step, bytes.length + 1);
  return bytes.length ? memcpy(text, bytes.data, bytes.length) : text;
}

rw_bytes rw_bytes_of(const char *text) { return (rw_bytes){(const uint8_t *)text, strlen(text)}; }

static char *format(rw_step *step, const char *how, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, how, again);
  va_end(again);
  if (length < 0) rw_panic("a format that printf does not know");
  char *text = rw_alloc(step, (size_t)length + 1);
  vsnprintf(text, (size_t)length + 1, how, arguments);
  return text;
}

char *rw_format(rw_step *step, const char *how, ...) {
  va_list arguments;
  va_start(arguments, how);
  char *text = format(step, how, arguments);
  va_end(arguments);
  return text;
}

plugin_string_t rw_wire(const char *text) {
  return (plugin_string_t){(uint8_t *)(uintptr_t)text, text ? strlen(text) : 0};
}

plugin_option_string_t rw_wire_option(const char *text) {
  return (plugin_option_string_t){text != NULL, rw_wire(text)};
}

/* How many bytes a character has, of so many that are left; 0 when it is none. */
static size_t character(const uint8_t *at, size_t left) {
  size_t length = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
  if (length > left) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  /* Written longer than it must be, half a pair of surrogates, or beyond the last character. */
  bool wrong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
               (at[0] == 0xf4 && at[1] > 0x8f);
  return length > 2 && wrong ? 0 : length;
}

void rw_make_plain(plugin_string_t text) {
  for (size_t i = 0; i < text.len;) {
    size_t length = character(text.ptr + i, text.len - i);
    if (!length) text.ptr[i] = '?';
    i += length ? length : 1;
  }
}

plugin_list_string_t rw_wire_words(rw_step *step, const char *const *texts) {
  plugin_list_string_t list = {0};
  while (texts && texts[list.len]) list.len++;
  list.ptr = rw_alloc(step, list.len * sizeof *list.ptr);
  for (size_t i = 0; i < list.len; i++) list.ptr[i] = rw_wire(texts[i]);
  return list;
}

const char *rw_take(rw_step *step, plugin_string_t *text) {
  const char *copy = rw_text(step, (rw_bytes){text->ptr, text->len});
  plugin_string_free(text);
  return copy;
}

const char *rw_take_option(rw_step *step, plugin_option_string_t *text) {
  return text->is_some ? rw_take(step, &text->val) : NULL;
}

rw_bytes rw_take_bytes(rw_step *step, plugin_list_u8_t *bytes) {
  rw_bytes copy = {(const uint8_t *)rw_text(step, (rw_bytes){bytes->ptr, bytes->len}), bytes->len};
  plugin_list_u8_free(bytes);
  return copy;
}

/* ---- JSON ---- */

yyjson_val *rw_parse_bytes(rw_step *step, const void *text, size_t length) {
  yyjson_alc memory = allocator(step);
  return yyjson_doc_get_root(yyjson_read_opts((char *)(uintptr_t)text, length, 0, &memory, NULL));
}

yyjson_val *rw_parse(rw_step *step, const char *text) { return rw_parse_bytes(step, text, strlen(text)); }

static rw_bytes json(rw_step *step, yyjson_mut_val *value) {
  yyjson_alc memory = allocator(step);
  rw_bytes text = {0};
  text.data = (uint8_t *)yyjson_mut_val_write_opts(value, 0, &memory, &text.length, NULL);
  return text;
}

const char *rw_json(rw_step *step, yyjson_mut_val *value) { return (const char *)json(step, value).data; }

/* ---- failures ---- */

static bool may_pass(rw_kind kind) {
  return kind != RW_INVALID_INPUT && kind != RW_KIND_DENIED && kind != RW_KIND_UNCERTAIN && kind != RW_REJECTED;
}

static rw_failure *fail(rw_step *step, rw_kind kind, const char *message) {
  rw_failure *failure = rw_alloc(step, sizeof *failure);
  *failure = (rw_failure){.kind = kind, .message = message, .retryable = may_pass(kind)};
  return failure;
}

rw_failure *rw_fail(rw_step *step, rw_kind kind, const char *how, ...) {
  va_list arguments;
  va_start(arguments, how);
  const char *message = format(step, how, arguments);
  va_end(arguments);
  return fail(step, kind, message);
}

static rw_failure *denied(rw_step *step, runwright_plugin_types_denial_t *denial) {
  const char *capability = rw_take(step, &denial->capability);
  const char *missing = rw_take(step, &denial->missing);
  rw_failure *failure = rw_fail(step, RW_KIND_DENIED, "`%s` is not granted: add the grant `%s` to the plugin's `grants`",
                                capability, missing);
  failure->missing = missing;
  return failure;
}

static rw_failure *exceeded(rw_step *step, runwright_plugin_types_excess_t *excess) {
  return rw_fail(step, RW_KIND_LIMIT,
                 "limit `%s` exceeded: %llu of at most %llu; raise it in the engine's limits or ask for less",
                 rw_take(step, &excess->which), (unsigned long long)excess->used, (unsigned long long)excess->limit);
}

rw_failure *rw_refused(rw_step *step, rw_wire_error *error) {
  /* In the order of wit/. */
  static const rw_kind kinds[] = {RW_KIND_DENIED,   RW_FAILED,     RW_FAILED, RW_KIND_THROTTLED,
                                  RW_KIND_TIMED_OUT, RW_KIND_LIMIT, RW_FAILED, RW_KIND_UNCERTAIN};
  rw_failure *failure;
  if (error->tag == RUNWRIGHT_PLUGIN_TYPES_ERROR_DENIED) {
    failure = denied(step, &error->val.denied);
  } else if (error->tag == RUNWRIGHT_PLUGIN_TYPES_ERROR_LIMIT_EXCEEDED) {
    failure = exceeded(step, &error->val.limit_exceeded);
  } else {
    failure = fail(step, kinds[error->tag], rw_take(step, &error->val.not_found));
  }
  failure->error = (rw_error)(error->tag + 1);
  failure->retryable = failure->retryable && failure->error != RW_INVALID;
  return failure;
}

/* ---- what the engine calls. What it gives is freed here; what it gets it frees ---- */

static rw_step begin(exports_runwright_plugin_action_context_t *context) {
  rw_step step = {.visit = context->visit,
                  .attempt = context->attempt,
                  .deadline_ms = context->deadline.is_some ? context->deadline.val : 0};
  step.execution_id = rw_take(&step, &context->execution_id);
  step.name = rw_take(&step, &context->step);
  step.idempotency_key = rw_take(&step, &context->idempotency_key);
  step.trace_parent = rw_take_option(&step, &context->trace_parent);
  return step;
}

static void end(rw_step *step) {
  while (step->blocks) {
    struct rw_block *next = step->blocks->next;
    free(step->blocks);
    step->blocks = next;
  }
}

static plugin_string_t given(rw_bytes text) {
  plugin_string_t copy;
  plugin_string_dup_n(&copy, (const char *)text.data, text.length);
  return copy;
}

static void tell(rw_step *step, rw_failure *failure, exports_runwright_plugin_action_failure_t *told) {
  *told = (exports_runwright_plugin_action_failure_t){.kind = (uint8_t)failure->kind, .retryable = failure->retryable};
  told->message = given(rw_bytes_of(failure->message));
  rw_make_plain(told->message);
  told->details.is_some = failure->details != NULL;
  if (failure->details) told->details.val = given(json(step, failure->details));
}

void exports_runwright_plugin_action_describe(exports_runwright_plugin_action_manifest_t *told) {
  const rw_plugin *plugin = &rw_plugin_definition;
  size_t count = 0;
  while (plugin->wants && plugin->wants[count].capability) count++;
  *told = (exports_runwright_plugin_action_manifest_t){.rollback = plugin->rollback != NULL,
                                                       .impact = (uint8_t)plugin->impact};
  plugin_string_dup(&told->action, plugin->action);
  plugin_string_dup(&told->version, plugin->version);
  plugin_string_dup(&told->description, plugin->description);
  plugin_string_dup(&told->inputs, plugin->inputs);
  plugin_string_dup(&told->outputs, plugin->outputs);
  told->capabilities.len = count;
  told->capabilities.ptr = count ? of_memory(count * sizeof *told->capabilities.ptr) : NULL;
  for (size_t i = 0; i < count; i++) {
    plugin_string_dup(&told->capabilities.ptr[i].capability, plugin->wants[i].capability);
    plugin_string_dup(&told->capabilities.ptr[i].why, plugin->wants[i].why);
  }
}

static yyjson_val *inputs_of(rw_step *step, plugin_string_t *text) {
  yyjson_alc memory = allocator(step);
  step->json = yyjson_mut_doc_new(&memory);
  yyjson_val *inputs = rw_parse_bytes(step, text->ptr, text->len);
  plugin_string_free(text);
  return inputs;
}

bool exports_runwright_plugin_action_run(exports_runwright_plugin_action_context_t *context, plugin_string_t *inputs,
                                         plugin_string_t *outputs, exports_runwright_plugin_action_failure_t *told) {
  rw_step step = begin(context);
  yyjson_val *given_inputs = inputs_of(&step, inputs);
  yyjson_mut_val *made = yyjson_mut_obj(step.json);
  rw_failure *failure = rw_plugin_definition.run(&step, given_inputs, made);
  rw_bytes text = {0};
  if (!failure) {
    text = json(&step, made);
    if (!text.data) failure = rw_fail(&step, RW_FAILED, "the step ended, but its outputs cannot be written as JSON");
  }
  if (failure) {
    tell(&step, failure, told);
  } else {
    *outputs = given(text);
  }
  end(&step);
  return !failure;
}

static rw_bytes borrowed(plugin_string_t *text) { return (rw_bytes){text->ptr, text->len}; }

static yyjson_val *unwrapped(yyjson_val *wrapping) {
  yyjson_obj_iter entries;
  if (!yyjson_is_obj(wrapping) || yyjson_obj_size(wrapping) != 1) return NULL;
  yyjson_obj_iter_init(wrapping, &entries);
  return yyjson_obj_iter_get_val(yyjson_obj_iter_next(&entries));
}

/* The fields of a recorded request or answer: without the capability's name and the function's or answer's. http, aws and
 * approvals have one function each, and no second wrapping. */
static yyjson_val *body(rw_step *step, const char *function, plugin_string_t *text) {
  rw_bytes bytes = borrowed(text);
  yyjson_val *inner = unwrapped(rw_parse_bytes(step, bytes.data, bytes.length));
  bool one_function =
      !strncmp(function, "http.", 5) || !strncmp(function, "aws.", 4) || !strncmp(function, "approvals.", 10);
  return one_function || !inner ? inner : unwrapped(inner);
}

static rw_done done_of(rw_step *step, exports_runwright_plugin_action_done_t *done) {
  rw_done told = {.count = done->calls.len};
  if (done->outputs.is_some) told.outputs = rw_parse_bytes(step, done->outputs.val.ptr, done->outputs.val.len);
  rw_call *calls = rw_alloc(step, told.count * sizeof *calls);
  for (size_t i = 0; i < told.count; i++) {
    exports_runwright_plugin_action_call_t *call = &done->calls.ptr[i];
    calls[i].function = rw_text(step, borrowed(&call->function));
    calls[i].request = body(step, calls[i].function, &call->request);
    if (!call->answer.is_some) continue;
    if (call->answer.val.is_err) {
      plugin_string_t *error = &call->answer.val.val.err;
      calls[i].failed = rw_parse_bytes(step, error->ptr, error->len);
    } else {
      calls[i].answer = body(step, calls[i].function, &call->answer.val.val.ok);
    }
  }
  told.calls = calls;
  exports_runwright_plugin_action_done_free(done);
  return told;
}

bool exports_runwright_plugin_action_rollback(exports_runwright_plugin_action_context_t *context,
                                              plugin_string_t *inputs, exports_runwright_plugin_action_done_t *done,
                                              exports_runwright_plugin_action_failure_t *told) {
  rw_step step = begin(context);
  yyjson_val *given_inputs = inputs_of(&step, inputs);
  rw_done was = done_of(&step, done);
  rw_failure *failure = NULL;
  if (rw_plugin_definition.rollback) failure = rw_plugin_definition.rollback(&step, given_inputs, &was);
  if (failure) tell(&step, failure, told);
  end(&step);
  return !failure;
}

#ifdef __wasm__
/* The bindings ask for an object file with the component's type. `plugin build` puts the type in without one. */
void __component_type_object_force_link_plugin(void) {}
#endif
