// The plugin test:behaviours: what plugins do alike in every language. sdk/behaviours/README.md says what each case is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"runwright"
)

// Inputs of a step.
type Inputs struct {
	Case     string          `json:"Case" desc:"Which behaviour."`
	Text     *string         `json:"Text,omitempty" desc:"A text."`
	Whole    *int64          `json:"Whole,omitempty" desc:"A whole number."`
	Fraction *float64        `json:"Fraction,omitempty" desc:"A number."`
	Flag     *bool           `json:"Flag,omitempty" desc:"True or false."`
	List     *[]string       `json:"List,omitempty" desc:"Texts."`
	Object   *map[string]any `json:"Object,omitempty" desc:"An object with any keys."`
}

// Outputs of a step.
type Outputs struct {
	Result   any             `json:"Result" desc:"What came of it."`
	Text     *string         `json:"Text,omitempty" desc:"The input."`
	Whole    *int64          `json:"Whole,omitempty" desc:"The input."`
	Fraction *float64        `json:"Fraction,omitempty" desc:"The input."`
	Flag     *bool           `json:"Flag,omitempty" desc:"The input."`
	List     *[]string       `json:"List,omitempty" desc:"The input."`
	Object   *map[string]any `json:"Object,omitempty" desc:"The input."`
}

var plugin = runwright.Plugin[Inputs, Outputs]{
	Action:      "test:behaviours",
	Version:     "1.0.0",
	Description: "Does what a plugin does alike in every language.",
	Impact:      runwright.Mutating,
	Wants: []runwright.Want{
		{Capability: "commands", Why: "Runs commands."},
		{Capability: "files", Why: "Writes and reads files."},
		{Capability: "http", Why: "Sends a request."},
		{Capability: "parameters", Why: "Puts and gets parameters."},
		{Capability: "approvals", Why: "Asks people."},
		{Capability: "waits", Why: "Sleeps, and waits for a signal."},
		{Capability: "blobs", Why: "Keeps a blob."},
		{Capability: "executions", Why: "Starts a child."},
		{Capability: "aws", Why: "Asks for regions."},
	},
	Run:      run,
	Rollback: rollback,
}

func init() { plugin.Export() }

func main() {}

// outputs are set by the cases that give back more than a result.
type behaviour func(ctx context.Context, in Inputs) (any, error)

var behaviours = map[string]behaviour{
	"echo":            func(context.Context, Inputs) (any, error) { return "echo", nil },
	"absent":          absent,
	"invalid":         invalid,
	"fails":           fails,
	"garbled":         garbled,
	"crashes":         func(context.Context, Inputs) (any, error) { panic("boom") },
	"command":         command,
	"command-exit":    commandExit,
	"denied":          denied,
	"denied-uncaught": deniedUncaught,
	"files":           files,
	"parameters":      parameters,
	"secret":          secret,
	"http":            http,
	"aws":             aws,
	"blobs":           blobs,
	"approval":        approval,
	"sleep":           sleep,
	"signal":          signal,
	"child":           child,
	"replay":          replay,
	"rollback":        keep,
	"logs":            logs,
	"large":           func(_ context.Context, in Inputs) (any, error) { return len(*in.Text), nil },
	"unicode":         unicode,
	"too-large":       func(context.Context, Inputs) (any, error) { return strings.Repeat("x", 2<<20), nil },
	"endless":         endless,
}

func run(ctx context.Context, in Inputs) (Outputs, error) {
	behave, known := behaviours[in.Case]
	if !known {
		return Outputs{}, runwright.Fail(runwright.InvalidInput, "there is no case `%s`", in.Case)
	}
	result, err := behave(ctx, in)
	out := Outputs{Result: result}
	switch in.Case {
	case "echo":
		out = Outputs{result, in.Text, in.Whole, in.Fraction, in.Flag, in.List, in.Object}
	case "large":
		out.Text = in.Text
	}
	return out, err
}

func rollback(ctx context.Context, in Inputs, done runwright.Done) error {
	var out Outputs
	if in.Case != "rollback" || !done.ReadOutputs(&out) || out.Result != "kept" {
		return nil
	}
	if err := runwright.Remove(ctx, "/tmp/behaviours/kept"); err != nil {
		return err
	}
	runwright.Log(ctx).Info(fmt.Sprintf("rolled back %d calls", len(done.Calls)))
	return nil
}

func absent(_ context.Context, in Inputs) (any, error) {
	if in.Text == nil {
		return "absent", nil
	}
	return "given", nil
}

func invalid(context.Context, Inputs) (any, error) {
	return nil, runwright.Fail(runwright.InvalidInput, "Text must not be empty")
}

func fails(ctx context.Context, _ Inputs) (any, error) {
	attempt := runwright.StepOf(ctx).Attempt
	if attempt == 1 {
		return nil, runwright.Fail(runwright.Failed, "attempt 1 failed").With(map[string]uint32{"attempt": attempt})
	}
	return fmt.Sprintf("attempt %d", attempt), nil
}

func garbled(ctx context.Context, _ Inputs) (any, error) {
	const text = "garbled: \xff"
	runwright.Log(ctx).Warn(text)
	return nil, errors.New(text)
}

func words(words ...string) runwright.Command { return runwright.Command{Arguments: words} }

func command(ctx context.Context, _ Inputs) (any, error) {
	ended, err := runwright.Run(ctx, words("uname", "-s"))
	return map[string]any{"exit": ended.ExitCode, "stdout": ended.Stdout}, err
}

func commandExit(ctx context.Context, _ Inputs) (any, error) {
	ended, err := runwright.Run(ctx, words("sh", "-c", "exit 3"))
	return ended.ExitCode, err
}

func denied(ctx context.Context, _ Inputs) (any, error) {
	_, err := runwright.Run(ctx, words("reboot"))
	var refused *runwright.Error
	if errors.Is(err, runwright.ErrDenied) && errors.As(err, &refused) {
		return refused.Missing, nil
	}
	return "not denied", err
}

func deniedUncaught(ctx context.Context, _ Inputs) (any, error) {
	_, err := runwright.Run(ctx, words("reboot"))
	return nil, err
}

func files(ctx context.Context, _ Inputs) (any, error) {
	const path = "/tmp/behaviours/note"
	if err := runwright.WriteFile(ctx, path, []byte("note"), runwright.WriteOptions{Parents: true}); err != nil {
		return nil, err
	}
	text, err := runwright.ReadFile(ctx, path)
	if err != nil {
		return nil, err
	}
	before, err := runwright.Stat(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := runwright.Remove(ctx, path); err != nil {
		return nil, err
	}
	after, err := runwright.Stat(ctx, path)
	return map[string]any{"text": string(text), "size": before.Size, "gone": after == nil}, err
}

func parameters(ctx context.Context, _ Inputs) (any, error) {
	const name = "/behaviours/one"
	if _, err := runwright.PutParameter(ctx, name, runwright.Plain, runwright.Given("one"), true); err != nil {
		return nil, err
	}
	parameter, err := runwright.GetParameter(ctx, name)
	return parameter.Value, err
}

func secret(ctx context.Context, _ Inputs) (any, error) {
	parameter, err := runwright.GetParameter(ctx, "/behaviours/secret")
	if err != nil {
		return nil, err
	}
	_, err = runwright.Run(ctx, runwright.Command{Arguments: []string{"cat"}, Stdin: []byte(parameter.Value)})
	return parameter.Value, err
}

func http(ctx context.Context, _ Inputs) (any, error) {
	response, err := runwright.Send(ctx, runwright.Request{URL: "http://box.test/hello"})
	return map[string]any{"status": response.Status, "body": string(response.Body)}, err
}

func aws(ctx context.Context, _ Inputs) (any, error) {
	response, err := runwright.SendAWS(ctx, runwright.AWSRequest{
		Service: "ec2",
		Region:  "eu-west-1",
		Method:  "POST",
		Path:    "/",
		Headers: []runwright.Header{{Name: "content-type", Value: "application/x-www-form-urlencoded"}},
		Body:    []byte("Action=DescribeRegions&Version=2016-11-15"),
	})
	return map[string]any{"status": response.Status, "body": string(response.Body)}, err
}

func blobs(ctx context.Context, in Inputs) (any, error) {
	name, err := runwright.PutBlob(ctx, []byte(*in.Text))
	if err != nil {
		return nil, err
	}
	contents, err := runwright.Blob(ctx, name, 0, 1<<20)
	return string(contents), err
}

func approval(ctx context.Context, _ Inputs) (any, error) {
	decision, err := runwright.Ask(ctx, runwright.Question{Message: "Go on?", Approvers: []string{"*"}})
	if err != nil {
		return nil, err
	}
	return map[string]any{"approved": decision.Approved, "by": decision.Votes[0].Approver}, nil
}

func sleep(ctx context.Context, _ Inputs) (any, error) {
	before := time.Now()
	err := runwright.Sleep(ctx, 2*time.Hour)
	return int(time.Since(before).Seconds()), err
}

func signal(ctx context.Context, _ Inputs) (any, error) {
	signal, err := runwright.Signal(ctx, "go", time.Time{})
	return json.RawMessage(signal.Payload), err
}

func child(ctx context.Context, in Inputs) (any, error) {
	id, err := runwright.StartExecution(ctx, *in.Text, nil)
	if err != nil {
		return nil, err
	}
	outcome, err := runwright.WaitExecution(ctx, id)
	return outcome.Status, err
}

func replay(ctx context.Context, _ Inputs) (any, error) {
	random := rand.IntN(1_000_000)
	stdouts := []string{}
	for _, word := range []string{"one", "two", "three"} {
		if word == "three" {
			if err := runwright.Sleep(ctx, time.Hour); err != nil {
				return nil, err
			}
		}
		ended, err := runwright.Run(ctx, words("echo", word, fmt.Sprint(random)))
		if err != nil {
			return nil, err
		}
		stdouts = append(stdouts, ended.Stdout)
	}
	return map[string]any{"stdouts": stdouts, "random": random}, nil
}

func keep(ctx context.Context, _ Inputs) (any, error) {
	err := runwright.WriteFile(ctx, "/tmp/behaviours/kept", []byte("kept"), runwright.WriteOptions{Parents: true})
	return "kept", err
}

func logs(ctx context.Context, _ Inputs) (any, error) {
	log := runwright.Log(ctx)
	log.Debug("a debug line")
	log.Info("an info line", "answer", 42)
	log.Warn("a warning")
	log.Error("an error")
	runwright.Progress(ctx, 1, 2, "half")
	runwright.Progress(ctx, 2, 2, "whole")
	return "logged", nil
}

func unicode(_ context.Context, in Inputs) (any, error) {
	return map[string]any{"text": *in.Text, "length": utf8.RuneCountInString(*in.Text)}, nil
}

func endless(context.Context, Inputs) (any, error) {
	for {
	}
}
