// Package runwrighttest runs plugins natively, in a world in memory: files, parameters and blobs are kept, commands and
// requests are answered by the test, and the clock stands unless somebody waits.
//
//	world := runwrighttest.New()
//	world.Commands = func(on string, command runwright.Command) (runwright.Completed, error) {
//		return runwright.Completed{Stdout: "active\n"}, nil
//	}
//	outputs, failure := world.Run(plugin, map[string]any{"Service": "sshd"})
//
// [EachCrash] runs a plugin again and again, each time with the engine stopped at another call, and demands the same
// outputs and the same calls: what the engine demands of every plugin.
package runwrighttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"runwright"
)

// World is a world in memory. What is not set answers ErrUnavailable. It refuses what the engine refuses: a missing
// folder, a parameter that may not be overwritten.
type World struct {
	// Step is where calls stand. Change it for a second attempt or a deadline.
	Step runwright.Step
	// Clock is the time; only waits move it. 2026-01-01T00:00:00Z at the start.
	Clock time.Time
	// Commands, Documents, Requests and AWS answer.
	Commands  func(on string, command runwright.Command) (runwright.Completed, error)
	Documents func(request string) (runwright.DocumentEnd, error)
	Requests  func(request runwright.Request) (runwright.Response, error)
	AWS       func(request runwright.AWSRequest) (runwright.Response, error)
	// Decisions, Signals, Probes and Children answer one after the other.
	Decisions []runwright.Decision
	Signals   []runwright.Received
	Probes    []runwright.Probed
	Children  []runwright.Outcome
	// Refused functions (files.write) answer this error and do nothing.
	Refused map[string]error
	// Attachments and GlobalValues of the runbook.
	Attachments  map[string][]byte
	GlobalValues map[string]string
	// Lines that were logged, also those that a replay wrote again.
	Lines []string

	files      files
	parameters map[string][]runwright.Parameter
	secrets    map[string]string
	blobs      map[string][]byte
	journal    []entry
	next       int
	crashAfter int
}

// entry is a call in the journal, with its answer as the plugin got it, and when.
type entry struct {
	call   runwright.Call
	answer any
	err    error
	at     time.Time
}

// New is a world with the folders /, /etc and /tmp.
func New() *World {
	return &World{
		Step: runwright.Step{
			ExecutionID:    "test",
			Name:           "step",
			Visit:          1,
			Attempt:        1,
			IdempotencyKey: "00000000-0000-7000-8000-000000000001",
		},
		Clock:        time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Refused:      map[string]error{},
		GlobalValues: map[string]string{"REGION": "local", "ACCOUNT_ID": "000000000000", "AWS_PARTITION": "aws"},
		files:        newFiles(),
		parameters:   map[string][]runwright.Parameter{},
		secrets:      map[string]string{},
		blobs:        map[string][]byte{},
	}
}

// CrashAfter stops the engine once, when the answer of the call of this number (from 1) is in the journal. [World.Run]
// then runs the step again from its start.
func (w *World) CrashAfter(call int) { w.crashAfter = call }

// Context is what a plugin's functions are given, to call them directly.
func (w *World) Context() context.Context {
	return runwright.WithWorld(runwright.WithStep(context.Background(), w.Step), w)
}

// Run runs a step as the engine does: from JSON to JSON, and again from its start when the engine stopped meanwhile. The
// inputs are anything that becomes a JSON object. It panics when a replay asks for something else than before.
func (w *World) Run(plugin runwright.Action, inputs any) (map[string]any, *runwright.Failure) {
	var outputs string
	var failure *runwright.Failure
	began := w.Clock
	for w.stopped(func() { outputs, failure = plugin.RunJSON(w.Context(), text(inputs)) }) {
		w.next, w.Clock = 0, began
	}
	if failure != nil {
		return nil, failure
	}
	var read map[string]any
	if err := json.Unmarshal([]byte(outputs), &read); err != nil {
		panic(fmt.Sprintf("the outputs are no JSON object: %s", outputs))
	}
	return read, nil
}

// Rollback rolls a step back that did what is in the journal. outputs are nil when it failed half-way.
func (w *World) Rollback(plugin runwright.Action, inputs any, outputs map[string]any) *runwright.Failure {
	done := w.Done(outputs)
	w.journal, w.next = nil, 0
	var failure *runwright.Failure
	began := w.Clock
	for w.stopped(func() { failure = plugin.RollbackJSON(w.Context(), text(inputs), done) }) {
		w.next, w.Clock = 0, began
	}
	return failure
}

// Done is what a rollback would be told now.
func (w *World) Done(outputs map[string]any) runwright.Done {
	done := runwright.Done{}
	if outputs != nil {
		done.Outputs = text(outputs)
	}
	for _, entry := range w.journal {
		done.Calls = append(done.Calls, entry.call)
	}
	return done
}

// Functions are the calls in the journal, in order: commands.run, waits.sleep.
func (w *World) Functions() []string {
	functions := []string{}
	for _, entry := range w.journal {
		functions = append(functions, entry.call.Function)
	}
	return functions
}

// stopped tells whether the engine stopped while this went on.
func (w *World) stopped(do func()) (stopped bool) {
	defer func() {
		reason := recover()
		stop, is := reason.(runwright.Stop)
		switch {
		case is && stop.Reason == nil:
			stopped = true
		case is:
			panic(stop.Reason)
		case reason != nil:
			panic(reason)
		}
	}()
	do()
	return false
}

type form = map[string]any

// call answers out of the journal, or live and writes the answer down.
func call[T any](w *World, function string, request any, answer func() (T, error)) (T, error) {
	asked := text(request)
	if w.next < len(w.journal) {
		kept := w.journal[w.next]
		w.next++
		if kept.call.Function != function || kept.call.Request != asked {
			recorded, attempted := kept.call.Function+" "+kept.call.Request, function+" "+asked
			panic(runwright.Stop{Reason: NonDeterminism{w.next, recorded, attempted}})
		}
		w.Clock = kept.at
		return kept.answer.(T), kept.err
	}
	var given T
	err := w.Refused[function]
	if err == nil {
		given, err = answer()
	}
	entry := entry{call: runwright.Call{Function: function, Request: asked}, answer: given, err: err, at: w.Clock}
	if err == nil {
		entry.call.Answer = text(answerForm(function, given))
	} else {
		entry.call.Failed = text(errorForm(err))
	}
	w.journal = append(w.journal, entry)
	w.next++
	if w.next == w.crashAfter {
		w.crashAfter = 0
		panic(runwright.Stop{})
	}
	return given, err
}

// NonDeterminism is the panic of a replay that asked for something else than the journal has.
type NonDeterminism struct {
	// Call is the number of the call, from 1.
	Call int
	// Recorded and Attempted are the function and its request.
	Recorded, Attempted string
}

// Error shows both.
func (n NonDeterminism) Error() string {
	return fmt.Sprintf("call %d differs in a replay:\n recorded %s\nattempted %s", n.Call, n.Recorded, n.Attempted)
}

func text(value any) string {
	bytes, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("this cannot be JSON: %v", err))
	}
	return string(bytes)
}

func unscripted(what string) error {
	message := fmt.Sprintf("the world has no answer for %s: script one", what)
	return &runwright.Error{Kind: runwright.ErrUnavailable, Message: message}
}

func notFound(format string, args ...any) error {
	return &runwright.Error{Kind: runwright.ErrNotFound, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &runwright.Error{Kind: runwright.ErrInvalid, Message: fmt.Sprintf(format, args...)}
}

// shift takes the first of a list.
func shift[T any](list *[]T, what string) (T, error) {
	var none T
	if len(*list) == 0 {
		return none, unscripted(what)
	}
	first := (*list)[0]
	*list = (*list)[1:]
	return first, nil
}

func errorForm(err error) any {
	var refused *runwright.Error
	if !errors.As(err, &refused) {
		return form{"unavailable": err.Error()}
	}
	switch refused.Kind {
	case runwright.ErrDenied:
		return form{"denied": form{"capability": refused.Capability, "missing": refused.Missing}}
	case runwright.ErrLimitExceeded:
		return form{"limit-exceeded": form{"which": refused.Which, "limit": refused.Limit, "used": refused.Used}}
	default:
		names := map[error]string{
			runwright.ErrNotFound: "not-found", runwright.ErrInvalid: "invalid", runwright.ErrThrottled: "throttled",
			runwright.ErrTimedOut: "timed-out", runwright.ErrUnavailable: "unavailable",
			runwright.ErrUncertain: "uncertain",
		}
		return form{names[refused.Kind]: refused.Message}
	}
}
