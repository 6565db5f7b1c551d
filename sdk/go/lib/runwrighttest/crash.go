package runwrighttest

import (
	"reflect"
	"testing"

	"runwright"
)

// EachCrash runs a step once without a crash, and then once for each of its calls with the engine stopped after it. Each
// time the outputs, the failure and the calls must be the same. world makes a new world each time.
func EachCrash(t testing.TB, world func() *World, plugin runwright.Action, inputs any) {
	t.Helper()
	quiet := world()
	outputs, failure := quiet.Run(plugin, inputs)
	calls := quiet.Functions()
	for call := 1; call <= len(calls); call++ {
		crashing := world()
		crashing.CrashAfter(call)
		got, failed := crashing.Run(plugin, inputs)
		if !reflect.DeepEqual(got, outputs) || !alike(failed, failure) {
			t.Errorf("after a crash at call %d (%s): %v, %v; without: %v, %v", call, calls[call-1], got, failed, outputs, failure)
		}
		if again := crashing.Functions(); !reflect.DeepEqual(again, calls) {
			t.Errorf("after a crash at call %d the calls were %v; without: %v", call, again, calls)
		}
	}
}

func alike(a, b *runwright.Failure) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.Message == b.Message && a.Retryable == b.Retryable
}
