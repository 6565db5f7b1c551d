/* The world's answers to what it does not keep: commands, requests, people, time. */
#include <stdlib.h>
#include <string.h>

#include "journal.h"

static bool unscripted(rw_wire_error *err, const char *what) {
  return rw_refuse(err, RUNWRIGHT_PLUGIN_TYPES_ERROR_UNAVAILABLE,
                   rw_say("the world has no answer for %s: script one", what));
}

static const char *target(runwright_plugin_types_target_t *on) {
  return on->is_some ? rw_quoted(on->val) : "null";
}

static const char *optional(plugin_option_string_t *text) { return text->is_some ? rw_quoted(text->val) : "null"; }

static const char *texts(plugin_list_string_t list) {
  char *all = rw_say("[");
  for (size_t i = 0; i < list.len; i++) all = rw_say("%s%s%s", all, i ? "," : "", rw_quoted(list.ptr[i]));
  return rw_say("%s]", all);
}

static const char *pairs(plugin_list_tuple2_string_string_t list, bool object) {
  char *all = rw_say("%s", object ? "{" : "[");
  for (size_t i = 0; i < list.len; i++) {
    const char *name = rw_quoted(list.ptr[i].f0), *value = rw_quoted(list.ptr[i].f1);
    all = object ? rw_say("%s%s%s:%s", all, i ? "," : "", name, value)
                 : rw_say("%s%s[%s,%s]", all, i ? "," : "", name, value);
  }
  return rw_say("%s%s", all, object ? "}" : "]");
}

static const char *number(bool is_some, uint64_t value) {
  return is_some ? rw_say("%llu", (unsigned long long)value) : "null";
}

/* ---- log and step ---- */

void runwright_plugin_log_write(uint8_t level, plugin_string_t *message) {
  (void)level;
  rw_world.lines = rw_say("%s%s\n", rw_world.lines, rw_said(*message));
}

void runwright_plugin_log_progress(uint64_t done, uint64_t total, plugin_string_t *message) {
  rw_world.lines = rw_say("%s%llu/%llu: %s\n", rw_world.lines, (unsigned long long)done, (unsigned long long)total,
                          rw_said(*message));
}

void runwright_plugin_step_action(plugin_string_t *ret) { *ret = rw_wire(rw_plugin_definition.action); }

bool runwright_plugin_step_attachment(plugin_string_t *name, plugin_list_u8_t *ret) {
  (void)name, (void)ret;
  return false;
}

void runwright_plugin_step_globals(plugin_list_tuple2_string_string_t *ret) { memset(ret, 0, sizeof *ret); }

/* ---- commands ---- */

static bool run(runwright_plugin_types_target_t *on, runwright_plugin_commands_command_t *command,
                runwright_plugin_commands_completed_t *ret, rw_wire_error *err) {
  size_t words = command->arguments.len;
  const char **arguments = calloc(words + 1, sizeof *arguments), *line = "";
  if (!arguments) abort();
  for (size_t i = 0; i < words; i++) {
    arguments[i] = rw_said(command->arguments.ptr[i]);
    line = rw_say("%s%s%s", line, i ? " " : "", arguments[i]);
  }
  rw_world_command asked = {.on = on->is_some ? rw_said(on->val) : NULL, .arguments = arguments, .line = line};
  if (command->script.is_some) asked.script = rw_said(command->script.val);
  if (command->stdin_.is_some) asked.input = rw_keep(command->stdin_.val.ptr, command->stdin_.val.len);
  rw_world_ended ended = {.out = "", .err = ""};
  if (!rw_world.command || !rw_world.command(&asked, &ended)) return unscripted(err, rw_say("the command %s", line));
  *ret = (runwright_plugin_commands_completed_t){.exit_code = {true, ended.exit_code},
                                                 .stdout_ = rw_wire(ended.out),
                                                 .stderr_ = rw_wire(ended.err),
                                                 .duration_ms = 5};
  return true;
}

bool runwright_plugin_commands_run(runwright_plugin_types_target_t *on, runwright_plugin_commands_command_t *command,
                                   runwright_plugin_commands_completed_t *ret, rw_wire_error *err) {
  plugin_list_u8_t input = command->stdin_.val;
  const char *request = rw_say(
      "{\"commands\":{\"run\":{\"on\":%s,\"command\":{\"arguments\":%s,\"script\":%s,\"stdin\":%s,\"environment\":%s,"
      "\"working_directory\":%s,\"run_as\":%s,\"timeout_ms\":%s}}}}",
      target(on), texts(command->arguments), optional(&command->script),
      command->stdin_.is_some ? rw_quoted_bytes(input.ptr, input.len) : "null", pairs(command->environment, true),
      optional(&command->working_directory), optional(&command->run_as),
      number(command->timeout_ms.is_some, command->timeout_ms.val));
  RW_CALL("commands.run", request, ret, sizeof *ret, err, run(on, command, ret, err),
          rw_say("{\"completed\":{\"exit_code\":%d,\"signal\":null,\"stdout\":%s,\"stderr\":%s,\"stdout_blob\":null,"
                 "\"stderr_blob\":null,\"duration_ms\":5}}",
                 ret->exit_code.val, rw_quoted(ret->stdout_), rw_quoted(ret->stderr_)));
}

bool runwright_plugin_commands_run_document(plugin_string_t *request, runwright_plugin_commands_document_end_t *ret,
                                            rw_wire_error *err) {
  const char *asked = rw_say("{\"commands\":{\"run-document\":{\"request\":%s}}}", rw_said(*request));
  RW_CALL("commands.run-document", asked, ret, sizeof *ret, err, unscripted(err, "a Command document"), NULL);
}

/* ---- requests ---- */

static bool send(const char *method, const char *url, plugin_list_u8_t body, uint16_t *status,
                 plugin_list_tuple2_string_string_t *headers, plugin_list_u8_t *answer, rw_wire_error *err) {
  const char *text = "";
  *status = 200;
  if (!rw_world.request || !rw_world.request(method, url, rw_keep(body.ptr, body.len), status, &text)) {
    return unscripted(err, rw_say("%s %s", method, url));
  }
  memset(headers, 0, sizeof *headers);
  *answer = (plugin_list_u8_t){rw_keep(text, strlen(text)), strlen(text)};
  return true;
}

bool runwright_plugin_http_send(runwright_plugin_http_request_t *request, runwright_plugin_http_response_t *ret,
                                rw_wire_error *err) {
  plugin_list_u8_t body = request->body.is_some ? request->body.val : (plugin_list_u8_t){0};
  const char *asked = rw_say(
      "{\"http\":{\"method\":%s,\"url\":%s,\"headers\":%s,\"body\":%s,\"timeout_ms\":%s,\"redirects\":%u}}",
      rw_quoted(request->method), rw_quoted(request->url), pairs(request->headers, false),
      request->body.is_some ? rw_quoted_bytes(body.ptr, body.len) : "null",
      number(request->timeout_ms.is_some, request->timeout_ms.val), (unsigned)request->redirects);
  RW_CALL("http.send", asked, ret, sizeof *ret, err,
          send(rw_said(request->method), rw_said(request->url), body, &ret->status, &ret->headers, &ret->body, err),
          rw_say("{\"status\":%u,\"headers\":[],\"body\":%s}", ret->status,
                 rw_quoted_bytes(ret->body.ptr, ret->body.len)));
}

bool runwright_plugin_aws_send(runwright_plugin_aws_request_t *request, runwright_plugin_aws_response_t *ret,
                               rw_wire_error *err) {
  const char *asked = rw_say(
      "{\"aws\":{\"service\":%s,\"region\":%s,\"host\":%s,\"method\":%s,\"path\":%s,\"headers\":%s,\"body\":%s,"
      "\"credentials\":%s,\"timeout_ms\":%s}}",
      rw_quoted(request->service), optional(&request->region), optional(&request->host), rw_quoted(request->method),
      rw_quoted(request->path), pairs(request->headers, false), rw_quoted_bytes(request->body.ptr, request->body.len),
      optional(&request->credentials), number(request->timeout_ms.is_some, request->timeout_ms.val));
  const char *url = rw_say("aws:%s%s", rw_said(request->service), rw_said(request->path));
  RW_CALL("aws.send", asked, ret, sizeof *ret, err,
          send(rw_said(request->method), url, request->body, &ret->status, &ret->headers, &ret->body, err),
          rw_say("{\"status\":%u,\"headers\":[],\"body\":%s}", ret->status,
                 rw_quoted_bytes(ret->body.ptr, ret->body.len)));
}

/* ---- people and time ---- */

static bool decide(runwright_plugin_approvals_decision_t *ret, rw_wire_error *err) {
  if (!rw_world.approval) return unscripted(err, "a question");
  runwright_plugin_approvals_vote_t vote = {.approver = rw_wire("kim"),
                                            .approved = rw_world.approval > 0,
                                            .at = rw_world.now_ms};
  *ret = (runwright_plugin_approvals_decision_t){vote.approved, {rw_keep(&vote, sizeof vote), 1}};
  return true;
}

bool runwright_plugin_approvals_request(runwright_plugin_approvals_question_t *question,
                                        runwright_plugin_approvals_decision_t *ret, rw_wire_error *err) {
  const char *asked = rw_say("{\"approvals\":{\"message\":%s,\"approvers\":%s,\"quorum\":%u,\"deadline\":%s}}",
                             rw_quoted(question->message), texts(question->approvers), (unsigned)question->quorum,
                             number(question->deadline.is_some, question->deadline.val));
  RW_CALL("approvals.request", asked, ret, sizeof *ret, err, decide(ret, err),
          rw_say("{\"approved\":%s,\"votes\":[{\"approver\":\"kim\",\"approved\":%s,\"comment\":null,\"at\":%llu}]}",
                 ret->approved ? "true" : "false", ret->approved ? "true" : "false",
                 (unsigned long long)ret->votes.ptr[0].at));
}

static bool until(uint64_t moment) {
  if (moment > rw_world.now_ms) rw_world.now_ms = moment;
  return true;
}

bool runwright_plugin_waits_sleep(uint64_t duration_ms, rw_wire_error *err) {
  const char *asked = rw_say("{\"waits\":{\"sleep\":{\"duration_ms\":%llu}}}", (unsigned long long)duration_ms);
  RW_CALL("waits.sleep", asked, NULL, 0, err, until(rw_world.now_ms + duration_ms), NULL);
}

bool runwright_plugin_waits_sleep_until(uint64_t moment, rw_wire_error *err) {
  const char *asked = rw_say("{\"waits\":{\"sleep-until\":{\"moment\":%llu}}}", (unsigned long long)moment);
  RW_CALL("waits.sleep-until", asked, NULL, 0, err, until(moment), NULL);
}

static bool receive(runwright_plugin_waits_received_t *ret, rw_wire_error *err) {
  if (!rw_world.signal) return unscripted(err, "a signal");
  *ret = (runwright_plugin_waits_received_t){rw_wire("kim"), rw_world.now_ms, rw_wire(rw_world.signal)};
  return true;
}

bool runwright_plugin_waits_signal(plugin_string_t *name, uint64_t *deadline, runwright_plugin_waits_received_t *ret,
                                   rw_wire_error *err) {
  const char *asked = rw_say("{\"waits\":{\"signal\":{\"name\":%s,\"deadline\":%s}}}", rw_quoted(*name),
                             number(deadline != NULL, deadline ? *deadline : 0));
  RW_CALL("waits.signal", asked, ret, sizeof *ret, err, receive(ret, err),
          rw_say("{\"signal\":{\"by\":\"kim\",\"at\":%llu,\"payload\":%s}}", (unsigned long long)ret->at,
                 rw_said(ret->payload)));
}

static const char *condition_form(runwright_plugin_waits_condition_t *condition) {
  switch (condition->tag) {
    case RUNWRIGHT_PLUGIN_WAITS_CONDITION_TCP:
      return rw_say("{\"tcp\":{\"host\":%s,\"port\":%u}}", rw_quoted(condition->val.tcp.f0), condition->val.tcp.f1);
    case RUNWRIGHT_PLUGIN_WAITS_CONDITION_HTTP:
      return rw_say("{\"http\":{\"url\":%s,\"status\":%s}}", rw_quoted(condition->val.http.f0),
                    number(condition->val.http.f1.is_some, condition->val.http.f1.val));
    case RUNWRIGHT_PLUGIN_WAITS_CONDITION_FILE:
      return rw_say("{\"file\":{\"path\":%s}}", rw_quoted(condition->val.file));
    default:
      return rw_say("{\"command\":{\"arguments\":%s}}", texts(condition->val.command));
  }
}

static bool probe(runwright_plugin_waits_probed_t *ret, rw_wire_error *err) {
  *ret = (runwright_plugin_waits_probed_t){.probes = 1};
  return rw_world.probe_succeeds || unscripted(err, "a probe");
}

bool runwright_plugin_waits_probe(runwright_plugin_types_target_t *on, runwright_plugin_waits_condition_t *condition,
                                  runwright_plugin_waits_patience_t *how, runwright_plugin_waits_probed_t *ret,
                                  rw_wire_error *err) {
  const char *asked = rw_say(
      "{\"waits\":{\"probe\":{\"on\":%s,\"probe\":%s,\"patience\":{\"deadline\":%llu,\"interval_ms\":%llu,"
      "\"backoff_percent\":%u,\"max_interval_ms\":%llu}}}}",
      target(on), condition_form(condition), (unsigned long long)how->deadline, (unsigned long long)how->interval_ms,
      (unsigned)how->backoff_percent, (unsigned long long)how->max_interval_ms);
  RW_CALL("waits.probe", asked, ret, sizeof *ret, err, probe(ret, err),
          "{\"probed\":{\"probes\":1,\"waited_ms\":0}}");
}

/* ---- executions ---- */

static bool started(plugin_string_t *ret) {
  *ret = rw_wire("00000000-0000-7000-8000-000000000001");
  return true;
}

bool runwright_plugin_executions_start(runwright_plugin_executions_start_request_t *request, plugin_string_t *ret,
                                       rw_wire_error *err) {
  const char *asked = rw_say("{\"executions\":{\"start\":{\"runbook\":%s,\"parameters\":%s}}}",
                             rw_quoted(request->runbook), rw_said(request->parameters));
  RW_CALL("executions.start", asked, ret, sizeof *ret, err, started(ret), rw_say("{\"started\":%s}", rw_quoted(*ret)));
}

static bool child_ended(runwright_plugin_executions_outcome_t *ret, rw_wire_error *err) {
  if (!rw_world.child) return unscripted(err, "a child execution");
  *ret = (runwright_plugin_executions_outcome_t){.status = rw_wire(rw_world.child), .outputs = rw_wire("{}")};
  return true;
}

bool runwright_plugin_executions_wait(plugin_string_t *id, runwright_plugin_executions_outcome_t *ret,
                                      rw_wire_error *err) {
  const char *asked = rw_say("{\"executions\":{\"wait\":{\"id\":%s}}}", rw_quoted(*id));
  RW_CALL("executions.wait", asked, ret, sizeof *ret, err, child_ended(ret, err),
          rw_say("{\"ended\":{\"status\":%s,\"outputs\":{},\"failure\":null}}", rw_quoted(ret->status)));
}
