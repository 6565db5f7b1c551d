// {{action}} greets somebody from this machine, and writes the greeting into a file.
package main

import (
	"context"
	"fmt"
	"strings"

	"runwright"
)

// Inputs are what a step of a runbook gives.
type Inputs struct {
	Name string `json:"Name" desc:"Who is greeted." min:"1"`
	Loud bool   `json:"Loud,omitempty" desc:"Greet louder."`
}

// Outputs are what a step answers, and what other steps may refer to.
type Outputs struct {
	Greeting string `json:"Greeting" desc:"The greeting."`
}

var plugin = runwright.Plugin[Inputs, Outputs]{
	Action:      "{{action}}",
	Version:     "0.1.0",
	Description: "Greets somebody from this machine.",
	Impact:      runwright.Mutating,
	Wants: []runwright.Want{
		{Capability: "commands", Why: "Asks `uname -s` for the name of the system."},
		{Capability: "files", Why: "Writes the greeting to /tmp/{{name}}/greeting."},
	},
	Run:      run,
	Rollback: rollback,
}

func init() { plugin.Export() }

func main() {}

const path = "/tmp/{{name}}/greeting"

func run(ctx context.Context, in Inputs) (Outputs, error) {
	uname, err := runwright.Run(ctx, runwright.Command{Arguments: []string{"uname", "-s"}})
	if err != nil {
		return Outputs{}, err
	}
	if err := uname.Check("asking for the system's name"); err != nil {
		return Outputs{}, err
	}
	greeting := fmt.Sprintf("Hello, %s, from %s!", in.Name, strings.TrimSpace(uname.Stdout))
	if in.Loud {
		greeting = strings.ToUpper(greeting)
	}
	// The engine keeps what was there, so that a rollback can put it back.
	if _, err := runwright.Snapshot(ctx, path); err != nil {
		return Outputs{}, err
	}
	if err := runwright.WriteFile(ctx, path, []byte(greeting), runwright.WriteOptions{Parents: true}); err != nil {
		return Outputs{}, err
	}
	runwright.Log(ctx).Info("greeted", "name", in.Name)
	return Outputs{greeting}, nil
}

// rollback is also called when the step failed half-way: it goes by the calls that were made.
func rollback(ctx context.Context, _ Inputs, done runwright.Done) error {
	return runwright.PutBack(ctx, done)
}
