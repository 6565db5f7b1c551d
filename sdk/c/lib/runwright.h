/* Write Runwright plugins in C.
 *
 * A plugin is one C file or several that include this header and define `rw_plugin_definition`: the action's name, its
 * inputs and outputs as JSON Schema, and a function `run`.
 *
 * MEMORY. Nothing is to be freed. Whatever these functions hand out, texts, bytes, JSON values and failures, belongs to
 * the step and lives until `run` or `rollback` returns; then all of it is gone. What you hand in is only read, and only
 * during the call. Keep nothing in global variables: an instance may serve one call only.
 *
 * TEXTS are UTF-8 and end with a zero byte. A text that may be absent is NULL then. A text of the host that holds a zero
 * byte is cut there for C; where that matters there is a `rw_bytes` or a `yyjson_val`, which know their length.
 *
 * FAILURES are return values: NULL is success, and `rw_try` passes anything else on to the caller. A capability that is
 * not granted is a failure like any other; its `error` is RW_DENIED and its `missing` names the grant.
 *
 * REPLAY. `run` may be called again from its start, after a crash or a wait. Calls that were answered are answered again
 * from the journal, so make the same calls in the same order for the same inputs and answers. The clock (`time`,
 * `clock_gettime`) and random numbers (`getentropy`) are replayed too.
 *
 * SECRETS are placeholders. Put one into standard input, environment, a file's contents, a header or a body; the engine
 * puts the value in its place there. Never put one into the arguments of a command.
 *
 * JSON is yyjson (yyjson/yyjson.h): `yyjson_get_str(yyjson_obj_get(inputs, "Path"))` reads, and
 * `yyjson_mut_obj_add_bool(step->json, outputs, "Active", true)` writes. It keeps what it is given by reference unless
 * the function's name says copy; with memory of the step that is right. */
#ifndef RUNWRIGHT_H
#define RUNWRIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "yyjson/yyjson.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes and how many. No bytes: `data` is NULL. */
typedef struct rw_bytes {
  const uint8_t *data;
  size_t length;
} rw_bytes;

/* A name and a value: a header, a variable of the environment. */
typedef struct rw_pair {
  const char *name, *value;
} rw_pair;

/* The call that is under way: where it stands. Its memory hangs on it. */
typedef struct rw_step {
  const char *execution_id;    /* the execution that the step belongs to */
  const char *name;            /* the step's name */
  uint32_t visit;              /* 1, or more when a jump or a loop came back */
  uint32_t attempt;            /* the attempt within the visit, from 1 */
  const char *idempotency_key; /* the same when this attempt runs again after a crash */
  uint64_t deadline_ms;        /* when the step will be stopped, since 1970; 0 for no limit */
  const char *trace_parent;    /* W3C trace context, or NULL */
  yyjson_mut_doc *json;        /* what JSON values are made with */
  struct rw_block *blocks;     /* the memory; not for you */
} rw_step;

/* Why a step failed, as the runbook's onFailure and retries see it. In the order of wit/. */
typedef enum rw_kind {
  RW_INVALID_INPUT,  /* the inputs are wrong: found before anything was done */
  RW_FAILED,         /* what was done did not work */
  RW_VERIFICATION,   /* what was done worked, but the result is not what was wanted */
  RW_KIND_DENIED,    /* a grant or a permission is missing */
  RW_KIND_THROTTLED, /* too many requests */
  RW_KIND_TIMED_OUT, /* the time was over */
  RW_KIND_LIMIT,     /* a limit was reached */
  RW_KIND_UNCERTAIN, /* nobody knows whether it happened */
  RW_REJECTED        /* a person said no */
} rw_kind;

/* Why a capability did not do what it was asked. In the order of wit/, after RW_NO_ERROR. */
typedef enum rw_error {
  RW_NO_ERROR,       /* the failure is the plugin's own */
  RW_DENIED,         /* not granted */
  RW_NOT_FOUND,      /* the thing named does not exist */
  RW_INVALID,        /* the request makes no sense; the same will never work */
  RW_THROTTLED,      /* too many requests; the same may work later */
  RW_TIMED_OUT,      /* the time given was over first */
  RW_LIMIT_EXCEEDED, /* a limit of the engine; nothing was done */
  RW_UNAVAILABLE,    /* the other side failed; the same may work later */
  RW_UNCERTAIN       /* the engine stopped meanwhile, and nobody can know */
} rw_error;

/* A failure. Change it before you pass it on, if you know more. */
typedef struct rw_failure {
  rw_kind kind;
  const char *message;       /* what happened, where, why, and what to do */
  bool retryable;            /* whether another attempt can help */
  yyjson_mut_val *details;   /* an object, or NULL */
  rw_error error;            /* of a capability, else RW_NO_ERROR */
  const char *missing;       /* of RW_DENIED: the grant, as an operator writes it */
} rw_failure;

/* Passes a failure on to the caller. */
#define rw_try(expression)                     \
  do {                                         \
    rw_failure *rw_failed_ = (expression);     \
    if (rw_failed_) return rw_failed_;         \
  } while (0)

#if defined(__GNUC__)
#define RW_LIKE_PRINTF(how, first) __attribute__((format(printf, how, first)))
#else
#define RW_LIKE_PRINTF(how, first)
#endif

/* A failure of this kind, with a message as printf makes it. It may be tried again unless the kind says that this is no
 * use (RW_INVALID_INPUT, RW_KIND_DENIED, RW_KIND_UNCERTAIN, RW_REJECTED). */
rw_failure *rw_fail(rw_step *step, rw_kind kind, const char *format, ...) RW_LIKE_PRINTF(3, 4);

/* Memory of the step, zeroed. Never NULL. */
void *rw_alloc(rw_step *step, size_t size);
/* A text as printf makes it. */
char *rw_format(rw_step *step, const char *format, ...) RW_LIKE_PRINTF(2, 3);
/* A copy with a zero byte after it. */
char *rw_text(rw_step *step, rw_bytes bytes);
/* The bytes of a text. */
rw_bytes rw_bytes_of(const char *text);
/* A value as JSON text. */
const char *rw_json(rw_step *step, yyjson_mut_val *value);
/* JSON text as a value, NULL when it is none. */
yyjson_val *rw_parse(rw_step *step, const char *text);

/* Ends the instance. The step fails, and its message shows the text and the place. For mistakes in the plugin alone. */
#define rw_panic(text) rw_panic_at(text, __FILE__, __LINE__, __func__)
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void rw_panic_at(const char *text, const char *file, int line, const char *function);

/* ---- The plugin ---- */

typedef enum rw_impact {
  RW_MUTATING,     /* it changes something */
  RW_NON_MUTATING, /* it only looks, decides or waits */
  RW_UNDETERMINED  /* it depends on the inputs */
} rw_impact;

/* A capability the plugin will call, and why, in a sentence an operator reads before granting it. */
typedef struct rw_want {
  const char *capability, *why;
} rw_want;

/* A capability call that a step made. */
typedef struct rw_call {
  const char *function; /* interface and function, for example files.snapshot */
  yyjson_val *request;  /* its fields */
  yyjson_val *answer;   /* NULL when it failed, or when the engine stopped before it came */
  yyjson_val *failed;   /* the error, or NULL */
} rw_call;

/* What a step did, for its rollback. */
typedef struct rw_done {
  yyjson_val *outputs; /* NULL when it failed half-way */
  const rw_call *calls;
  size_t count;
} rw_done;

/* What a plugin is. `run` gets its inputs as an object that fits the schema, and adds its outputs to the empty object
 * `outputs`. `rollback` undoes what `run` did with the same inputs, completely or half done; it must be safe when there
 * is nothing to undo. NULL: none is offered. */
typedef struct rw_plugin {
  const char *action, *version, *description;
  const char *inputs, *outputs; /* JSON Schemas of objects */
  const rw_want *wants;         /* the last one has no capability; NULL for none */
  rw_impact impact;
  rw_failure *(*run)(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs);
  rw_failure *(*rollback)(rw_step *step, yyjson_val *inputs, const rw_done *done);
} rw_plugin;

/* You define it. */
extern const rw_plugin rw_plugin_definition;

/* The time, in milliseconds since 1970: that of the last answered call, so that a replay sees the same. `time` and
 * `clock_gettime` show the same. In tests it is the world's. */
uint64_t rw_now_ms(void);

/* ---- log ---- */

typedef enum rw_level { RW_DEBUG, RW_INFO, RW_WARN, RW_ERROR } rw_level;
/* Writes a line into the step's log. */
void rw_log(rw_level level, const char *format, ...) RW_LIKE_PRINTF(2, 3);
/* How far the step is: `done` of `total` (0: unknown), and what it does now. */
void rw_progress(uint64_t done, uint64_t total, const char *message);

/* ---- step ---- */

/* An attachment of the runbook; no bytes when it has none of that name. */
rw_bytes rw_attachment(rw_step *step, const char *name);
/* A value that runbooks name `global:...`: REGION, ACCOUNT_ID or AWS_PARTITION. NULL for others. */
const char *rw_global(rw_step *step, const char *name);

/* ---- commands. `on` is the target here and below: NULL for the machine the engine runs on ---- */

/* A command. Only `arguments` must be given. */
typedef struct rw_command {
  const char *on;
  const char *const *arguments; /* program and arguments, NULL after the last. No secrets here */
  const char *script;           /* becomes a private file whose path is the last argument */
  rw_bytes input;               /* standard input */
  const rw_pair *environment;   /* the last one has no name */
  const char *working_directory, *run_as;
  uint64_t timeout_ms; /* 0: only the step's own */
} rw_command;

/* The arguments of a command: `.arguments = RW_WORDS("uname", "-s")`. */
#define RW_WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* How a command ended. One that ran and failed is an answer, not a failure. */
typedef struct rw_completed {
  int exit_code; /* -1 when a signal ended it */
  int signal;    /* 0 for none */
  const char *out, *err;           /* what it wrote: the first 48 KiB and the last 16 KiB */
  const char *out_blob, *err_blob; /* the whole as a blob, when it was cut; else NULL */
  uint64_t duration_ms;
} rw_completed;

/* Runs a command and waits for its end. Its output goes to the step's log line by line. */
rw_failure *rw_run(rw_step *step, const rw_command *command, rw_completed *ended);

/* A failure that says what was being done, how the command ended and its last words, unless it exited with 0. */
rw_failure *rw_check_exit(rw_step *step, const rw_completed *ended, const char *doing);

/* How a Command document of Systems Manager ended on one node, and in all. */
typedef struct rw_node_end {
  const char *node, *status, *out, *err;
  int response_code;
} rw_node_end;
typedef struct rw_document_end {
  const char *command_id, *status, *details;
  uint32_t targets, errors;
  const rw_node_end *nodes;
  size_t count;
} rw_document_end;
/* Has Systems Manager run a document. `request` is that of SendCommand, as JSON text. */
rw_failure *rw_run_document(rw_step *step, const char *request, rw_document_end *end);

/* ---- files ---- */

typedef enum rw_file_kind { RW_FILE, RW_DIRECTORY, RW_SYMLINK, RW_OTHER } rw_file_kind;

/* Facts of a path. Symbolic links are not followed. */
typedef struct rw_facts {
  rw_file_kind kind;
  uint64_t size;
  uint32_t mode;
  const char *owner, *group;
  uint64_t modified_ms;
  const char *link;   /* where it points, or NULL */
  const char *sha256; /* of a regular file of at most 64 MiB, else NULL */
} rw_facts;

/* How a file is written. Zero and NULL: as the file that is replaced, else 0644 and the engine's user. */
typedef struct rw_write_options {
  uint32_t mode;
  const char *owner, *group;
  bool parents; /* make missing folders above it */
} rw_write_options;

/* What stood at a path, so that it can be put back. */
typedef struct rw_kept {
  const char *path;
  bool was_there;
  rw_facts before;
  const char *contents; /* a name only rw_restore understands, or NULL */
} rw_kept;

/* Reads a whole regular file, at most 8 MiB. */
rw_failure *rw_read_file(rw_step *step, const char *on, const char *path, rw_bytes *contents);
/* Replaces a file's contents in one step. `options` may be NULL. */
rw_failure *rw_write_file(rw_step *step, const char *on, const char *path, rw_bytes contents,
                          const rw_write_options *options);
/* Facts of a path; `*there` is false, and no failure returned, when nothing is there. */
rw_failure *rw_stat(rw_step *step, const char *on, const char *path, bool *there, rw_facts *facts);
/* The names in a folder, sorted. */
rw_failure *rw_list_directory(rw_step *step, const char *on, const char *path, const char *const **names,
                              size_t *count);
/* Makes a folder and those above it. Mode 0 is the usual one. */
rw_failure *rw_make_directory(rw_step *step, const char *on, const char *path, uint32_t mode);
/* Makes a symbolic link, replacing a link or a file in one step. */
rw_failure *rw_link(rw_step *step, const char *on, const char *path, const char *points_to);
/* Removes a file, a link or an empty folder; succeeds when nothing is there. */
rw_failure *rw_remove(rw_step *step, const char *on, const char *path);
/* Keeps what stands at a path, and puts it back. */
rw_failure *rw_snapshot(rw_step *step, const char *on, const char *path, rw_kept *kept);
rw_failure *rw_restore(rw_step *step, const char *on, const rw_kept *kept);

/* Restores everything of which a step took a snapshot, the last first: what `rollback` does in a plugin that takes a
 * snapshot of each path before it changes it. */
rw_failure *rw_put_back(rw_step *step, const rw_done *done);

/* ---- http ---- */

typedef struct rw_request {
  const char *method, *url;
  const rw_pair *headers; /* the last one has no name */
  rw_bytes body;
  uint64_t timeout_ms; /* 0: 30 seconds */
  uint32_t redirects;  /* how many to follow */
} rw_request;

/* An answer. Every status is an answer. Header names are in lower case; the last header has no name. */
typedef struct rw_response {
  uint16_t status;
  const rw_pair *headers;
  rw_bytes body; /* at most 8 MiB */
} rw_response;

rw_failure *rw_send(rw_step *step, const rw_request *request, rw_response *response);

/* ---- aws ---- */

/* A request as the service's API wants it. `service`, `method` and `path` must be given. */
typedef struct rw_aws_request {
  const char *service;       /* the name that it signs with: ec2 */
  const char *region, *host; /* NULL: the engine's own region, and SERVICE.REGION.amazonaws.com */
  const char *method, *path; /* the path has the query and is percent-encoded */
  const rw_pair *headers;    /* the last one has no name */
  rw_bytes body;
  const char *credentials; /* the secret key that an AssumeRole answered; NULL: the execution's own role */
  uint64_t timeout_ms;     /* 0: 60 seconds */
} rw_aws_request;
/* The engine finds the service, signs, sends, and tries again while it is throttled. */
rw_failure *rw_send_aws(rw_step *step, const rw_aws_request *request, rw_response *response);

/* ---- parameters ---- */

typedef enum rw_parameter_type { RW_PLAIN, RW_TEXT_LIST, RW_SECURE } rw_parameter_type;

typedef struct rw_parameter {
  const char *name;
  rw_parameter_type type;
  const char *value; /* a placeholder for a secure one */
  uint64_t version, modified_ms;
  const char *const *labels; /* NULL after the last */
} rw_parameter;

/* Reads `name`, `name:version` or `name:label`. */
rw_failure *rw_get_parameter(rw_step *step, const char *name, rw_parameter *parameter);
rw_failure *rw_get_parameters_by_path(rw_step *step, const char *path, bool recursive,
                                      const rw_parameter **parameters, size_t *count);
/* Writes a new version. Without `overwrite` an existing one is RW_INVALID. `parameter` may be NULL. */
rw_failure *rw_put_parameter(rw_step *step, const char *name, rw_parameter_type type, const char *value,
                             bool overwrite, rw_parameter *parameter);
/* The same with so many random characters that nobody has seen. */
rw_failure *rw_generate_parameter(rw_step *step, const char *name, rw_parameter_type type, uint32_t length,
                                  bool overwrite, rw_parameter *parameter);
rw_failure *rw_delete_parameter(rw_step *step, const char *name);
rw_failure *rw_parameter_history(rw_step *step, const char *name, const rw_parameter **parameters, size_t *count);
rw_failure *rw_label_parameter(rw_step *step, const char *name, uint64_t version, const char *label);
/* The value behind a placeholder. A grant of its own. */
rw_failure *rw_reveal(rw_step *step, const char *placeholder, const char **value);

/* ---- approvals ---- */

typedef struct rw_vote {
  const char *approver, *comment;
  bool approved;
  uint64_t at_ms;
} rw_vote;
typedef struct rw_decision {
  bool approved;
  const rw_vote *votes;
  size_t count;
} rw_decision;
/* Asks people and waits, durably. `approvers` ends with NULL; `*` is everyone. `deadline_ms` 0: none. */
rw_failure *rw_ask(rw_step *step, const char *message, const char *const *approvers, uint32_t quorum,
                   uint64_t deadline_ms, rw_decision *decision);

/* ---- waits ---- */

typedef struct rw_received {
  const char *by;
  uint64_t at_ms;
  yyjson_val *payload;
} rw_received;
rw_failure *rw_sleep(rw_step *step, uint64_t duration_ms);
rw_failure *rw_sleep_until(rw_step *step, uint64_t moment_ms);
/* Waits for a signal of this name. `deadline_ms` 0: none. */
rw_failure *rw_signal(rw_step *step, const char *name, uint64_t deadline_ms, rw_received *received);

/* What is to come true: exactly one of these is given. */
typedef struct rw_condition {
  const char *tcp_host;
  uint16_t tcp_port;
  const char *http_url;
  uint16_t http_status; /* 0: any 2xx */
  const char *path;
  const char *const *command;
} rw_condition;
typedef struct rw_patience {
  uint64_t deadline_ms, interval_ms;
  uint32_t backoff_percent; /* 100: all pauses alike */
  uint64_t max_interval_ms;
} rw_patience;
typedef struct rw_probed {
  uint32_t probes;
  uint64_t waited_ms;
} rw_probed;
rw_failure *rw_probe(rw_step *step, const char *on, const rw_condition *condition, rw_patience patience,
                     rw_probed *probed);

/* ---- blobs ---- */

rw_failure *rw_put_blob(rw_step *step, rw_bytes contents, const char **name);
/* Up to `length` bytes (at most 8 MiB) from `offset`; fewer at the end. */
rw_failure *rw_get_blob(rw_step *step, const char *name, uint64_t offset, uint32_t length, rw_bytes *contents);
rw_failure *rw_blob_size(rw_step *step, const char *name, uint64_t *size);

/* ---- executions ---- */

typedef struct rw_outcome {
  const char *status;
  yyjson_val *outputs;
  const char *failure; /* NULL when it ended well */
} rw_outcome;
/* Starts a child; `parameters` is JSON text of an object, NULL for none. */
rw_failure *rw_start_execution(rw_step *step, const char *runbook, const char *parameters, const char **id);
rw_failure *rw_wait_execution(rw_step *step, const char *id, rw_outcome *outcome);

#ifdef __cplusplus
}
#endif
#endif
