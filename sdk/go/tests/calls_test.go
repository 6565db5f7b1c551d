package tests

import (
	"context"
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	"runwright"
	"runwright/runwrighttest"
)

// What a world records is what the engine records: the file of calls is held against the engine's own types.
func TestCallsAreRecordedAsTheEngineDoes(t *testing.T) {
	text, err := os.ReadFile("../../behaviours/calls.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Function               string
		Request, Answer, Error any
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	world := scripted()
	makeCalls(t, world.Context())
	calls := world.Done(nil).Calls
	if len(calls) != len(want) {
		t.Fatalf("%d calls where the file has %d", len(calls), len(want))
	}
	for i, call := range calls {
		var request, answer, failed any
		for text, into := range map[string]*any{call.Request: &request, call.Answer: &answer, call.Failed: &failed} {
			if text != "" {
				if err := json.Unmarshal([]byte(text), into); err != nil {
					t.Fatal(err)
				}
			}
		}
		same := call.Function == want[i].Function && reflect.DeepEqual(request, want[i].Request)
		if !same || !reflect.DeepEqual(answer, want[i].Answer) || !reflect.DeepEqual(failed, want[i].Error) {
			t.Errorf("%+v\nwanted %+v", call, want[i])
		}
	}
}

func scripted() *runwrighttest.World {
	world := runwrighttest.New()
	world.SetParameter("/s", runwright.Secure, "hunter2")
	world.Commands = func(string, runwright.Command) (runwright.Completed, error) {
		return runwright.Completed{Duration: 5 * time.Millisecond}, nil
	}
	world.Documents = func(string) (runwright.DocumentEnd, error) {
		nodes := []runwright.NodeEnd{{Node: "i-1", Status: "Success"}}
		return runwright.DocumentEnd{CommandID: "command-1", Status: "Success", Details: "Success", Targets: 1, Nodes: nodes}, nil
	}
	world.Requests = func(runwright.Request) (runwright.Response, error) { return runwright.Response{Status: 200}, nil }
	world.AWS = func(runwright.AWSRequest) (runwright.Response, error) { return runwright.Response{Status: 200}, nil }
	vote := runwright.Vote{Approver: "kim", Approved: true, At: world.Clock}
	world.Decisions = []runwright.Decision{{Approved: true, Votes: []runwright.Vote{vote}}}
	at := time.UnixMilli(1767229205000)
	world.Signals = []runwright.Received{{By: "kim", At: at, Payload: json.RawMessage(`{"a":1}`)}}
	world.Probes = []runwright.Probed{{Probes: 3, Waited: 2 * time.Second}}
	world.Children = []runwright.Outcome{{Status: "Success", Outputs: json.RawMessage(`{"a.B":1}`)}}
	return world
}

func makeCalls(t *testing.T, ctx context.Context) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must2 := func(_ any, err error) { t.Helper(); must(err) }
	must2(runwright.Run(runwright.On(ctx, "web-1"), runwright.Command{
		Arguments: []string{"ls", "-l"}, Script: "x", Stdin: []byte("in"), Environment: map[string]string{"A": "1"},
		Timeout: 1500 * time.Millisecond,
	}))
	must2(runwright.RunDocument(ctx, map[string]any{"DocumentName": "AWS-RunShellScript", "Targets": []any{}}))
	must(runwright.MakeDirectory(ctx, "/srv", 0o700))
	must(runwright.WriteFile(ctx, "/srv/a", []byte("a"), runwright.WriteOptions{Mode: 0o600}))
	must2(runwright.ReadFile(ctx, "/srv/a"))
	must2(runwright.Stat(ctx, "/srv/a"))
	must2(runwright.ListDirectory(ctx, "/srv"))
	must(runwright.Link(ctx, "/srv/l", "a"))
	for _, path := range []string{"/srv/l", "/srv/none"} {
		kept, err := runwright.Snapshot(ctx, path)
		must(err)
		must(runwright.Restore(ctx, kept))
	}
	must(runwright.Remove(ctx, "/srv/l"))
	must2(runwright.Send(ctx, runwright.Request{
		Method: "POST", URL: "http://box.test/a", Headers: []runwright.Header{{Name: "A", Value: "b"}}, Body: []byte("b"),
		Timeout: 3 * time.Second, Redirects: 1,
	}))
	must2(runwright.SendAWS(ctx, runwright.AWSRequest{
		Service: "ec2", Method: "POST", Path: "/", Body: []byte("Action=DescribeInstances"),
	}))
	must2(runwright.PutParameter(ctx, "/a", runwright.Plain, runwright.Given("v"), true))
	must2(runwright.PutParameter(ctx, "/g", runwright.Secure, runwright.Generated(8), true))
	must(runwright.LabelParameter(ctx, "/a", 1, "live"))
	must2(runwright.GetParameter(ctx, "/a:live"))
	must2(runwright.GetParametersByPath(ctx, "/", true))
	must2(runwright.ParameterHistory(ctx, "/g"))
	must2(runwright.Reveal(ctx, "((secret:/s:1))"))
	must(runwright.DeleteParameter(ctx, "/g"))
	deadline := runwright.Now(ctx).Add(24 * time.Hour)
	must2(runwright.Ask(ctx, runwright.Question{Message: "Go on?", Approvers: []string{"*"}, Deadline: deadline}))
	must(runwright.Sleep(ctx, 5*time.Second))
	must(runwright.SleepUntil(ctx, time.UnixMilli(1767229205000)))
	must2(runwright.Signal(ctx, "go", time.Time{}))
	until := runwright.Now(ctx).Add(time.Minute)
	must2(runwright.Probe(ctx, runwright.TCP("db", 5432), runwright.Patience{Deadline: until, MaxInterval: time.Minute}))
	name, err := runwright.PutBlob(ctx, []byte("blob"))
	must(err)
	must2(runwright.Blob(ctx, name, 1, 2))
	must2(runwright.BlobSize(ctx, name))
	id, err := runwright.StartExecution(ctx, "child", map[string]any{"P": []int{1}})
	must(err)
	must2(runwright.WaitExecution(ctx, id))
	_, err = runwright.ReadFile(ctx, "/missing")
	_, err2 := runwright.GetParameter(ctx, "/missing")
	_, err3 := runwright.BlobSize(ctx, "/missing")
	if err == nil || err2 == nil || err3 == nil {
		t.Error("what is missing was found")
	}
}
