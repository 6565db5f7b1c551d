package runwright

import (
	"context"
	"encoding/json"
	"fmt"
)

// PutBlob keeps bytes, at most 64 MiB, in the engine's store and is their name.
func PutBlob(ctx context.Context, contents []byte) (string, error) {
	return worldOf(ctx).PutBlob(contents)
}

// Blob reads up to length bytes (at most 8 MiB) from offset. Fewer at the end.
func Blob(ctx context.Context, name string, offset uint64, length uint32) ([]byte, error) {
	return worldOf(ctx).Blob(name, offset, length)
}

// BlobSize is how many bytes a blob has.
func BlobSize(ctx context.Context, name string) (uint64, error) { return worldOf(ctx).BlobSize(name) }

// Outcome is how a child execution ended.
type Outcome struct {
	// Status: Success, Failed, TimedOut, Cancelled, RolledBack or RollbackFailed.
	Status string
	// Outputs: a JSON object of step.output to value.
	Outputs json.RawMessage
	// Failure: why it did not end well.
	Failure string
}

// StartExecution starts a child of this runbook and is its id. The parameters become a JSON object; nil is none. The
// same call after a crash finds the same child.
func StartExecution(ctx context.Context, runbook string, parameters any) (string, error) {
	if parameters == nil {
		parameters = struct{}{}
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		return "", fmt.Errorf("the parameters of %s: %w", runbook, err)
	}
	return worldOf(ctx).StartExecution(runbook, string(text))
}

// WaitExecution waits for a child's end, durably.
func WaitExecution(ctx context.Context, id string) (Outcome, error) {
	return worldOf(ctx).WaitExecution(id)
}
