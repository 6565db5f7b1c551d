/* What takes time, and what is kept: approvals, waits, children, blobs. */
#include "core.h"

rw_failure *rw_ask(rw_step *step, const char *message, const char *const *approvers, uint32_t quorum,
                   uint64_t deadline_ms, rw_decision *decision) {
  runwright_plugin_approvals_question_t question = {.message = rw_wire(message),
                                                    .approvers = rw_wire_words(step, approvers),
                                                    .quorum = quorum ? quorum : 1,
                                                    .deadline = {deadline_ms != 0, deadline_ms}};
  runwright_plugin_approvals_decision_t decided;
  rw_wire_error error;
  if (!runwright_plugin_approvals_request(&question, &decided, &error)) return rw_refused(step, &error);
  rw_vote *votes = rw_alloc(step, decided.votes.len * sizeof *votes);
  for (size_t i = 0; i < decided.votes.len; i++) {
    runwright_plugin_approvals_vote_t *vote = &decided.votes.ptr[i];
    votes[i] = (rw_vote){.approved = vote->approved, .at_ms = vote->at};
    votes[i].approver = rw_take(step, &vote->approver);
    votes[i].comment = rw_take_option(step, &vote->comment);
  }
  runwright_plugin_approvals_list_vote_free(&decided.votes);
  *decision = (rw_decision){decided.approved, votes, decided.votes.len};
  return NULL;
}

rw_failure *rw_sleep(rw_step *step, uint64_t duration_ms) {
  rw_wire_error error;
  return runwright_plugin_waits_sleep(duration_ms, &error) ? NULL : rw_refused(step, &error);
}

rw_failure *rw_sleep_until(rw_step *step, uint64_t moment_ms) {
  rw_wire_error error;
  return runwright_plugin_waits_sleep_until(moment_ms, &error) ? NULL : rw_refused(step, &error);
}

rw_failure *rw_signal(rw_step *step, const char *name, uint64_t deadline_ms, rw_received *received) {
  plugin_string_t asked = rw_wire(name);
  runwright_plugin_waits_received_t signal;
  rw_wire_error error;
  if (!runwright_plugin_waits_signal(&asked, deadline_ms ? &deadline_ms : NULL, &signal, &error)) {
    return rw_refused(step, &error);
  }
  received->by = rw_take(step, &signal.by);
  received->at_ms = signal.at;
  received->payload = rw_parse_bytes(step, signal.payload.ptr, signal.payload.len);
  plugin_string_free(&signal.payload);
  return NULL;
}

static runwright_plugin_waits_condition_t condition_to(rw_step *step, const rw_condition *from) {
  runwright_plugin_waits_condition_t condition = {0};
  if (from->tcp_host) {
    condition.tag = RUNWRIGHT_PLUGIN_WAITS_CONDITION_TCP;
    condition.val.tcp.f0 = rw_wire(from->tcp_host);
    condition.val.tcp.f1 = from->tcp_port;
  } else if (from->http_url) {
    condition.tag = RUNWRIGHT_PLUGIN_WAITS_CONDITION_HTTP;
    condition.val.http.f0 = rw_wire(from->http_url);
    condition.val.http.f1.is_some = from->http_status != 0;
    condition.val.http.f1.val = from->http_status;
  } else if (from->path) {
    condition.tag = RUNWRIGHT_PLUGIN_WAITS_CONDITION_FILE;
    condition.val.file = rw_wire(from->path);
  } else {
    condition.tag = RUNWRIGHT_PLUGIN_WAITS_CONDITION_COMMAND;
    condition.val.command = rw_wire_words(step, from->command);
  }
  return condition;
}

rw_failure *rw_probe(rw_step *step, const char *on, const rw_condition *from, rw_patience patience,
                     rw_probed *probed) {
  runwright_plugin_types_target_t where = {on != NULL, rw_wire(on)};
  runwright_plugin_waits_condition_t condition = condition_to(step, from);
  runwright_plugin_waits_patience_t how = {patience.deadline_ms, patience.interval_ms, patience.backoff_percent,
                                           patience.max_interval_ms};
  runwright_plugin_waits_probed_t went;
  rw_wire_error error;
  if (!runwright_plugin_waits_probe(&where, &condition, &how, &went, &error)) return rw_refused(step, &error);
  *probed = (rw_probed){went.probes, went.waited_ms};
  return NULL;
}

rw_failure *rw_put_blob(rw_step *step, rw_bytes contents, const char **name) {
  plugin_list_u8_t put = {(uint8_t *)(uintptr_t)contents.data, contents.length};
  plugin_string_t made;
  rw_wire_error error;
  if (!runwright_plugin_blobs_put(&put, &made, &error)) return rw_refused(step, &error);
  *name = rw_take(step, &made);
  return NULL;
}

rw_failure *rw_get_blob(rw_step *step, const char *name, uint64_t offset, uint32_t length, rw_bytes *contents) {
  plugin_string_t asked = rw_wire(name);
  plugin_list_u8_t got;
  rw_wire_error error;
  if (!runwright_plugin_blobs_get(&asked, offset, length, &got, &error)) return rw_refused(step, &error);
  *contents = rw_take_bytes(step, &got);
  return NULL;
}

rw_failure *rw_blob_size(rw_step *step, const char *name, uint64_t *size) {
  plugin_string_t asked = rw_wire(name);
  rw_wire_error error;
  return runwright_plugin_blobs_size(&asked, size, &error) ? NULL : rw_refused(step, &error);
}

rw_failure *rw_start_execution(rw_step *step, const char *runbook, const char *parameters, const char **id) {
  runwright_plugin_executions_start_request_t request = {rw_wire(runbook), rw_wire(parameters ? parameters : "{}")};
  plugin_string_t started;
  rw_wire_error error;
  if (!runwright_plugin_executions_start(&request, &started, &error)) return rw_refused(step, &error);
  *id = rw_take(step, &started);
  return NULL;
}

rw_failure *rw_wait_execution(rw_step *step, const char *id, rw_outcome *outcome) {
  plugin_string_t asked = rw_wire(id);
  runwright_plugin_executions_outcome_t ended;
  rw_wire_error error;
  if (!runwright_plugin_executions_wait(&asked, &ended, &error)) return rw_refused(step, &error);
  outcome->status = rw_take(step, &ended.status);
  outcome->outputs = rw_parse_bytes(step, ended.outputs.ptr, ended.outputs.len);
  plugin_string_free(&ended.outputs);
  outcome->failure = rw_take_option(step, &ended.failure);
  return NULL;
}
