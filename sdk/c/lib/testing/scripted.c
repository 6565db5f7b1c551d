/* What a test says beforehand: what people decide, signals, probes, children, documents, and what the runbook carries. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"

enum { MOST = 256 };

/* An answer to one call of a function, or something that the runbook carries. */
typedef struct {
  const char *function, *name, *says, *more;
  bool approved, used;
  uint64_t after_ms;
} scripted;

static scripted script[MOST];
static size_t count;

void rw_script_begin(void) { count = 0; }

static void say(scripted answer) {
  if (count == MOST) {
    fprintf(stderr, "a test scripts at most %d answers\n", MOST);
    exit(1);
  }
  script[count++] = answer;
}

void rw_world_decide(const char *message, bool approved, const char *by) {
  say((scripted){.function = "approvals.request", .name = message, .approved = approved, .says = by});
}

void rw_world_signal(const char *name, const char *payload) {
  say((scripted){.function = "waits.signal", .name = name, .says = payload});
}

void rw_world_probe(const char *what, uint64_t after_ms) {
  say((scripted){.function = "waits.probe", .name = what, .after_ms = after_ms});
}

void rw_world_child(const char *runbook, const char *status, const char *outputs) {
  say((scripted){.function = "executions.start", .name = runbook, .says = status, .more = outputs ? outputs : "{}"});
}

void rw_world_document(const char *name, const char *status, const char *out) {
  say((scripted){.function = "commands.run-document", .name = name, .says = status, .more = out});
}

void rw_world_set_attachment(const char *name, const char *contents) {
  say((scripted){.function = "step.attachment", .name = name, .says = contents});
}

void rw_world_set_global(const char *name, const char *value) {
  say((scripted){.function = "step.globals", .name = name, .says = value});
}

/* The next answer to this function for this name, or NULL and the error. */
static scripted *next(const char *function, const char *name, rw_wire_error *err) {
  for (scripted *one = script; one < script + count; one++) {
    if (one->used || strcmp(one->function, function) || (one->name && strcmp(one->name, name))) continue;
    one->used = true;
    return one;
  }
  rw_unscripted(err, rw_say("%s of `%s`", function, name));
  return NULL;
}

/* ---- step ---- */

bool runwright_plugin_step_attachment(plugin_string_t *name, plugin_list_u8_t *ret) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(script[i].function, "step.attachment") || strcmp(script[i].name, rw_said(*name))) continue;
    *ret = (plugin_list_u8_t){rw_keep(script[i].says, strlen(script[i].says)), strlen(script[i].says)};
    return true;
  }
  return false;
}

void runwright_plugin_step_globals(plugin_list_tuple2_string_string_t *ret) {
  static plugin_tuple2_string_string_t globals[MOST + 3];
  static const char *const usual[3][2] = {{"REGION", "local"}, {"ACCOUNT_ID", "000000000000"}, {"AWS_PARTITION", "aws"}};
  size_t found = 0;
  for (; found < 3; found++) {
    globals[found] = (plugin_tuple2_string_string_t){rw_wire(usual[found][0]), rw_wire(usual[found][1])};
  }
  /* Who looks one up takes the last of its name. */
  for (size_t i = 0; i < count; i++) {
    if (strcmp(script[i].function, "step.globals")) continue;
    globals[found++] = (plugin_tuple2_string_string_t){rw_wire(script[i].name), rw_wire(script[i].says)};
  }
  *ret = (plugin_list_tuple2_string_string_t){globals, found};
}

/* ---- documents ---- */

static bool run_document(const char *request, runwright_plugin_commands_document_end_t *ret, rw_wire_error *err) {
  yyjson_val *asked = yyjson_doc_get_root(yyjson_read(request, strlen(request), 0));
  const char *name = yyjson_get_str(yyjson_obj_get(asked, "DocumentName"));
  scripted *end = next("commands.run-document", name ? name : "", err);
  if (!end) return false;
  bool well = !strcmp(end->says, "Success");
  runwright_plugin_commands_node_end_t node = {.node = rw_wire("i-1"),
                                               .status = rw_wire(end->says),
                                               .response_code = well ? 0 : 1,
                                               .stdout_ = rw_wire(end->more),
                                               .stderr_ = rw_wire("")};
  *ret = (runwright_plugin_commands_document_end_t){.command_id = rw_wire("command-1"),
                                                    .status = node.status,
                                                    .details = node.status,
                                                    .targets = 1,
                                                    .nodes = {rw_keep(&node, sizeof node), 1},
                                                    .errors = well ? 0 : 1};
  return true;
}

bool runwright_plugin_commands_run_document(plugin_string_t *request, runwright_plugin_commands_document_end_t *ret,
                                            rw_wire_error *err) {
  const char *form = rw_said(*request);
  const char *asked = rw_say("{\"commands\":{\"run-document\":{\"request\":%s}}}", form);
  RW_CALL("commands.run-document", asked, ret, sizeof *ret, err, run_document(form, ret, err),
          rw_say("{\"document\":{\"command_id\":\"command-1\",\"status\":%s,\"details\":%s,\"targets\":1,\"nodes\":[{"
                 "\"node\":\"i-1\",\"status\":%s,\"response_code\":%d,\"stdout\":%s,\"stderr\":\"\"}],\"errors\":%u}}",
                 rw_quoted(ret->status), rw_quoted(ret->status), rw_quoted(ret->status), (int)ret->nodes.ptr[0].response_code,
                 rw_quoted(ret->nodes.ptr[0].stdout_), (unsigned)ret->errors));
}

/* ---- people ---- */

static bool decide(const char *message, runwright_plugin_approvals_decision_t *ret, rw_wire_error *err) {
  scripted *said = next("approvals.request", message, err);
  if (!said) return false;
  runwright_plugin_approvals_vote_t vote = {
      .approver = rw_wire(said->says), .approved = said->approved, .at = rw_world.now_ms};
  *ret = (runwright_plugin_approvals_decision_t){vote.approved, {rw_keep(&vote, sizeof vote), 1}};
  return true;
}

bool runwright_plugin_approvals_request(runwright_plugin_approvals_question_t *question,
                                        runwright_plugin_approvals_decision_t *ret, rw_wire_error *err) {
  const char *asked = rw_say("{\"approvals\":{\"message\":%s,\"approvers\":%s,\"quorum\":%u,\"deadline\":%s}}",
                             rw_quoted(question->message), rw_quoted_list(question->approvers),
                             (unsigned)question->quorum, rw_number(question->deadline.is_some, question->deadline.val));
  RW_CALL("approvals.request", asked, ret, sizeof *ret, err, decide(rw_said(question->message), ret, err),
          rw_say("{\"approved\":%s,\"votes\":[{\"approver\":%s,\"approved\":%s,\"comment\":null,\"at\":%llu}]}",
                 ret->approved ? "true" : "false", rw_quoted(ret->votes.ptr[0].approver),
                 ret->approved ? "true" : "false", (unsigned long long)ret->votes.ptr[0].at));
}

static bool receive(const char *name, runwright_plugin_waits_received_t *ret, rw_wire_error *err) {
  scripted *sent = next("waits.signal", name, err);
  if (!sent) return false;
  *ret = (runwright_plugin_waits_received_t){rw_wire("kim"), rw_world.now_ms, rw_wire(sent->says)};
  return true;
}

bool runwright_plugin_waits_signal(plugin_string_t *name, uint64_t *deadline, runwright_plugin_waits_received_t *ret,
                                   rw_wire_error *err) {
  const char *asked = rw_say("{\"waits\":{\"signal\":{\"name\":%s,\"deadline\":%s}}}", rw_quoted(*name),
                             rw_number(deadline != NULL, deadline ? *deadline : 0));
  RW_CALL("waits.signal", asked, ret, sizeof *ret, err, receive(rw_said(*name), ret, err),
          rw_say("{\"signal\":{\"by\":\"kim\",\"at\":%llu,\"payload\":%s}}", (unsigned long long)ret->at,
                 rw_said(ret->payload)));
}

/* ---- probes ---- */

/* A condition for people, as rw_world_probe names it, and as the journal has it. */
static const char *condition_form(runwright_plugin_waits_condition_t *condition, const char **what) {
  switch (condition->tag) {
    case RUNWRIGHT_PLUGIN_WAITS_CONDITION_TCP:
      *what = rw_say("tcp %s:%u", rw_said(condition->val.tcp.f0), condition->val.tcp.f1);
      return rw_say("{\"tcp\":{\"host\":%s,\"port\":%u}}", rw_quoted(condition->val.tcp.f0), condition->val.tcp.f1);
    case RUNWRIGHT_PLUGIN_WAITS_CONDITION_HTTP:
      *what = rw_said(condition->val.http.f0);
      return rw_say("{\"http\":{\"url\":%s,\"status\":%s}}", rw_quoted(condition->val.http.f0),
                    rw_number(condition->val.http.f1.is_some, condition->val.http.f1.val));
    case RUNWRIGHT_PLUGIN_WAITS_CONDITION_FILE:
      *what = rw_said(condition->val.file);
      return rw_say("{\"file\":{\"path\":%s}}", rw_quoted(condition->val.file));
    default:
      *what = rw_joined(condition->val.command);
      return rw_say("{\"command\":{\"arguments\":%s}}", rw_quoted_list(condition->val.command));
  }
}

static bool probe(const char *what, const runwright_plugin_waits_patience_t *how, runwright_plugin_waits_probed_t *ret,
                  rw_wire_error *err) {
  scripted *comes = next("waits.probe", what, err);
  if (!comes) return false;
  uint64_t left_ms = how->deadline > rw_world.now_ms ? how->deadline - rw_world.now_ms : 0;
  bool in_time = comes->after_ms <= left_ms;
  rw_world.now_ms += in_time ? comes->after_ms : left_ms;
  uint64_t pause_ms = how->interval_ms ? how->interval_ms : 1;
  *ret = (runwright_plugin_waits_probed_t){1 + (uint32_t)(comes->after_ms / pause_ms), comes->after_ms};
  return in_time || rw_refuse(err, RUNWRIGHT_PLUGIN_TYPES_ERROR_TIMED_OUT, rw_say("`%s` did not come true in time", what));
}

bool runwright_plugin_waits_probe(runwright_plugin_types_target_t *on, runwright_plugin_waits_condition_t *condition,
                                  runwright_plugin_waits_patience_t *how, runwright_plugin_waits_probed_t *ret,
                                  rw_wire_error *err) {
  const char *what, *form = condition_form(condition, &what);
  const char *asked = rw_say(
      "{\"waits\":{\"probe\":{\"on\":%s,\"probe\":%s,\"patience\":{\"deadline\":%llu,\"interval_ms\":%llu,"
      "\"backoff_percent\":%u,\"max_interval_ms\":%llu}}}}",
      on->is_some ? rw_quoted(on->val) : "null", form, (unsigned long long)how->deadline,
      (unsigned long long)how->interval_ms, (unsigned)how->backoff_percent, (unsigned long long)how->max_interval_ms);
  RW_CALL("waits.probe", asked, ret, sizeof *ret, err, probe(what, how, ret, err),
          rw_say("{\"probed\":{\"probes\":%u,\"waited_ms\":%llu}}", (unsigned)ret->probes,
                 (unsigned long long)ret->waited_ms));
}

/* ---- executions ---- */

static bool start(const char *runbook, plugin_string_t *ret, rw_wire_error *err) {
  scripted *child = next("executions.start", runbook, err);
  if (child) *ret = rw_wire(rw_say("00000000-0000-7000-8000-%012u", (unsigned)(child - script) + 1));
  return child != NULL;
}

bool runwright_plugin_executions_start(runwright_plugin_executions_start_request_t *request, plugin_string_t *ret,
                                       rw_wire_error *err) {
  const char *asked = rw_say("{\"executions\":{\"start\":{\"runbook\":%s,\"parameters\":%s}}}",
                             rw_quoted(request->runbook), rw_said(request->parameters));
  RW_CALL("executions.start", asked, ret, sizeof *ret, err, start(rw_said(request->runbook), ret, err),
          rw_say("{\"started\":%s}", rw_quoted(*ret)));
}

static bool ended(const char *id, runwright_plugin_executions_outcome_t *ret, rw_wire_error *err) {
  unsigned number = 0;
  bool known = sscanf(id, "00000000-0000-7000-8000-%012u", &number) == 1 && number > 0 && number <= count;
  if (!known) return rw_not_found(err, rw_say("there is no execution `%s`", id));
  scripted *child = &script[number - 1];
  *ret = (runwright_plugin_executions_outcome_t){.status = rw_wire(child->says), .outputs = rw_wire(child->more)};
  return true;
}

bool runwright_plugin_executions_wait(plugin_string_t *id, runwright_plugin_executions_outcome_t *ret,
                                      rw_wire_error *err) {
  const char *asked = rw_say("{\"executions\":{\"wait\":{\"id\":%s}}}", rw_quoted(*id));
  RW_CALL("executions.wait", asked, ret, sizeof *ret, err, ended(rw_said(*id), ret, err),
          rw_say("{\"ended\":{\"status\":%s,\"outputs\":%s,\"failure\":null}}", rw_quoted(ret->status),
                 rw_said(ret->outputs)));
}
