package tests

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"runwright"
	"runwright/runwrighttest"
)

type inputs struct {
	Name  string            `json:"Name" desc:"Whom to greet." min:"1"`
	Mood  string            `json:"Mood,omitempty" enum:"good,bad" default:"\"good\""`
	Times *int              `json:"Times" max:"3"`
	Words []string          `json:"Words,omitempty" min:"2"`
	Map   map[string]uint16 `json:"Map,omitempty"`
	Any   any               `json:"Any,omitempty"`
	Not   string            `json:"-"`
}

type outputs struct {
	Said float64 `json:"Said"`
}

func plugin(run func(ctx context.Context, in inputs) (outputs, error)) runwright.Plugin[inputs, outputs] {
	return runwright.Plugin[inputs, outputs]{Action: "test:greet", Version: "1.0.0", Run: run}
}

func runs(t *testing.T, in any, run func(ctx context.Context, in inputs) (outputs, error)) *runwright.Failure {
	t.Helper()
	_, failure := runwrighttest.New().Run(plugin(run), in)
	if failure == nil {
		t.Fatal("it did not fail")
	}
	return failure
}

func TestTheSchemaSaysWhatTheStructSays(t *testing.T) {
	const want = `{"additionalProperties":false,"properties":{` +
		`"Any":{},` +
		`"Map":{"additionalProperties":{"minimum":0,"type":"integer"},"type":"object"},` +
		`"Mood":{"default":"good","enum":["good","bad"],"type":"string"},` +
		`"Name":{"description":"Whom to greet.","minLength":1,"type":"string"},` +
		`"Times":{"maximum":3,"type":"integer"},` +
		`"Words":{"items":{"type":"string"},"minItems":2,"type":"array"}},` +
		`"required":["Name"],"type":"object"}`
	if got := plugin(nil).Manifest().Inputs; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestInputsThatDoNotFitAreNamed(t *testing.T) {
	failure := runs(t, map[string]any{"Name": 5}, nil)
	want := "input `Name` of test:greet does not fit: it is a number, and the plugin reads string"
	if failure.Kind != runwright.InvalidInput || failure.Message != want || failure.Retryable {
		t.Errorf("got %+v", failure)
	}
}

func TestErrorsBecomeFailuresOfTheirKind(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("reading the motd: %w", err) }
	for _, test := range []struct {
		err       error
		kind      runwright.Kind
		retryable bool
	}{
		{errors.New("plain"), runwright.Failed, true},
		{runwright.Denied("files", "files.read: [/etc/motd]"), runwright.KindDenied, false},
		{&runwright.Error{Kind: runwright.ErrInvalid, Message: "bad path"}, runwright.Failed, false},
		{&runwright.Error{Kind: runwright.ErrUncertain, Message: "who knows"}, runwright.Uncertain, false},
		{runwright.Fail(runwright.Verification, "still %d", 3), runwright.Verification, true},
		{runwright.Fail(runwright.Failed, "no").ForGood(), runwright.Failed, false},
	} {
		failure := runs(t, map[string]any{"Name": "x"}, func(context.Context, inputs) (outputs, error) {
			return outputs{}, wrap(test.err)
		})
		if failure.Kind != test.kind || failure.Retryable != test.retryable {
			t.Errorf("%v became %v, retryable %v", test.err, failure.Kind, failure.Retryable)
		}
		if failure.Message != "reading the motd: "+test.err.Error() {
			t.Errorf("%v lost text: %s", test.err, failure.Message)
		}
	}
}

func TestADenialNamesTheGrant(t *testing.T) {
	err := error(runwright.Denied("files", "files.read: [/etc/motd]"))
	var refused *runwright.Error
	if !errors.Is(err, runwright.ErrDenied) || !errors.As(err, &refused) || refused.Missing != "files.read: [/etc/motd]" {
		t.Errorf("got %#v", err)
	}
}

func TestAPanicBecomesAFailureWithItsPlace(t *testing.T) {
	failure := runs(t, map[string]any{"Name": "x"}, func(context.Context, inputs) (outputs, error) {
		var none map[string]int
		none["boom"] = 1
		return outputs{}, nil
	})
	for _, part := range []string{"assignment to entry in nil map", "tests/plugin_test.go:", "TestAPanicBecomesAFailureWithItsPlace"} {
		if !strings.Contains(failure.Message, part) {
			t.Errorf("no %q in %s", part, failure.Message)
		}
	}
	if failure.Retryable {
		t.Error("a mistake is tried again")
	}
}

func TestOutputsThatAreNoJSONFail(t *testing.T) {
	failure := runs(t, map[string]any{"Name": "x"}, func(context.Context, inputs) (outputs, error) {
		return outputs{math.NaN()}, nil
	})
	if !strings.Contains(failure.Message, "cannot be written as JSON") {
		t.Error(failure.Message)
	}
}

func TestTheContextKnowsTheStep(t *testing.T) {
	world := runwrighttest.New()
	world.Step.Deadline = world.Clock.Add(time.Minute)
	world.Step.Attempt = 2
	_, failure := world.Run(plugin(func(ctx context.Context, _ inputs) (outputs, error) {
		deadline, limited := ctx.Deadline()
		if step := runwright.StepOf(ctx); step.Attempt != 2 || !limited || !deadline.Equal(world.Step.Deadline) {
			return outputs{}, fmt.Errorf("%+v, %v", step, deadline)
		}
		return outputs{}, nil
	}), map[string]any{"Name": "x"})
	if failure != nil {
		t.Error(failure)
	}
}
