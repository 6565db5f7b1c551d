/* The step's log, and what a step knows of itself. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core.h"

enum { LINE_BYTES_MAX = 4096 };

void rw_log(rw_level level, const char *how, ...) {
  char line[LINE_BYTES_MAX];
  va_list arguments;
  va_start(arguments, how);
  vsnprintf(line, sizeof line, how, arguments);
  va_end(arguments);
  plugin_string_t text = rw_wire(line);
  rw_make_plain(text);
  runwright_plugin_log_write((uint8_t)level, &text);
}

void rw_progress(uint64_t done, uint64_t total, const char *message) {
  char line[LINE_BYTES_MAX];
  snprintf(line, sizeof line, "%s", message);
  plugin_string_t text = rw_wire(line);
  rw_make_plain(text);
  runwright_plugin_log_progress(done, total, &text);
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
