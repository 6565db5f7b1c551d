package runwright

import (
	"context"
	"strings"

	exports "runwright/internal/bindings/export_runwright_plugin_action"
	wire "runwright/internal/bindings/runwright_plugin_action"
	_ "runwright/internal/bindings/wit_exports" // The functions that the engine calls.
	wit "runwright/internal/wit/types"
)

func init() {
	exports.Describe = describe
	exports.Run = run
	exports.Rollback = rollback
}

func outside() World { return imports{} }

func action() Action {
	if exported == nil {
		panic("this program exports no plugin: call Export in an init function")
	}
	return exported
}

func describe() wire.Manifest {
	manifest := action().Manifest()
	wants := make([]wire.Want, len(manifest.Wants))
	for i, want := range manifest.Wants {
		wants[i] = wire.Want(want)
	}
	return wire.Manifest{
		Action:       manifest.Action,
		Version:      manifest.Version,
		Description:  manifest.Description,
		Inputs:       manifest.Inputs,
		Outputs:      manifest.Outputs,
		Capabilities: wants,
		Rollback:     manifest.Rollback,
		Impact:       wire.Impact(manifest.Impact),
	}
}

func run(at wire.Context, inputs string) wit.Result[string, wire.Failure] {
	ctx, inputs := contextOf(at), owned(inputs)
	enter()()
	outputs, failure := action().RunJSON(ctx, inputs)
	if failure != nil {
		return wit.Err[string](failed(failure))
	}
	return wit.Ok[string, wire.Failure](outputs)
}

func rollback(at wire.Context, inputs string, done wire.Done) wit.Result[wit.Unit, wire.Failure] {
	calls := make([]Call, len(done.Calls))
	for i, call := range done.Calls {
		calls[i] = Call{Function: call.Function, Request: call.Request}
		if call.Answer.IsNone() {
			continue
		}
		if answer := call.Answer.Some(); answer.IsOk() {
			calls[i].Answer = answer.Ok()
		} else {
			calls[i].Failed = answer.Err()
		}
	}
	told := owned(Done{Outputs: done.Outputs.SomeOr(""), Calls: calls})
	ctx, inputs := contextOf(at), owned(inputs)
	enter()()
	if failure := action().RollbackJSON(ctx, inputs, told); failure != nil {
		return wit.Err[wit.Unit](failed(failure))
	}
	return wit.Ok[wit.Unit, wire.Failure](wit.Unit{})
}

func contextOf(at wire.Context) context.Context {
	at = owned(at)
	step := Step{
		ExecutionID:    at.ExecutionId,
		Name:           at.Step,
		Visit:          at.Visit,
		Attempt:        at.Attempt,
		IdempotencyKey: at.IdempotencyKey,
		TraceParent:    at.TraceParent.SomeOr(""),
	}
	if at.Deadline.IsSome() {
		step.Deadline = moment(at.Deadline.Some())
	}
	return WithStep(context.Background(), step)
}

// plain is the text as the host takes it: what is no UTF-8 would end the instance.
func plain(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

func failed(failure *Failure) wire.Failure {
	details := wit.None[string]()
	if failure.Details != nil {
		text, err := encode(failure.Details)
		if err != nil {
			text, _ = encode(map[string]string{"lost": "the details cannot be written as JSON: " + err.Error()})
		}
		details = wit.Some(text)
	}
	return wire.Failure{
		Kind:      wire.FailureKind(failure.Kind),
		Message:   plain(failure.Message),
		Retryable: failure.Retryable,
		Details:   details,
	}
}
