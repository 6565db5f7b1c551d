package runwright

import (
	"context"
	"time"
)

// Step is where a call stands.
type Step struct {
	// ExecutionID is the execution that the step belongs to.
	ExecutionID string
	// Name of the step.
	Name string
	// Visit of the step: 1, or more when a jump or a loop came back to it.
	Visit uint32
	// Attempt within the visit, from 1.
	Attempt uint32
	// IdempotencyKey stays the same when this attempt runs again after a crash, and differs between attempts.
	IdempotencyKey string
	// Deadline is when the step will be stopped; zero when it has no time limit.
	Deadline time.Time
	// TraceParent is the W3C trace context to hand on; "" when there is none.
	TraceParent string
}

type stepKey struct{}
type worldKey struct{}
type targetKey struct{}

// StepOf is where the call that was given this context stands.
func StepOf(ctx context.Context) Step {
	step, _ := ctx.Value(stepKey{}).(Step)
	return step
}

// On is a context whose commands, files and probes are those of this target. "" is the machine the engine runs on,
// which is also what counts without it.
func On(ctx context.Context, target string) context.Context {
	return context.WithValue(ctx, targetKey{}, target)
}

func targetOf(ctx context.Context) string {
	target, _ := ctx.Value(targetKey{}).(string)
	return target
}

// stepContext has the step's deadline. Nothing fires when it has passed: the engine stops the step.
type stepContext struct {
	context.Context
	step Step
}

func (c stepContext) Deadline() (time.Time, bool) { return c.step.Deadline, !c.step.Deadline.IsZero() }

func (c stepContext) Value(key any) any {
	if key == (stepKey{}) {
		return c.step
	}
	return c.Context.Value(key)
}

// WithStep is a context for a call of [Action], for tests and other hosts.
func WithStep(ctx context.Context, step Step) context.Context { return stepContext{ctx, step} }

// WithWorld is a context whose capability calls go to this world, for tests.
func WithWorld(ctx context.Context, world World) context.Context {
	return context.WithValue(ctx, worldKey{}, world)
}

// worldOf is the world of the context; a plugin that runs in the engine has the engine's.
func worldOf(ctx context.Context) World {
	if world, ok := ctx.Value(worldKey{}).(World); ok {
		return world
	}
	return outside()
}

func moment(ms uint64) time.Time { return time.UnixMilli(int64(ms)).UTC() }

func millis(t time.Time) uint64 { return uint64(max(0, t.UnixMilli())) }

func millisOf(d time.Duration) uint64 {
	return uint64(max(0, (d + time.Millisecond - 1).Milliseconds()))
}
