package runwright

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// Impact is what an action does to the world when it runs.
type Impact uint8

// The impacts.
const (
	// Mutating: it changes something.
	Mutating Impact = iota
	// NonMutating: it only looks, decides or waits.
	NonMutating
	// Undetermined: it depends on the inputs.
	Undetermined
)

// Want is a capability that the plugin will call.
type Want struct {
	// Capability: commands, files, http, parameters, approvals, waits, blobs, executions or aws.
	Capability string
	// Why, in a sentence an operator reads before granting it.
	Why string
}

// Plugin is one action of the runbook language. In and Out are structs; see their fields' tags in the package's page.
type Plugin[In, Out any] struct {
	// Action is its name in runbooks: a namespace, a colon, a name, as in acme:drain.
	Action string
	// Version of the plugin, semantic.
	Version string
	// Description says in one sentence what a step with this action does.
	Description string
	// Impact on the world.
	Impact Impact
	// Wants are the capabilities it calls. A call of one that is not listed is denied.
	Wants []Want
	// Run runs a step.
	Run func(ctx context.Context, in In) (Out, error)
	// Rollback undoes what Run did with the same inputs, completely or half done. It must be safe when there is
	// nothing to undo. Nil: the action offers no rollback.
	Rollback func(ctx context.Context, in In, done Done) error
}

// Manifest is what a plugin says of itself, as the engine reads it.
type Manifest struct {
	Action, Version, Description string
	// Inputs and Outputs are JSON Schemas.
	Inputs, Outputs string
	Wants           []Want
	Rollback        bool
	Impact          Impact
}

// Action is a [Plugin] of any types, from JSON to JSON: what the engine calls.
type Action interface {
	// Manifest is what the plugin says of itself. It panics when a type has no schema.
	Manifest() Manifest
	// RunJSON runs a step. Every error is a [*Failure], also a panic.
	RunJSON(ctx context.Context, inputs string) (outputs string, failure *Failure)
	// RollbackJSON rolls a step back, in the same way.
	RollbackJSON(ctx context.Context, inputs string, done Done) *Failure
}

var exported Action

// Export makes this the plugin's action. Call it in an init function, once.
func (p Plugin[In, Out]) Export() { exported = p }

// Manifest is what the plugin says of itself.
func (p Plugin[In, Out]) Manifest() Manifest {
	return Manifest{
		Action:      p.Action,
		Version:     p.Version,
		Description: p.Description,
		Inputs:      mustSchema(reflect.TypeFor[In](), "inputs"),
		Outputs:     mustSchema(reflect.TypeFor[Out](), "outputs"),
		Wants:       p.Wants,
		Rollback:    p.Rollback != nil,
		Impact:      p.Impact,
	}
}

func mustSchema(t reflect.Type, what string) string {
	schema, err := schemaOf(t)
	if err == nil && schema["type"] != "object" {
		err = fmt.Errorf("%s is no struct", t)
	}
	if err != nil {
		panic(fmt.Sprintf("the type of the %s: %v", what, err))
	}
	text, err := encode(schema)
	if err != nil {
		panic(err)
	}
	return text
}

// RunJSON runs a step, from JSON to JSON.
func (p Plugin[In, Out]) RunJSON(ctx context.Context, inputs string) (outputs string, failure *Failure) {
	defer recovered(&failure)
	in, failure := parse[In](p.Action, inputs)
	if failure != nil {
		return "", failure
	}
	out, err := p.Run(ctx, in)
	if err != nil {
		return "", FailureOf(err)
	}
	outputs, err = encode(out)
	if err != nil {
		return "", Fail(Failed, "the step ended, but its outputs cannot be written as JSON: %w", err).ForGood()
	}
	return outputs, nil
}

// RollbackJSON rolls a step back.
func (p Plugin[In, Out]) RollbackJSON(ctx context.Context, inputs string, done Done) (failure *Failure) {
	defer recovered(&failure)
	in, failure := parse[In](p.Action, inputs)
	if failure != nil || p.Rollback == nil {
		return failure
	}
	if err := p.Rollback(ctx, in, done); err != nil {
		return FailureOf(err)
	}
	return nil
}

func parse[T any](action, inputs string) (T, *Failure) {
	var in T
	err := json.Unmarshal([]byte(inputs), &in)
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) && mismatch.Field != "" {
		const format = "input `%s` of %s does not fit: it is a %s, and the plugin reads %s"
		return in, Fail(InvalidInput, format, mismatch.Field, action, mismatch.Value, mismatch.Type)
	}
	if err != nil {
		return in, Fail(InvalidInput, "the inputs of %s do not fit: %w", action, err)
	}
	return in, nil
}

// encode is json.Marshal without escaping what only HTML needs.
func encode(value any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// recovered makes a panic a failure: its text, and the innermost function that is the author's.
func recovered(failure **Failure) {
	reason := recover()
	if reason == nil {
		return
	}
	if stop, ok := reason.(Stop); ok {
		panic(stop)
	}
	*failure = Fail(Failed, "panic: %v%s. This is a mistake in the plugin: nothing else is known", reason, place()).ForGood()
}

// Stop passes through Run as a panic that nobody makes a failure of: how a test stops the engine at a call.
type Stop struct {
	// Reason is why; nil for a crash that the engine survives.
	Reason error
}

func place() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case strings.HasPrefix(frame.Function, "runtime."):
			panicking = panicking || frame.Function == "runtime.gopanic"
		case panicking:
			return fmt.Sprintf(" at %s:%d in %s", short(frame.File), frame.Line, frame.Function)
		}
		if !more {
			return ""
		}
	}
}

// short is the last two parts of a path: enough to find the file, and nothing of where it was built.
func short(path string) string {
	parts := strings.Split(path, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}
