// Package runwright is for writing Runwright plugins in Go.
//
// A plugin provides one action of the runbook language. It is a program with an empty main, whose init exports a
// [Plugin]: two structs for inputs and outputs, and a function.
//
//	type Inputs struct {
//		Service string `json:"Service" desc:"The unit's name."`
//	}
//
//	type Outputs struct {
//		Active bool `json:"Active" desc:"Whether it is active."`
//	}
//
//	var plugin = runwright.Plugin[Inputs, Outputs]{
//		Action:      "acme:serviceStatus",
//		Version:     "0.1.0",
//		Description: "Asks systemd whether a service is active.",
//		Impact:      runwright.NonMutating,
//		Wants:       []runwright.Want{{Capability: "commands", Why: "Runs `systemctl is-active`."}},
//		Run:         run,
//	}
//
//	func init() { plugin.Export() }
//
//	func main() {}
//
//	func run(ctx context.Context, in Inputs) (Outputs, error) {
//		ended, err := runwright.Run(ctx, runwright.Command{Arguments: []string{"systemctl", "is-active", in.Service}})
//		return Outputs{Active: ended.ExitCode == 0}, err
//	}
//
// # What to keep in mind
//
// Run may be called again from its start, after a crash or a wait. Calls that were answered are answered again from the
// journal, so make the same calls in the same order for the same inputs and answers. The clock and random numbers are
// replayed too; the order in which Go walks a map is random, and so the same, but sort keys before you make a call for
// each.
//
// A refused capability is an error like any other: errors.Is(err, [ErrDenied]), and errors.As gives the [*Error] that
// names the missing grant. Returned as it is, it fails the step as denied.
//
// A secret is a placeholder. Put it into standard input, environment, a file's contents, headers or a body; the engine
// puts the value in its place there. Never put it into the arguments of a command.
//
// A panic becomes a failure with its text and place. A panic in another goroutine ends the instance: the step fails with the
// end of what Go wrote about it, and all of it is in the step's log.
//
// Goroutines work, and so does time.Sleep: when all of them wait, the step waits as [Sleep] does, and needs the same grant.
//
// # Tests
//
// Everything runs natively too: package runwrighttest has a world in memory, with a clock that only waits move and a
// crash at any call.
package runwright
