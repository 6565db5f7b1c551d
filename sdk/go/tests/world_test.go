package tests

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"runwright"
	"runwright/runwrighttest"
)

type none struct{}

type texts struct {
	Text string `json:"Text"`
}

func texting(run func(ctx context.Context) (string, error)) runwright.Plugin[none, texts] {
	return runwright.Plugin[none, texts]{
		Action: "test:world",
		Run: func(ctx context.Context, _ none) (texts, error) {
			text, err := run(ctx)
			return texts{text}, err
		},
	}
}

// everything makes a call of nearly each kind.
func everything(ctx context.Context) (string, error) {
	ctx = runwright.On(ctx, "node")
	if err := runwright.WriteFile(ctx, "/a/b", []byte("x"), runwright.WriteOptions{Parents: true}); err != nil {
		return "", err
	}
	kept, err := runwright.Snapshot(ctx, "/a/b")
	if err == nil {
		err = runwright.Remove(ctx, "/a/b")
	}
	if err == nil {
		err = runwright.Restore(ctx, kept)
	}
	facts, err2 := runwright.Stat(ctx, "/a/b")
	contents, err3 := runwright.ReadFile(ctx, "/a/b")
	names, err4 := runwright.ListDirectory(ctx, "/a")
	_, err5 := runwright.PutParameter(ctx, "/p/q", runwright.Secure, runwright.Generated(8), false)
	parameter, err6 := runwright.GetParameter(ctx, "/p/q:1")
	err7 := runwright.Sleep(ctx, time.Hour)
	ended, err8 := runwright.Run(ctx, runwright.Command{Arguments: []string{"date"}, Stdin: []byte(parameter.Value)})
	blob, err9 := runwright.PutBlob(ctx, contents)
	size, err10 := runwright.BlobSize(ctx, blob)
	signal, err11 := runwright.Signal(ctx, "go", time.Time{})
	all := errors.Join(err, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11)
	told, _ := json.Marshal([]any{facts.Size, names, ended.Stdout, size, signal.Payload, runwright.Now(ctx)})
	return string(told), all
}

func world() *runwrighttest.World {
	world := runwrighttest.New()
	world.Signals = []runwright.Received{{By: "kim", Payload: json.RawMessage(`{"go":1}`)}}
	world.Commands = func(on string, command runwright.Command) (runwright.Completed, error) {
		return runwright.Completed{Stdout: on + " " + string(command.Stdin)}, nil
	}
	return world
}

func TestTheWorldAnswers(t *testing.T) {
	outputs, failure := world().Run(texting(everything), none{})
	want := `[1,["b"],"node ((secret:/p/q:1))",1,{"go":1},"2026-01-01T01:00:00Z"]`
	if failure != nil || outputs["Text"] != want {
		t.Errorf("%v %v", failure, outputs["Text"])
	}
}

func TestEachCrashIsSurvived(t *testing.T) {
	runwrighttest.EachCrash(t, world, texting(everything), none{})
}

func TestAReplaySeesTheClockOfTheAnswers(t *testing.T) {
	runwrighttest.EachCrash(t, runwrighttest.New, texting(func(ctx context.Context) (string, error) {
		began := runwright.Now(ctx)
		err := runwright.Sleep(ctx, time.Hour)
		if err == nil {
			err = runwright.SleepUntil(ctx, began.Add(2*time.Hour))
		}
		return runwright.Now(ctx).Sub(began).String(), err
	}), none{})
}

func TestAReplayThatAsksForSomethingElseIsFound(t *testing.T) {
	world := runwrighttest.New()
	world.CrashAfter(1)
	round := time.Duration(0)
	defer func() {
		if differs, is := recover().(runwrighttest.NonDeterminism); !is || differs.Call != 1 {
			t.Errorf("%v", differs)
		}
	}()
	world.Run(texting(func(ctx context.Context) (string, error) {
		round++
		return "", runwright.Sleep(ctx, round*time.Second)
	}), none{})
}

func TestWhatIsRefusedDoesNothing(t *testing.T) {
	world := runwrighttest.New()
	world.Refused["files.write"] = runwright.Denied("files", "files.write: [/etc/x]")
	_, failure := world.Run(texting(func(ctx context.Context) (string, error) {
		return "", runwright.WriteFile(ctx, "/etc/x", nil, runwright.WriteOptions{})
	}), none{})
	if failure == nil || failure.Kind != runwright.KindDenied {
		t.Error(failure)
	}
	if _, is := world.File("/etc/x"); is {
		t.Error("it was written")
	}
}

func TestARollbackReadsTheJournal(t *testing.T) {
	undoes := texting(func(ctx context.Context) (string, error) {
		if _, err := runwright.Snapshot(ctx, "/etc/x"); err != nil {
			return "", err
		}
		return "", runwright.WriteFile(ctx, "/etc/x", []byte("new"), runwright.WriteOptions{})
	})
	undoes.Rollback = func(ctx context.Context, _ none, done runwright.Done) error {
		return runwright.PutBack(ctx, done)
	}
	world := runwrighttest.New()
	world.SetFile("/etc/x", "old")
	outputs, failure := world.Run(undoes, none{})
	if failure != nil {
		t.Fatal(failure)
	}
	if failure := world.Rollback(undoes, none{}, outputs); failure != nil {
		t.Fatal(failure)
	}
	if text, _ := world.File("/etc/x"); text != "old" {
		t.Error(text)
	}
}
