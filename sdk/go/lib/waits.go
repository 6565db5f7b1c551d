package runwright

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Question is what is asked of people.
type Question struct {
	// Message says what is to be approved, in at most 4,096 characters.
	Message string
	// Approvers may decide: user names, or * for everyone who may use this engine.
	Approvers []string
	// Quorum: how many must approve; 1 when 0. One rejection decides at once.
	Quorum uint32
	// Deadline; no limit when zero.
	Deadline time.Time
}

// Vote is one person's word.
type Vote struct {
	// Approver and what they said with it.
	Approver, Comment string
	// Approved or rejected.
	Approved bool
	// At this moment.
	At time.Time
}

// Decision is what was decided.
type Decision struct {
	// Approved: whether the quorum did.
	Approved bool
	// Votes in order.
	Votes []Vote
}

// Ask asks people and waits. The wait is durable: no instance exists while they think. ErrTimedOut after the deadline.
func Ask(ctx context.Context, question Question) (Decision, error) {
	question.Quorum = max(1, question.Quorum)
	return worldOf(ctx).Ask(question)
}

// Received is a signal that a person or a program sent.
type Received struct {
	// By whom and when.
	By string
	At time.Time
	// Payload: a JSON value.
	Payload json.RawMessage
}

// Condition is what is to come true: one of TCP, HTTP, Path and CommandSucceeds.
type Condition struct {
	kind      ConditionKind
	text      string
	number    uint16
	arguments []string
}

// ConditionKind tells conditions apart.
type ConditionKind uint8

// The kinds of conditions.
const (
	ConditionTCP ConditionKind = iota
	ConditionHTTP
	ConditionPath
	ConditionCommand
)

// TCP: a port accepts connections.
func TCP(host string, port uint16) Condition {
	return Condition{kind: ConditionTCP, text: host, number: port}
}

// HTTP: a GET of this address answers with this status; any 2xx when 0.
func HTTP(url string, status uint16) Condition {
	return Condition{kind: ConditionHTTP, text: url, number: status}
}

// Path: a path exists.
func Path(path string) Condition { return Condition{kind: ConditionPath, text: path} }

// CommandSucceeds: a command, program and arguments, ends with exit code 0.
func CommandSucceeds(arguments ...string) Condition {
	return Condition{kind: ConditionCommand, arguments: arguments}
}

// String is the condition for people: tcp db:5432, an address, a path, a command.
func (c Condition) String() string {
	switch c.kind {
	case ConditionTCP:
		return fmt.Sprintf("tcp %s:%d", c.text, c.number)
	case ConditionCommand:
		return fmt.Sprint(c.arguments)
	default:
		return c.text
	}
}

// MarshalJSON is the condition as the journal has it.
func (c Condition) MarshalJSON() ([]byte, error) {
	switch c.kind {
	case ConditionTCP:
		return json.Marshal(map[string]any{"tcp": map[string]any{"host": c.text, "port": c.number}})
	case ConditionHTTP:
		status := any(c.number)
		if c.number == 0 {
			status = nil
		}
		return json.Marshal(map[string]any{"http": map[string]any{"url": c.text, "status": status}})
	case ConditionPath:
		return json.Marshal(map[string]any{"file": map[string]any{"path": c.text}})
	default:
		return json.Marshal(map[string]any{"command": map[string]any{"arguments": c.arguments}})
	}
}

// Patience is how to wait for a probe.
type Patience struct {
	// Deadline: until when.
	Deadline time.Time
	// Interval: pause after the first failed probe; one second when zero.
	Interval time.Duration
	// BackoffPercent: each pause is this many hundredths of the one before; 100, all alike, when 0.
	BackoffPercent uint32
	// MaxInterval: the longest pause; Interval when zero.
	MaxInterval time.Duration
}

// Probed is how a wait for a probe went.
type Probed struct {
	// Probes: how often was tried.
	Probes uint32
	// Waited: how long in all.
	Waited time.Duration
}

// Sleep waits this long, durably.
func Sleep(ctx context.Context, duration time.Duration) error { return worldOf(ctx).Sleep(duration) }

// SleepUntil waits until a moment, and returns at once when it has passed.
func SleepUntil(ctx context.Context, moment time.Time) error { return worldOf(ctx).SleepUntil(moment) }

// Signal waits for a signal of this name for this step. ErrTimedOut after the deadline; a zero deadline is none.
func Signal(ctx context.Context, name string, deadline time.Time) (Received, error) {
	return worldOf(ctx).Signal(name, deadline)
}

// Probe probes until it comes true. ErrTimedOut with the last reason after the deadline. It needs the grant that the
// probe itself needs: commands, files or http.
func Probe(ctx context.Context, condition Condition, patience Patience) (Probed, error) {
	if patience.Interval == 0 {
		patience.Interval = time.Second
	}
	if patience.BackoffPercent == 0 {
		patience.BackoffPercent = 100
	}
	patience.MaxInterval = max(patience.MaxInterval, patience.Interval)
	return worldOf(ctx).Probe(targetOf(ctx), condition, patience)
}

// Now is the time: that of the last answered call, so that a replay sees the same. In the engine time.Now is the same.
func Now(ctx context.Context) time.Time { return worldOf(ctx).Now() }
