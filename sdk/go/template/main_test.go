package main

import (
	"testing"

	"runwright"
	"runwright/runwrighttest"
)

// The plugin in a world that only answers: no engine, no WebAssembly.
func world() *runwrighttest.World {
	world := runwrighttest.New()
	world.Commands = func(string, runwright.Command) (runwright.Completed, error) {
		return runwright.Completed{Stdout: "Linux\n"}, nil
	}
	return world
}

func TestItGreetsAndTakesItBack(t *testing.T) {
	world, in := world(), Inputs{Name: "Ada", Loud: true}
	outputs, failure := world.Run(plugin, in)
	if failure != nil || outputs["Greeting"] != "HELLO, ADA, FROM LINUX!" {
		t.Fatal(outputs, failure)
	}
	if failure := world.Rollback(plugin, in, outputs); failure != nil {
		t.Fatal(failure)
	}
	if _, there := world.File(path); there {
		t.Error("the greeting is still there")
	}
}

func TestADenialFailsTheStep(t *testing.T) {
	world := world()
	world.Refused["files.write"] = runwright.Denied("files", "files.write: ["+path+"]")
	if _, failure := world.Run(plugin, Inputs{Name: "Ada"}); failure == nil || failure.Kind != runwright.KindDenied {
		t.Error(failure)
	}
}

// The engine may stop at any call, and run the step again from its start: the same calls must follow.
func TestEveryCallMayBeTheLastBeforeAStop(t *testing.T) {
	runwrighttest.EachCrash(t, world, plugin, Inputs{Name: "Ada"})
}
