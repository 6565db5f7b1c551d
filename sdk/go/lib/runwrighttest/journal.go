package runwrighttest

import (
	"strings"
	"time"

	"runwright"
)

// Calls in the form in which the journal keeps them, which is what a rollback reads.

func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// positive is null for what was not said.
func positive[T int | int64 | uint32](number T) any {
	if number <= 0 {
		return nil
	}
	return number
}

func commandForm(on string, c runwright.Command) any {
	return form{"commands": form{"run": form{"on": optional(on), "command": form{
		"arguments":         c.Arguments,
		"script":            optional(c.Script),
		"stdin":             c.Stdin,
		"environment":       environment(c.Environment),
		"working_directory": optional(c.WorkingDirectory),
		"run_as":            optional(c.RunAs),
		"timeout_ms":        positive(c.Timeout.Milliseconds()),
	}}}}
}

func environment(variables map[string]string) any {
	if variables == nil {
		return form{}
	}
	return variables
}

func fileForm(function, on, path string, more form) any {
	fields := form{"on": optional(on), "path": path}
	for name, value := range more {
		fields[name] = value
	}
	return form{"files": form{function: fields}}
}

func headersForm(headers []runwright.Header) any {
	pairs := [][2]string{}
	for _, header := range headers {
		pairs = append(pairs, [2]string{header.Name, header.Value})
	}
	return pairs
}

func factsForm(facts *runwright.Facts) any {
	if facts == nil {
		return nil
	}
	kinds := [...]string{"file", "directory", "symlink", "other"}
	return form{
		"kind": kinds[facts.Kind], "size": facts.Size, "mode": facts.Mode, "owner": facts.Owner, "group": facts.Group,
		"modified": facts.Modified.UnixMilli(), "link": optional(facts.Link), "sha256": optional(facts.SHA256),
	}
}

func keptForm(kept runwright.Kept) any {
	return form{"path": kept.Path, "before": factsForm(kept.Before), "contents": optional(kept.Contents)}
}

func parameterForm(p runwright.Parameter) any {
	return form{
		"name": p.Name, "parameter_type": parameterTypes[p.Type], "value": p.Value, "version": p.Version,
		"modified": p.Modified.UnixMilli(), "labels": append([]string{}, p.Labels...),
	}
}

// parameterTypes are the names of the store.
var parameterTypes = [...]string{"String", "StringList", "SecureString"}

func nodesForm(ends []runwright.NodeEnd) any {
	nodes := []any{}
	for _, end := range ends {
		nodes = append(nodes, form{
			"node": end.Node, "status": end.Status, "response_code": end.ResponseCode, "stdout": end.Stdout,
			"stderr": end.Stderr,
		})
	}
	return nodes
}

// bytesForm is text in base64, also for no bytes.
func bytesForm(bytes []byte) any { return append([]byte{}, bytes...) }

func momentForm(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func exitCode(c runwright.Completed) any {
	if c.Signal != 0 {
		return nil
	}
	return c.ExitCode
}

// answerForm is an answer as the journal has it. A call without one is "done".
func answerForm(function string, answer any) any {
	capability, _, _ := strings.Cut(function, ".")
	inner := innerForm(function, answer)
	if inner == nil {
		return "done"
	}
	return form{capability: inner}
}

func innerForm(function string, answer any) any {
	switch given := answer.(type) {
	case runwright.Completed:
		return form{"completed": form{
			"exit_code": exitCode(given), "signal": positive(given.Signal), "stdout": given.Stdout, "stderr": given.Stderr,
			"stdout_blob": optional(given.StdoutBlob), "stderr_blob": optional(given.StderrBlob),
			"duration_ms": given.Duration.Milliseconds(),
		}}
	case runwright.DocumentEnd:
		return form{"document": form{
			"command_id": given.CommandID, "status": given.Status, "details": given.Details,
			"targets": given.Targets, "errors": given.Errors, "nodes": nodesForm(given.Nodes),
		}}
	case *runwright.Facts:
		return form{"stat": factsForm(given)}
	case runwright.Kept:
		return form{"snapshot": keptForm(given)}
	case []string:
		return form{"names": given}
	case runwright.Response:
		return form{"status": given.Status, "headers": headersForm(given.Headers), "body": bytesForm(given.Body)}
	case runwright.Parameter:
		return form{"parameter": parameterForm(given)}
	case []runwright.Parameter:
		all := []any{}
		for _, p := range given {
			all = append(all, parameterForm(p))
		}
		return form{"parameters": all}
	case runwright.Decision:
		votes := []any{}
		for _, vote := range given.Votes {
			votes = append(votes, form{
				"approver": vote.Approver, "approved": vote.Approved, "comment": optional(vote.Comment),
				"at": vote.At.UnixMilli(),
			})
		}
		return form{"approved": given.Approved, "votes": votes}
	case runwright.Received:
		return form{"signal": form{"by": given.By, "at": given.At.UnixMilli(), "payload": given.Payload}}
	case runwright.Probed:
		return form{"probed": form{"probes": given.Probes, "waited_ms": given.Waited.Milliseconds()}}
	case runwright.Outcome:
		return form{"ended": form{
			"status": given.Status, "outputs": given.Outputs, "failure": optional(given.Failure),
		}}
	case []byte:
		return form{"contents": given}
	case uint64:
		return form{"size": given}
	case string:
		names := map[string]string{"executions.start": "started", "parameters.reveal": "revealed"}
		if name, known := names[function]; known {
			return form{name: given}
		}
		return form{"name": given}
	default:
		return nil
	}
}
