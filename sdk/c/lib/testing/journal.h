/* The journal of the world of tests. Not for tests. */
#ifndef RUNWRIGHT_JOURNAL_H
#define RUNWRIGHT_JOURNAL_H

#include "../core.h"
#include "world.h"

/* Memory and text that live until the process ends. */
void *rw_keep(const void *bytes, size_t size);
char *rw_say(const char *how, ...) RW_LIKE_PRINTF(1, 2);
/* A text of the bindings, and the same in JSON. */
char *rw_said(plugin_string_t text);
char *rw_quoted(plugin_string_t text);
char *rw_quoted_text(const char *text);
char *rw_quoted_bytes(const uint8_t *data, size_t length);
const char *rw_quoted_list(plugin_list_string_t list);
/* A number in JSON, or null. */
const char *rw_number(bool is_some, uint64_t value);
/* Texts with a space between two. */
const char *rw_joined(plugin_list_string_t list);

/* Looks a call up. True: it was answered before, `ret`, `err` and `*ok` are as they were. False: it is to be answered now,
 * unless `*ok` says that it is refused, which is then recorded by rw_answered. */
bool rw_replayed(const char *function, const char *request, void *ret, size_t size, rw_wire_error *err, bool *ok);
/* Records an answer: its JSON without the capability around it (NULL for `done`), or the error when `ok` is false. Answers
 * `ok`. May stop the engine. */
bool rw_answered(bool ok, const void *ret, size_t size, const rw_wire_error *err, const char *answer);

/* Errors. They answer false. */
bool rw_unscripted(rw_wire_error *err, const char *what);
bool rw_not_found(rw_wire_error *err, const char *message);
bool rw_refuse(rw_wire_error *err, uint8_t tag, const char *message);

/* A call: looks it up, answers it with `live`, records it. */
#define RW_CALL(function, request, ret, size, err, live, answer)                           \
  do {                                                                                     \
    bool ok = true;                                                                        \
    if (rw_replayed(function, request, ret, size, err, &ok)) return ok;                    \
    if (ok) ok = (live);                                                                   \
    return rw_answered(ok, ret, size, err, ok ? (answer) : NULL);                          \
  } while (0)

/* SHA-256 in hexadecimal. */
const char *rw_sha256(const void *data, size_t length);

/* Set back what memory.c, blobs.c, scripted.c and libc.c keep. */
void rw_memory_begin(void);
void rw_blobs_begin(void);
void rw_script_begin(void);
void rw_libc_begin(void);

#endif
