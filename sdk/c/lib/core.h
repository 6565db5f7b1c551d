/* What the parts of this library share. Not for plugins. */
#ifndef RUNWRIGHT_CORE_H
#define RUNWRIGHT_CORE_H

#include "bindings/plugin.h"
#include "runwright.h"

typedef runwright_plugin_types_error_t rw_wire_error;

/* The binding's view of a text: borrowed, never freed by us. */
plugin_string_t rw_wire(const char *text);
plugin_option_string_t rw_wire_option(const char *text);
/* Puts question marks where a text is no UTF-8: the host would end the instance. */
void rw_make_plain(plugin_string_t text);
/* Texts of which the last is followed by NULL. */
plugin_list_string_t rw_wire_words(rw_step *step, const char *const *texts);
/* A text of the host, copied into the step's memory and freed. */
const char *rw_take(rw_step *step, plugin_string_t *text);
/* NULL for none. */
const char *rw_take_option(rw_step *step, plugin_option_string_t *text);
rw_bytes rw_take_bytes(rw_step *step, plugin_list_u8_t *bytes);
/* A capability's error as a failure, freed. */
rw_failure *rw_refused(rw_step *step, rw_wire_error *error);
/* JSON text of known length as a value. */
yyjson_val *rw_parse_bytes(rw_step *step, const void *text, size_t length);

#endif
