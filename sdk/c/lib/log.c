/* The step's log, and what a step knows of itself. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core.h"

/* Ends a text that was too long before the character that was cut in two: half a character is no UTF-8. */
static void cut(char *text, size_t length) {
  size_t start = length;
  while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) start--;
  if (start > 0 && (unsigned char)text[start - 1] >= 0xc0) text[start - 1] = 0;
}

void rw_log(rw_level level, const char *how, ...) {
  char line[4096];
  va_list arguments;
  va_start(arguments, how);
  int length = vsnprintf(line, sizeof line, how, arguments);
  va_end(arguments);
  if (length >= (int)sizeof line) cut(line, sizeof line - 1);
  plugin_string_t text = rw_wire(line);
  runwright_plugin_log_write((uint8_t)level, &text);
}

void rw_progress(uint64_t done, uint64_t total, const char *message) {
  plugin_string_t text = rw_wire(message);
  runwright_plugin_log_progress(done, total, &text);
}

const char *rw_action(rw_step *step) {
  plugin_string_t action;
  runwright_plugin_step_action(&action);
  return rw_take(step, &action);
}

rw_bytes rw_attachment(rw_step *step, const char *name) {
  plugin_string_t asked = rw_wire(name);
  plugin_list_u8_t contents;
  return runwright_plugin_step_attachment(&asked, &contents) ? rw_take_bytes(step, &contents) : (rw_bytes){0};
}

const char *rw_global(rw_step *step, const char *name) {
  plugin_list_tuple2_string_string_t globals;
  const char *value = NULL;
  runwright_plugin_step_globals(&globals);
  for (size_t i = 0; i < globals.len; i++) {
    plugin_tuple2_string_string_t *global = &globals.ptr[i];
    bool is_it = global->f0.len == strlen(name) && !memcmp(global->f0.ptr, name, global->f0.len);
    if (is_it) value = rw_text(step, (rw_bytes){global->f1.ptr, global->f1.len});
  }
  plugin_list_tuple2_string_string_free(&globals);
  return value;
}
