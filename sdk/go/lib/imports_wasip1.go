package runwright

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"runwright/internal/bindings/runwright_plugin_approvals"
	"runwright/internal/bindings/runwright_plugin_aws"
	"runwright/internal/bindings/runwright_plugin_blobs"
	"runwright/internal/bindings/runwright_plugin_commands"
	"runwright/internal/bindings/runwright_plugin_executions"
	"runwright/internal/bindings/runwright_plugin_files"
	"runwright/internal/bindings/runwright_plugin_http"
	"runwright/internal/bindings/runwright_plugin_log"
	"runwright/internal/bindings/runwright_plugin_parameters"
	"runwright/internal/bindings/runwright_plugin_step"
	"runwright/internal/bindings/runwright_plugin_types"
	"runwright/internal/bindings/runwright_plugin_waits"
	wit "runwright/internal/wit/types"
)

// imports is the engine's world. The linker drops the methods that a plugin does not call, and their imports with them.
type imports struct{}

type wireError = runwright_plugin_types.Error

// answered is a result of the contract as Go has results.
func answered[T any](result wit.Result[T, wireError]) (T, error) {
	if result.IsErr() {
		var none T
		err := owned(errorOf(result.Err()))
		return none, &err
	}
	return owned(result.Ok()), nil
}

func done(result wit.Result[wit.Unit, wireError]) error {
	_, err := answered(result)
	return err
}

func errorOf(err wireError) Error {
	switch err.Tag() {
	case runwright_plugin_types.ErrorDenied:
		return *Denied(err.Denied().Capability, err.Denied().Missing)
	case runwright_plugin_types.ErrorNotFound:
		return Error{Kind: ErrNotFound, Message: err.NotFound()}
	case runwright_plugin_types.ErrorInvalid:
		return Error{Kind: ErrInvalid, Message: err.Invalid()}
	case runwright_plugin_types.ErrorThrottled:
		return Error{Kind: ErrThrottled, Message: err.Throttled()}
	case runwright_plugin_types.ErrorTimedOut:
		return Error{Kind: ErrTimedOut, Message: err.TimedOut()}
	case runwright_plugin_types.ErrorLimitExceeded:
		excess := err.LimitExceeded()
		return *LimitExceeded(excess.Which, excess.Limit, excess.Used)
	case runwright_plugin_types.ErrorUnavailable:
		return Error{Kind: ErrUnavailable, Message: err.Unavailable()}
	default:
		return Error{Kind: ErrUncertain, Message: err.Uncertain()}
	}
}

// some is none for the zero value, which in this package's types means that nothing was said.
func some[T comparable](value T) wit.Option[T] {
	var zero T
	if value == zero {
		return wit.None[T]()
	}
	return wit.Some(value)
}

func someBytes(value []byte) wit.Option[[]byte] {
	if value == nil {
		return wit.None[[]byte]()
	}
	return wit.Some(value)
}

func someMillis(d time.Duration) wit.Option[uint64] { return some(millisOf(d)) }

func someMoment(t time.Time) wit.Option[uint64] {
	if t.IsZero() {
		return wit.None[uint64]()
	}
	return wit.Some(millis(t))
}

func pair(name, value string) wit.Tuple2[string, string] {
	return wit.Tuple2[string, string]{F0: name, F1: value}
}

func headersTo(headers []Header) []wit.Tuple2[string, string] {
	pairs := make([]wit.Tuple2[string, string], len(headers))
	for i, header := range headers {
		pairs[i] = pair(header.Name, header.Value)
	}
	return pairs
}

func headersFrom(pairs []wit.Tuple2[string, string]) []Header {
	headers := make([]Header, len(pairs))
	for i, pair := range pairs {
		headers[i] = Header{pair.F0, pair.F1}
	}
	return headers
}

func (imports) Log(level Level, message string) {
	defer enter()()
	runwright_plugin_log.Write(uint8(level), plain(message))
}

func (imports) Progress(done, total uint64, message string) {
	defer enter()()
	runwright_plugin_log.Progress(done, total, plain(message))
}

func (imports) Now() time.Time { return time.Now() }

func (imports) Attachment(name string) ([]byte, bool) {
	defer enter()()
	contents := runwright_plugin_step.Attachment(name)
	return owned(contents.SomeOr(nil)), contents.IsSome()
}

func (imports) Globals() map[string]string {
	defer enter()()
	globals := map[string]string{}
	for _, pair := range owned(runwright_plugin_step.Globals()) {
		globals[pair.F0] = pair.F1
	}
	return globals
}

func (imports) RunCommand(on string, command Command) (Completed, error) {
	defer enter()()
	// Sorted, because a replay must ask the same.
	environment := make([]wit.Tuple2[string, string], 0, len(command.Environment))
	for name, value := range command.Environment {
		environment = append(environment, pair(name, value))
	}
	slices.SortFunc(environment, func(a, b wit.Tuple2[string, string]) int { return strings.Compare(a.F0, b.F0) })
	ended, err := answered(runwright_plugin_commands.Run(some(on), runwright_plugin_commands.Command{
		Arguments:        command.Arguments,
		Script:           some(command.Script),
		Stdin:            someBytes(command.Stdin),
		Environment:      environment,
		WorkingDirectory: some(command.WorkingDirectory),
		RunAs:            some(command.RunAs),
		TimeoutMs:        someMillis(command.Timeout),
	}))
	return Completed{
		ExitCode:   int(ended.ExitCode.SomeOr(-1)),
		Signal:     int(ended.Signal.SomeOr(0)),
		Stdout:     ended.Stdout,
		Stderr:     ended.Stderr,
		StdoutBlob: ended.StdoutBlob.SomeOr(""),
		StderrBlob: ended.StderrBlob.SomeOr(""),
		Duration:   time.Duration(ended.DurationMs) * time.Millisecond,
	}, err
}

func (imports) RunDocument(request string) (DocumentEnd, error) {
	defer enter()()
	end, err := answered(runwright_plugin_commands.RunDocument(request))
	nodes := make([]NodeEnd, len(end.Nodes))
	for i, node := range end.Nodes {
		nodes[i] = NodeEnd{node.Node, node.Status, int(node.ResponseCode), node.Stdout, node.Stderr}
	}
	return DocumentEnd{end.CommandId, end.Status, end.Details, end.Targets, end.Errors, nodes}, err
}

func (imports) ReadFile(on, path string) ([]byte, error) {
	defer enter()()
	return answered(runwright_plugin_files.Read(some(on), path))
}

func (imports) WriteFile(on, path string, contents []byte, options WriteOptions) error {
	defer enter()()
	how := runwright_plugin_files.WriteOptions{
		Mode:    some(options.Mode),
		Owner:   some(options.Owner),
		Group:   some(options.Group),
		Parents: options.Parents,
	}
	return done(runwright_plugin_files.Write(some(on), path, contents, how))
}

func factsFrom(facts wit.Option[runwright_plugin_files.Facts]) *Facts {
	if facts.IsNone() {
		return nil
	}
	f := facts.Some()
	return &Facts{
		Kind:     FileKind(f.Kind),
		Size:     f.Size,
		Mode:     f.Mode,
		Owner:    f.Owner,
		Group:    f.Group,
		Modified: moment(f.Modified),
		Link:     f.Link.SomeOr(""),
		SHA256:   f.Sha256.SomeOr(""),
	}
}

func factsTo(facts *Facts) wit.Option[runwright_plugin_files.Facts] {
	if facts == nil {
		return wit.None[runwright_plugin_files.Facts]()
	}
	return wit.Some(runwright_plugin_files.Facts{
		Kind:     runwright_plugin_files.Kind(facts.Kind),
		Size:     facts.Size,
		Mode:     facts.Mode,
		Owner:    facts.Owner,
		Group:    facts.Group,
		Modified: millis(facts.Modified),
		Link:     some(facts.Link),
		Sha256:   some(facts.SHA256),
	})
}

func (imports) Stat(on, path string) (*Facts, error) {
	defer enter()()
	facts, err := answered(runwright_plugin_files.Stat(some(on), path))
	return factsFrom(facts), err
}

func (imports) ListDirectory(on, path string) ([]string, error) {
	defer enter()()
	return answered(runwright_plugin_files.ListDirectory(some(on), path))
}

func (imports) MakeDirectory(on, path string, mode uint32) error {
	defer enter()()
	return done(runwright_plugin_files.MakeDirectory(some(on), path, some(mode)))
}

func (imports) Link(on, path, pointsTo string) error {
	defer enter()()
	return done(runwright_plugin_files.Link(some(on), path, pointsTo))
}

func (imports) Remove(on, path string) error {
	defer enter()()
	return done(runwright_plugin_files.Remove(some(on), path))
}

func (imports) Snapshot(on, path string) (Kept, error) {
	defer enter()()
	kept, err := answered(runwright_plugin_files.Snapshot(some(on), path))
	return Kept{kept.Path, factsFrom(kept.Before), kept.Contents.SomeOr("")}, err
}

func (imports) Restore(on string, kept Kept) error {
	defer enter()()
	snapshot := runwright_plugin_files.Kept{Path: kept.Path, Before: factsTo(kept.Before), Contents: some(kept.Contents)}
	return done(runwright_plugin_files.Restore(some(on), snapshot))
}

func (imports) Send(request Request) (Response, error) {
	defer enter()()
	response, err := answered(runwright_plugin_http.Send(runwright_plugin_http.Request{
		Method:    request.Method,
		Url:       request.URL,
		Headers:   headersTo(request.Headers),
		Body:      someBytes(request.Body),
		TimeoutMs: someMillis(request.Timeout),
		Redirects: request.Redirects,
	}))
	return Response{int(response.Status), headersFrom(response.Headers), response.Body}, err
}

func (imports) SendAWS(request AWSRequest) (Response, error) {
	defer enter()()
	response, err := answered(runwright_plugin_aws.Send(runwright_plugin_aws.Request{
		Service:     request.Service,
		Region:      some(request.Region),
		Host:        some(request.Host),
		Method:      request.Method,
		Path:        request.Path,
		Headers:     headersTo(request.Headers),
		Body:        request.Body,
		Credentials: some(request.Credentials),
		TimeoutMs:   someMillis(request.Timeout),
	}))
	return Response{int(response.Status), headersFrom(response.Headers), response.Body}, err
}

func parameterFrom(p runwright_plugin_parameters.Parameter) Parameter {
	return Parameter{
		Name:     p.Name,
		Type:     ParameterType(p.ParameterType),
		Value:    p.Value,
		Version:  p.Version,
		Modified: moment(p.Modified),
		Labels:   p.Labels,
	}
}

func parameter(result wit.Result[runwright_plugin_parameters.Parameter, wireError]) (Parameter, error) {
	p, err := answered(result)
	return parameterFrom(p), err
}

func parameters(result wit.Result[[]runwright_plugin_parameters.Parameter, wireError]) ([]Parameter, error) {
	found, err := answered(result)
	all := make([]Parameter, len(found))
	for i, p := range found {
		all[i] = parameterFrom(p)
	}
	return all, err
}

func (imports) Parameter(name string) (Parameter, error) {
	defer enter()()
	return parameter(runwright_plugin_parameters.Get(name))
}

func (imports) ParametersByPath(path string, recursive bool) ([]Parameter, error) {
	defer enter()()
	return parameters(runwright_plugin_parameters.GetByPath(path, recursive))
}

func (imports) PutParameter(name string, kind ParameterType, value NewValue, overwrite bool) (Parameter, error) {
	defer enter()()
	put := runwright_plugin_parameters.MakeNewValueGiven(value.Text)
	if value.Random > 0 {
		put = runwright_plugin_parameters.MakeNewValueGenerated(value.Random)
	}
	return parameter(runwright_plugin_parameters.Put(name, uint8(kind), put, overwrite))
}

func (imports) DeleteParameter(name string) error {
	defer enter()()
	return done(runwright_plugin_parameters.Delete(name))
}

func (imports) ParameterHistory(name string) ([]Parameter, error) {
	defer enter()()
	return parameters(runwright_plugin_parameters.History(name))
}

func (imports) LabelParameter(name string, version uint64, label string) error {
	defer enter()()
	return done(runwright_plugin_parameters.Label(name, version, label))
}

func (imports) Reveal(placeholder string) (string, error) {
	defer enter()()
	return answered(runwright_plugin_parameters.Reveal(placeholder))
}

func (imports) Ask(question Question) (Decision, error) {
	defer enter()()
	decision, err := answered(runwright_plugin_approvals.Request(runwright_plugin_approvals.Question{
		Message:   question.Message,
		Approvers: question.Approvers,
		Quorum:    question.Quorum,
		Deadline:  someMoment(question.Deadline),
	}))
	votes := make([]Vote, len(decision.Votes))
	for i, vote := range decision.Votes {
		votes[i] = Vote{vote.Approver, vote.Comment.SomeOr(""), vote.Approved, moment(vote.At)}
	}
	return Decision{decision.Approved, votes}, err
}

func (imports) Sleep(duration time.Duration) error {
	defer enter()()
	return done(runwright_plugin_waits.Sleep(millisOf(duration)))
}

func (imports) SleepUntil(moment time.Time) error {
	defer enter()()
	return done(runwright_plugin_waits.SleepUntil(millis(moment)))
}

func (imports) Signal(name string, deadline time.Time) (Received, error) {
	defer enter()()
	signal, err := answered(runwright_plugin_waits.Signal(name, someMoment(deadline)))
	return Received{signal.By, moment(signal.At), json.RawMessage(signal.Payload)}, err
}

func (imports) Probe(on string, condition Condition, patience Patience) (Probed, error) {
	defer enter()()
	probed, err := answered(runwright_plugin_waits.Probe(some(on), conditionTo(condition), runwright_plugin_waits.Patience{
		Deadline:       millis(patience.Deadline),
		IntervalMs:     millisOf(patience.Interval),
		BackoffPercent: patience.BackoffPercent,
		MaxIntervalMs:  millisOf(patience.MaxInterval),
	}))
	return Probed{probed.Probes, time.Duration(probed.WaitedMs) * time.Millisecond}, err
}

func conditionTo(c Condition) runwright_plugin_waits.Condition {
	switch c.kind {
	case ConditionTCP:
		return runwright_plugin_waits.MakeConditionTcp(wit.Tuple2[string, uint16]{F0: c.text, F1: c.number})
	case ConditionHTTP:
		address := wit.Tuple2[string, wit.Option[uint16]]{F0: c.text, F1: some(c.number)}
		return runwright_plugin_waits.MakeConditionHttp(address)
	case ConditionPath:
		return runwright_plugin_waits.MakeConditionFile(c.text)
	default:
		return runwright_plugin_waits.MakeConditionCommand(c.arguments)
	}
}

func (imports) PutBlob(contents []byte) (string, error) {
	defer enter()()
	return answered(runwright_plugin_blobs.Put(contents))
}

func (imports) Blob(name string, offset uint64, length uint32) ([]byte, error) {
	defer enter()()
	return answered(runwright_plugin_blobs.Get(name, offset, length))
}

func (imports) BlobSize(name string) (uint64, error) {
	defer enter()()
	return answered(runwright_plugin_blobs.Size(name))
}

func (imports) StartExecution(runbook, parameters string) (string, error) {
	defer enter()()
	request := runwright_plugin_executions.StartRequest{Runbook: runbook, Parameters: parameters}
	return answered(runwright_plugin_executions.Start(request))
}

func (imports) WaitExecution(id string) (Outcome, error) {
	defer enter()()
	outcome, err := answered(runwright_plugin_executions.Wait(id))
	return Outcome{outcome.Status, json.RawMessage(outcome.Outputs), outcome.Failure.SomeOr("")}, err
}
