/* The world's answers to what it does not keep: the log, commands, requests, time. What else is scripted is in scripted.c. */
#include <stdlib.h>
#include <string.h>

#include "journal.h"

bool rw_unscripted(rw_wire_error *err, const char *what) {
  return rw_refuse(err, RUNWRIGHT_PLUGIN_TYPES_ERROR_UNAVAILABLE,
                   rw_say("the world has no answer for %s: script one", what));
}

static const char *target(runwright_plugin_types_target_t *on) {
  return on->is_some ? rw_quoted(on->val) : "null";
}

static const char *optional(plugin_option_string_t *text) { return text->is_some ? rw_quoted(text->val) : "null"; }

const char *rw_quoted_list(plugin_list_string_t list) {
  char *all = rw_say("[");
  for (size_t i = 0; i < list.len; i++) all = rw_say("%s%s%s", all, i ? "," : "", rw_quoted(list.ptr[i]));
  return rw_say("%s]", all);
}

const char *rw_joined(plugin_list_string_t list) {
  char *all = rw_say("%s", "");
  for (size_t i = 0; i < list.len; i++) all = rw_say("%s%s%s", all, i ? " " : "", rw_said(list.ptr[i]));
  return all;
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

const char *rw_number(bool is_some, uint64_t value) {
  return is_some ? rw_say("%llu", (unsigned long long)value) : "null";
}

/* ---- log ---- */

void runwright_plugin_log_write(uint8_t level, plugin_string_t *message) {
  (void)level;
  rw_world.lines = rw_say("%s%s\n", rw_world.lines, rw_said(*message));
}

void runwright_plugin_log_progress(uint64_t done, uint64_t total, plugin_string_t *message) {
  rw_world.lines = rw_say("%s%llu/%llu: %s\n", rw_world.lines, (unsigned long long)done, (unsigned long long)total,
                          rw_said(*message));
}

/* ---- commands ---- */

static bool run(runwright_plugin_types_target_t *on, runwright_plugin_commands_command_t *command,
                runwright_plugin_commands_completed_t *ret, rw_wire_error *err) {
  size_t words = command->arguments.len;
  const char **arguments = calloc(words + 1, sizeof *arguments), *line = rw_joined(command->arguments);
  if (!arguments) abort();
  for (size_t i = 0; i < words; i++) arguments[i] = rw_said(command->arguments.ptr[i]);
  rw_world_command asked = {.on = on->is_some ? rw_said(on->val) : NULL, .arguments = arguments, .line = line};
  if (command->script.is_some) asked.script = rw_said(command->script.val);
  if (command->stdin_.is_some) asked.input = rw_keep(command->stdin_.val.ptr, command->stdin_.val.len);
  rw_world_ended ended = {.out = "", .err = ""};
  if (!rw_world.command || !rw_world.command(&asked, &ended)) return rw_unscripted(err, rw_say("the command %s", line));
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
      target(on), rw_quoted_list(command->arguments), optional(&command->script),
      command->stdin_.is_some ? rw_quoted_bytes(input.ptr, input.len) : "null", pairs(command->environment, true),
      optional(&command->working_directory), optional(&command->run_as),
      rw_number(command->timeout_ms.is_some, command->timeout_ms.val));
  RW_CALL("commands.run", request, ret, sizeof *ret, err, run(on, command, ret, err),
          rw_say("{\"completed\":{\"exit_code\":%d,\"signal\":null,\"stdout\":%s,\"stderr\":%s,\"stdout_blob\":null,"
                 "\"stderr_blob\":null,\"duration_ms\":5}}",
                 ret->exit_code.val, rw_quoted(ret->stdout_), rw_quoted(ret->stderr_)));
}

/* ---- requests ---- */

static bool send(const char *method, const char *url, plugin_list_u8_t body, uint16_t *status,
                 plugin_list_tuple2_string_string_t *headers, plugin_list_u8_t *answer, rw_wire_error *err) {
  const char *text = "";
  *status = 200;
  if (!rw_world.request || !rw_world.request(method, url, rw_keep(body.ptr, body.len), status, &text)) {
    return rw_unscripted(err, rw_say("%s %s", method, url));
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
      rw_number(request->timeout_ms.is_some, request->timeout_ms.val), (unsigned)request->redirects);
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
      optional(&request->credentials), rw_number(request->timeout_ms.is_some, request->timeout_ms.val));
  const char *url = rw_say("aws:%s%s", rw_said(request->service), rw_said(request->path));
  RW_CALL("aws.send", asked, ret, sizeof *ret, err,
          send(rw_said(request->method), url, request->body, &ret->status, &ret->headers, &ret->body, err),
          rw_say("{\"status\":%u,\"headers\":[],\"body\":%s}", ret->status,
                 rw_quoted_bytes(ret->body.ptr, ret->body.len)));
}

/* ---- time ---- */

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
