/* Commands, files and requests: between the types of runwright.h and the bindings. */
#include <string.h>

#include "core.h"

static plugin_list_tuple2_string_string_t pairs(rw_step *step, const rw_pair *from) {
  plugin_list_tuple2_string_string_t list = {0};
  while (from && from[list.len].name) list.len++;
  list.ptr = rw_alloc(step, list.len * sizeof *list.ptr);
  for (size_t i = 0; i < list.len; i++) {
    list.ptr[i] = (plugin_tuple2_string_string_t){rw_wire(from[i].name), rw_wire(from[i].value)};
  }
  return list;
}

static plugin_list_u8_t bytes(rw_bytes from) {
  return (plugin_list_u8_t){(uint8_t *)(uintptr_t)from.data, from.length};
}

static plugin_option_list_u8_t some_bytes(rw_bytes from) {
  return (plugin_option_list_u8_t){from.data != NULL, bytes(from)};
}

static plugin_option_u64_t some_u64(uint64_t from) { return (plugin_option_u64_t){from != 0, from}; }

static runwright_plugin_types_target_t target(const char *on) {
  return (runwright_plugin_types_target_t){on != NULL, rw_wire(on)};
}

/* ---- commands ---- */

rw_failure *rw_run(rw_step *step, const rw_command *from, rw_completed *ended) {
  runwright_plugin_types_target_t on = target(from->on);
  runwright_plugin_commands_command_t command = {.arguments = rw_wire_words(step, from->arguments),
                                                 .script = rw_wire_option(from->script),
                                                 .stdin_ = some_bytes(from->input),
                                                 .environment = pairs(step, from->environment),
                                                 .working_directory = rw_wire_option(from->working_directory),
                                                 .run_as = rw_wire_option(from->run_as),
                                                 .timeout_ms = some_u64(from->timeout_ms)};
  runwright_plugin_commands_completed_t completed;
  rw_wire_error error;
  if (!runwright_plugin_commands_run(&on, &command, &completed, &error)) return rw_refused(step, &error);
  ended->exit_code = completed.exit_code.is_some ? completed.exit_code.val : -1;
  ended->signal = completed.signal.is_some ? completed.signal.val : 0;
  ended->out = rw_take(step, &completed.stdout_);
  ended->err = rw_take(step, &completed.stderr_);
  ended->out_blob = rw_take_option(step, &completed.stdout_blob);
  ended->err_blob = rw_take_option(step, &completed.stderr_blob);
  ended->duration_ms = completed.duration_ms;
  return NULL;
}

rw_failure *rw_check_exit(rw_step *step, const rw_completed *ended, const char *doing) {
  static const char blank[] = " \t\r\n";
  enum { MOST = 500 };
  if (ended->exit_code == 0) return NULL;
  const char *how = ended->signal ? rw_format(step, "signal %d", ended->signal)
                                  : rw_format(step, "exit code %d", ended->exit_code);
  const char *said = ended->err + strspn(ended->err, blank);
  if (!*said) said = ended->out + strspn(ended->out, blank);
  size_t length = strlen(said);
  while (length && strchr(blank, said[length - 1])) length--;
  size_t skip = length > MOST ? length - MOST : 0;
  while (skip < length && ((unsigned char)said[skip] & 0xc0) == 0x80) skip++;
  if (!length) return rw_fail(step, RW_FAILED, "%s ended with %s: it wrote nothing", doing, how);
  return rw_fail(step, RW_FAILED, "%s ended with %s: %s%.*s", doing, how, skip ? "…" : "", (int)(length - skip), said + skip);
}

rw_failure *rw_run_document(rw_step *step, const char *request, rw_document_end *end) {
  plugin_string_t asked = rw_wire(request);
  runwright_plugin_commands_document_end_t ended;
  rw_wire_error error;
  if (!runwright_plugin_commands_run_document(&asked, &ended, &error)) return rw_refused(step, &error);
  end->command_id = rw_take(step, &ended.command_id);
  end->status = rw_take(step, &ended.status);
  end->details = rw_take(step, &ended.details);
  end->targets = ended.targets;
  end->errors = ended.errors;
  end->count = ended.nodes.len;
  rw_node_end *nodes = rw_alloc(step, end->count * sizeof *nodes);
  for (size_t i = 0; i < end->count; i++) {
    runwright_plugin_commands_node_end_t *node = &ended.nodes.ptr[i];
    nodes[i].node = rw_take(step, &node->node);
    nodes[i].status = rw_take(step, &node->status);
    nodes[i].response_code = node->response_code;
    nodes[i].out = rw_take(step, &node->stdout_);
    nodes[i].err = rw_take(step, &node->stderr_);
  }
  end->nodes = nodes;
  runwright_plugin_commands_list_node_end_free(&ended.nodes);
  return NULL;
}

/* ---- files ---- */

rw_failure *rw_read_file(rw_step *step, const char *on, const char *path, rw_bytes *contents) {
  runwright_plugin_types_target_t where = target(on);
  plugin_string_t what = rw_wire(path);
  plugin_list_u8_t read;
  rw_wire_error error;
  if (!runwright_plugin_files_read(&where, &what, &read, &error)) return rw_refused(step, &error);
  *contents = rw_take_bytes(step, &read);
  return NULL;
}

rw_failure *rw_write_file(rw_step *step, const char *on, const char *path, rw_bytes contents,
                          const rw_write_options *from) {
  static const rw_write_options usual = {0};
  if (!from) from = &usual;
  runwright_plugin_types_target_t where = target(on);
  plugin_string_t what = rw_wire(path);
  plugin_list_u8_t written = bytes(contents);
  runwright_plugin_files_write_options_t options = {.mode = {from->mode != 0, from->mode},
                                                    .owner = rw_wire_option(from->owner),
                                                    .group = rw_wire_option(from->group),
                                                    .parents = from->parents};
  rw_wire_error error;
  if (runwright_plugin_files_write(&where, &what, &written, &options, &error)) return NULL;
  return rw_refused(step, &error);
}

static rw_facts facts_from(rw_step *step, runwright_plugin_files_facts_t *from) {
  rw_facts facts = {.kind = (rw_file_kind)from->kind,
                    .size = from->size,
                    .mode = from->mode,
                    .modified_ms = from->modified};
  facts.owner = rw_take(step, &from->owner);
  facts.group = rw_take(step, &from->group);
  facts.link = rw_take_option(step, &from->link);
  facts.sha256 = rw_take_option(step, &from->sha256);
  return facts;
}

rw_failure *rw_stat(rw_step *step, const char *on, const char *path, bool *there, rw_facts *facts) {
  runwright_plugin_types_target_t where = target(on);
  plugin_string_t what = rw_wire(path);
  runwright_plugin_files_option_facts_t found;
  rw_wire_error error;
  if (!runwright_plugin_files_stat(&where, &what, &found, &error)) return rw_refused(step, &error);
  *there = found.is_some;
  if (found.is_some) *facts = facts_from(step, &found.val);
  return NULL;
}

/* The texts of a list of the host, NULL after the last. */
static const char *const *texts_from(rw_step *step, plugin_list_string_t *list) {
  const char **texts = rw_alloc(step, (list->len + 1) * sizeof *texts);
  for (size_t i = 0; i < list->len; i++) texts[i] = rw_take(step, &list->ptr[i]);
  plugin_list_string_free(list);
  *list = (plugin_list_string_t){0};
  return texts;
}

rw_failure *rw_list_directory(rw_step *step, const char *on, const char *path, const char *const **names,
                              size_t *count) {
  runwright_plugin_types_target_t where = target(on);
  plugin_string_t what = rw_wire(path);
  plugin_list_string_t found;
  rw_wire_error error;
  if (!runwright_plugin_files_list_directory(&where, &what, &found, &error)) return rw_refused(step, &error);
  *count = found.len;
  *names = texts_from(step, &found);
  return NULL;
}

rw_failure *rw_make_directory(rw_step *step, const char *on, const char *path, uint32_t mode) {
  runwright_plugin_types_target_t where = target(on);
  plugin_string_t what = rw_wire(path);
  rw_wire_error error;
  if (runwright_plugin_files_make_directory(&where, &what, mode ? &mode : NULL, &error)) return NULL;
  return rw_refused(step, &error);
}

rw_failure *rw_link(rw_step *step, const char *on, const char *path, const char *points_to) {
  runwright_plugin_types_target_t where = target(on);
  plugin_string_t what = rw_wire(path), points = rw_wire(points_to);
  rw_wire_error error;
  return runwright_plugin_files_link(&where, &what, &points, &error) ? NULL : rw_refused(step, &error);
}

rw_failure *rw_remove(rw_step *step, const char *on, const char *path) {
  runwright_plugin_types_target_t where = target(on);
  plugin_string_t what = rw_wire(path);
  rw_wire_error error;
  return runwright_plugin_files_remove(&where, &what, &error) ? NULL : rw_refused(step, &error);
}

rw_failure *rw_snapshot(rw_step *step, const char *on, const char *path, rw_kept *kept) {
  runwright_plugin_types_target_t where = target(on);
  plugin_string_t what = rw_wire(path);
  runwright_plugin_files_kept_t snapshot;
  rw_wire_error error;
  if (!runwright_plugin_files_snapshot(&where, &what, &snapshot, &error)) return rw_refused(step, &error);
  kept->path = rw_take(step, &snapshot.path);
  kept->was_there = snapshot.before.is_some;
  if (snapshot.before.is_some) kept->before = facts_from(step, &snapshot.before.val);
  kept->contents = rw_take_option(step, &snapshot.contents);
  return NULL;
}

rw_failure *rw_restore(rw_step *step, const char *on, const rw_kept *kept) {
  runwright_plugin_types_target_t where = target(on);
  const rw_facts *before = &kept->before;
  runwright_plugin_files_kept_t snapshot = {.path = rw_wire(kept->path), .contents = rw_wire_option(kept->contents)};
  snapshot.before.is_some = kept->was_there;
  if (kept->was_there) {
    snapshot.before.val = (runwright_plugin_files_facts_t){.kind = (uint8_t)before->kind,
                                                           .size = before->size,
                                                           .mode = before->mode,
                                                           .owner = rw_wire(before->owner),
                                                           .group = rw_wire(before->group),
                                                           .modified = before->modified_ms,
                                                           .link = rw_wire_option(before->link),
                                                           .sha256 = rw_wire_option(before->sha256)};
  }
  rw_wire_error error;
  return runwright_plugin_files_restore(&where, &snapshot, &error) ? NULL : rw_refused(step, &error);
}

static const char *text(yyjson_val *object, const char *name) { return yyjson_get_str(yyjson_obj_get(object, name)); }

/* A snapshot in the journal's form. */
static rw_kept kept_of(yyjson_val *answer) {
  static const char *const kinds[] = {"file", "directory", "symlink", "other"};
  yyjson_val *before = yyjson_obj_get(answer, "before");
  rw_kept kept = {.path = text(answer, "path"), .contents = text(answer, "contents"), .was_there = yyjson_is_obj(before)};
  while (kept.was_there && kept.before.kind < RW_OTHER && strcmp(kinds[kept.before.kind], text(before, "kind"))) {
    kept.before.kind++;
  }
  kept.before.size = yyjson_get_uint(yyjson_obj_get(before, "size"));
  kept.before.mode = (uint32_t)yyjson_get_uint(yyjson_obj_get(before, "mode"));
  kept.before.owner = text(before, "owner");
  kept.before.group = text(before, "group");
  kept.before.modified_ms = yyjson_get_uint(yyjson_obj_get(before, "modified"));
  kept.before.link = text(before, "link");
  kept.before.sha256 = text(before, "sha256");
  return kept;
}

rw_failure *rw_put_back(rw_step *step, const rw_done *done) {
  for (size_t i = done->count; i-- > 0;) {
    const rw_call *call = &done->calls[i];
    if (strcmp(call->function, "files.snapshot") || !call->answer) continue;
    rw_kept kept = kept_of(call->answer);
    rw_try(rw_restore(step, text(call->request, "on"), &kept));
  }
  return NULL;
}

/* ---- requests ---- */

static void response_from(rw_step *step, uint16_t status, plugin_list_tuple2_string_string_t *headers,
                          plugin_list_u8_t *body, rw_response *response) {
  rw_pair *pairs = rw_alloc(step, (headers->len + 1) * sizeof *pairs);
  for (size_t i = 0; i < headers->len; i++) {
    pairs[i].name = rw_take(step, &headers->ptr[i].f0);
    pairs[i].value = rw_take(step, &headers->ptr[i].f1);
  }
  plugin_list_tuple2_string_string_free(headers);
  *response = (rw_response){.status = status, .headers = pairs, .body = rw_take_bytes(step, body)};
}

rw_failure *rw_send(rw_step *step, const rw_request *from, rw_response *response) {
  runwright_plugin_http_request_t request = {.method = rw_wire(from->method ? from->method : "GET"),
                                             .url = rw_wire(from->url),
                                             .headers = pairs(step, from->headers),
                                             .body = some_bytes(from->body),
                                             .timeout_ms = some_u64(from->timeout_ms),
                                             .redirects = from->redirects};
  runwright_plugin_http_response_t answer;
  rw_wire_error error;
  if (!runwright_plugin_http_send(&request, &answer, &error)) return rw_refused(step, &error);
  response_from(step, answer.status, &answer.headers, &answer.body, response);
  return NULL;
}

rw_failure *rw_send_aws(rw_step *step, const rw_aws_request *from, rw_response *response) {
  runwright_plugin_aws_request_t request = {.service = rw_wire(from->service),
                                            .region = rw_wire_option(from->region),
                                            .host = rw_wire_option(from->host),
                                            .method = rw_wire(from->method),
                                            .path = rw_wire(from->path),
                                            .headers = pairs(step, from->headers),
                                            .body = bytes(from->body),
                                            .credentials = rw_wire_option(from->credentials),
                                            .timeout_ms = some_u64(from->timeout_ms)};
  runwright_plugin_aws_response_t answer;
  rw_wire_error error;
  if (!runwright_plugin_aws_send(&request, &answer, &error)) return rw_refused(step, &error);
  response_from(step, answer.status, &answer.headers, &answer.body, response);
  return NULL;
}

/* ---- parameters ---- */

static rw_parameter parameter_from(rw_step *step, runwright_plugin_parameters_parameter_t *from) {
  rw_parameter parameter = {.type = (rw_parameter_type)from->parameter_type,
                            .version = from->version,
                            .modified_ms = from->modified};
  parameter.name = rw_take(step, &from->name);
  parameter.value = rw_take(step, &from->value);
  parameter.labels = texts_from(step, &from->labels);
  return parameter;
}

static const rw_parameter *parameters_from(rw_step *step, runwright_plugin_parameters_list_parameter_t *from) {
  rw_parameter *parameters = rw_alloc(step, from->len * sizeof *parameters);
  for (size_t i = 0; i < from->len; i++) parameters[i] = parameter_from(step, &from->ptr[i]);
  runwright_plugin_parameters_list_parameter_free(from);
  return parameters;
}

rw_failure *rw_get_parameter(rw_step *step, const char *name, rw_parameter *parameter) {
  plugin_string_t asked = rw_wire(name);
  runwright_plugin_parameters_parameter_t found;
  rw_wire_error error;
  if (!runwright_plugin_parameters_get(&asked, &found, &error)) return rw_refused(step, &error);
  *parameter = parameter_from(step, &found);
  return NULL;
}

rw_failure *rw_get_parameters_by_path(rw_step *step, const char *path, bool recursive,
                                      const rw_parameter **parameters, size_t *count) {
  plugin_string_t asked = rw_wire(path);
  runwright_plugin_parameters_list_parameter_t found;
  rw_wire_error error;
  if (!runwright_plugin_parameters_get_by_path(&asked, recursive, &found, &error)) return rw_refused(step, &error);
  *count = found.len;
  *parameters = parameters_from(step, &found);
  return NULL;
}

static rw_failure *put(rw_step *step, const char *name, rw_parameter_type type,
                       runwright_plugin_parameters_new_value_t value, bool overwrite, rw_parameter *parameter) {
  plugin_string_t asked = rw_wire(name);
  runwright_plugin_parameters_parameter_t made;
  rw_wire_error error;
  if (!runwright_plugin_parameters_put(&asked, (uint8_t)type, &value, overwrite, &made, &error)) {
    return rw_refused(step, &error);
  }
  rw_parameter written = parameter_from(step, &made);
  if (parameter) *parameter = written;
  return NULL;
}

rw_failure *rw_put_parameter(rw_step *step, const char *name, rw_parameter_type type, const char *value,
                             bool overwrite, rw_parameter *parameter) {
  runwright_plugin_parameters_new_value_t given = {.tag = RUNWRIGHT_PLUGIN_PARAMETERS_NEW_VALUE_GIVEN};
  given.val.given = rw_wire(value);
  return put(step, name, type, given, overwrite, parameter);
}

rw_failure *rw_generate_parameter(rw_step *step, const char *name, rw_parameter_type type, uint32_t length,
                                  bool overwrite, rw_parameter *parameter) {
  runwright_plugin_parameters_new_value_t generated = {.tag = RUNWRIGHT_PLUGIN_PARAMETERS_NEW_VALUE_GENERATED};
  generated.val.generated = length;
  return put(step, name, type, generated, overwrite, parameter);
}

rw_failure *rw_delete_parameter(rw_step *step, const char *name) {
  plugin_string_t asked = rw_wire(name);
  rw_wire_error error;
  return runwright_plugin_parameters_delete(&asked, &error) ? NULL : rw_refused(step, &error);
}

rw_failure *rw_parameter_history(rw_step *step, const char *name, const rw_parameter **parameters, size_t *count) {
  plugin_string_t asked = rw_wire(name);
  runwright_plugin_parameters_list_parameter_t found;
  rw_wire_error error;
  if (!runwright_plugin_parameters_history(&asked, &found, &error)) return rw_refused(step, &error);
  *count = found.len;
  *parameters = parameters_from(step, &found);
  return NULL;
}

rw_failure *rw_label_parameter(rw_step *step, const char *name, uint64_t version, const char *label) {
  plugin_string_t asked = rw_wire(name), text = rw_wire(label);
  rw_wire_error error;
  return runwright_plugin_parameters_label(&asked, version, &text, &error) ? NULL : rw_refused(step, &error);
}

rw_failure *rw_reveal(rw_step *step, const char *placeholder, const char **value) {
  plugin_string_t asked = rw_wire(placeholder), revealed;
  rw_wire_error error;
  if (!runwright_plugin_parameters_reveal(&asked, &revealed, &error)) return rw_refused(step, &error);
  *value = rw_take(step, &revealed);
  return NULL;
}
