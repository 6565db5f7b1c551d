package runwright

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Command is a command to run. Only Arguments must be given.
type Command struct {
	// Arguments: the program and its arguments. The program is looked up in the target's PATH when it holds no slash.
	// Never put a secret here: arguments are visible to every process of the machine.
	Arguments []string
	// Script becomes a private file in memory, whose path is added as the last argument.
	Script string
	// Stdin is what the command reads. Secret placeholders in it are replaced on the target.
	Stdin []byte
	// Environment is added to a small fixed one. Secret placeholders in values are replaced on the target.
	Environment map[string]string
	// WorkingDirectory: an absolute path; the target's root directory when "".
	WorkingDirectory string
	// RunAs: a user name on the target; the engine's own user when "".
	RunAs string
	// Timeout ends the command and all its children. Zero: only the step's own time limit counts.
	Timeout time.Duration
}

// Completed is how a command ended. One that ran and failed is an answer, not an error.
type Completed struct {
	// ExitCode is -1 when a signal ended it.
	ExitCode int
	// Signal that ended it, or 0.
	Signal int
	// Stdout and Stderr as text. Only the first 48 KiB and the last 16 KiB of a longer one, with a line between them
	// that says so.
	Stdout, Stderr string
	// StdoutBlob and StderrBlob have the whole when Stdout or Stderr was cut.
	StdoutBlob, StderrBlob string
	// Duration it ran.
	Duration time.Duration
}

// Check is a failure that says what was being done, how the command ended and its last words, unless it exited with 0.
func (c Completed) Check(doing string) error {
	how := fmt.Sprintf("exit code %d", c.ExitCode)
	switch {
	case c.Signal != 0:
		how = fmt.Sprintf("signal %d", c.Signal)
	case c.ExitCode == 0:
		return nil
	}
	return Fail(Failed, "%s ended with %s: %s", doing, how, c.lastWords())
}

// lastWords are the end of what it wrote to standard error, or to standard output when there is nothing.
func (c Completed) lastWords() string {
	const most = 500
	said := strings.TrimSpace(c.Stderr)
	if said == "" {
		said = strings.TrimSpace(c.Stdout)
	}
	switch letters := []rune(said); {
	case said == "":
		return "it wrote nothing"
	case len(letters) > most:
		return "…" + string(letters[len(letters)-most:])
	default:
		return said
	}
}

// NodeEnd is how a Command document of Systems Manager ended on one managed node.
type NodeEnd struct {
	// Node is the node's id, and Status in the words of the service.
	Node, Status string
	// ResponseCode is the exit code; -1 when there is none.
	ResponseCode int
	// Stdout and Stderr of the document's one step; nothing when it has several.
	Stdout, Stderr string
}

// DocumentEnd is how a Command document ended. One that ran and failed is an answer, not an error.
type DocumentEnd struct {
	// CommandID, Status and Details in the words of the service.
	CommandID, Status, Details string
	// Targets: for how many nodes it was. Errors: on how many it failed.
	Targets, Errors uint32
	// Nodes: the only one, or those on which it did not end well: at most 50.
	Nodes []NodeEnd
}

// Run runs a command and waits for its end. Its output goes to the step's log line by line while it runs. The error is
// ErrNotFound for an unknown target or program, ErrTimedOut when it had to be ended, ErrUncertain when nobody knows how
// it ended. When the engine is killed meanwhile, the command goes on and is found again.
func Run(ctx context.Context, command Command) (Completed, error) {
	return worldOf(ctx).RunCommand(targetOf(ctx), command)
}

// RunDocument has Systems Manager run a Command document on its managed nodes, and waits for the end there. The request
// becomes that of SendCommand as JSON, with the names of the service.
func RunDocument(ctx context.Context, request any) (DocumentEnd, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return DocumentEnd{}, fmt.Errorf("the request of the document: %w", err)
	}
	return worldOf(ctx).RunDocument(string(text))
}
