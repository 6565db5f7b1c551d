package runwright

import (
	"encoding/json"
	"strings"
)

// Call is a capability call that a step made.
type Call struct {
	// Function is the interface and function, for example files.snapshot.
	Function string
	// Request and Answer as JSON. Answer is "" when the call failed or the engine stopped before it came.
	Request, Answer string
	// Failed is the error as JSON, "" when it did not fail.
	Failed string
}

// Done is what a step did, for its rollback.
type Done struct {
	// Outputs is a JSON object when the step ended well, "" when it failed half-way.
	Outputs string
	// Calls are all it made, in order, over all its attempts.
	Calls []Call
}

// ReadOutputs reads the outputs into a pointer. False: the step did not end well, or they do not fit.
func (d Done) ReadOutputs(into any) bool {
	return d.Outputs != "" && json.Unmarshal([]byte(d.Outputs), into) == nil
}

// CallsOf are the calls of one function, for example parameters.put, in order.
func (d Done) CallsOf(function string) []Call {
	var calls []Call
	for _, call := range d.Calls {
		if call.Function == function {
			calls = append(calls, call)
		}
	}
	return calls
}

// ReadRequest reads what was asked, the fields of the function's request, into a pointer. False: it does not fit.
func (c Call) ReadRequest(into any) bool { return read(c.Function, c.Request, into) }

// ReadAnswer reads what was answered into a pointer. False: the call failed, never ended, or it does not fit.
func (c Call) ReadAnswer(into any) bool { return read(c.Function, c.Answer, into) }

// MayHaveHappened tells whether the call may have had its effect: unless the engine said that it did not.
func (c Call) MayHaveHappened() bool {
	if c.Failed == "" {
		return true
	}
	var kinds map[string]json.RawMessage
	if json.Unmarshal([]byte(c.Failed), &kinds) != nil {
		return true
	}
	for _, kind := range []string{"uncertain", "unavailable", "timed-out"} {
		if _, is := kinds[kind]; is {
			return true
		}
	}
	return false
}

// read unwraps the capability's name and the function's or answer's. http, aws and approvals have one function each, and
// no second wrapping.
func read(function, text string, into any) bool {
	inner := onlyValue(json.RawMessage(text))
	switch capability, _, _ := strings.Cut(function, "."); capability {
	case "http", "aws", "approvals":
	default:
		inner = onlyValue(inner)
	}
	return inner != nil && json.Unmarshal(inner, into) == nil
}

func onlyValue(text json.RawMessage) json.RawMessage {
	var wrapping map[string]json.RawMessage
	if len(text) == 0 || json.Unmarshal(text, &wrapping) != nil || len(wrapping) != 1 {
		return nil
	}
	for _, inner := range wrapping {
		return inner
	}
	return nil
}
