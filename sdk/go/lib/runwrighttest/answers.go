package runwrighttest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"runwright"
)

// nothing is the answer of a call that has none.
type nothing struct{}

func do(w *World, function string, request any, act func() error) error {
	_, err := call(w, function, request, func() (nothing, error) { return nothing{}, act() })
	return err
}

// Log keeps a line.
func (w *World) Log(_ runwright.Level, message string) { w.Lines = append(w.Lines, message) }

// Progress keeps a line.
func (w *World) Progress(done, total uint64, message string) {
	w.Lines = append(w.Lines, fmt.Sprintf("%d/%d: %s", done, total, message))
}

// Now is the clock.
func (w *World) Now() time.Time { return w.Clock }

// Attachment of the runbook.
func (w *World) Attachment(name string) ([]byte, bool) {
	contents, is := w.Attachments[name]
	return contents, is
}

// Globals of the runbook.
func (w *World) Globals() map[string]string { return w.GlobalValues }

// RunCommand answers as Commands says.
func (w *World) RunCommand(on string, command runwright.Command) (runwright.Completed, error) {
	return call(w, "commands.run", commandForm(on, command), func() (runwright.Completed, error) {
		if w.Commands == nil {
			return runwright.Completed{}, unscripted("the command " + strings.Join(command.Arguments, " "))
		}
		return w.Commands(on, command)
	})
}

// RunDocument answers as Documents says.
func (w *World) RunDocument(request string) (runwright.DocumentEnd, error) {
	asked := form{"commands": form{"run-document": form{"request": json.RawMessage(request)}}}
	return call(w, "commands.run-document", asked, func() (runwright.DocumentEnd, error) {
		if w.Documents == nil {
			return runwright.DocumentEnd{}, unscripted("a Command document")
		}
		return w.Documents(request)
	})
}

// Send answers as Requests says.
func (w *World) Send(request runwright.Request) (runwright.Response, error) {
	asked := form{"http": form{
		"method": request.Method, "url": request.URL, "headers": headersForm(request.Headers), "body": request.Body,
		"timeout_ms": positive(request.Timeout.Milliseconds()), "redirects": request.Redirects,
	}}
	return call(w, "http.send", asked, func() (runwright.Response, error) {
		if w.Requests == nil {
			return runwright.Response{}, unscripted(request.Method + " " + request.URL)
		}
		return w.Requests(request)
	})
}

// SendAWS answers as AWS says.
func (w *World) SendAWS(request runwright.AWSRequest) (runwright.Response, error) {
	asked := form{"aws": form{
		"service": request.Service, "region": optional(request.Region), "host": optional(request.Host),
		"method": request.Method, "path": request.Path, "headers": headersForm(request.Headers),
		"body": bytesForm(request.Body), "credentials": optional(request.Credentials),
		"timeout_ms": positive(request.Timeout.Milliseconds()),
	}}
	return call(w, "aws.send", asked, func() (runwright.Response, error) {
		if w.AWS == nil {
			return runwright.Response{}, unscripted("a request to " + request.Service)
		}
		return w.AWS(request)
	})
}

// Ask answers the next of Decisions.
func (w *World) Ask(question runwright.Question) (runwright.Decision, error) {
	asked := form{"approvals": form{
		"message": question.Message, "approvers": question.Approvers, "quorum": question.Quorum,
		"deadline": momentForm(question.Deadline),
	}}
	return call(w, "approvals.request", asked, func() (runwright.Decision, error) {
		return shift(&w.Decisions, "the question "+question.Message)
	})
}

func waits(function string, fields form) any { return form{"waits": form{function: fields}} }

// Sleep moves the clock.
func (w *World) Sleep(duration time.Duration) error {
	asked := waits("sleep", form{"duration_ms": duration.Milliseconds()})
	return do(w, "waits.sleep", asked, func() error {
		w.Clock = w.Clock.Add(duration)
		return nil
	})
}

// SleepUntil moves the clock.
func (w *World) SleepUntil(moment time.Time) error {
	return do(w, "waits.sleep-until", waits("sleep-until", form{"moment": moment.UnixMilli()}), func() error {
		if moment.After(w.Clock) {
			w.Clock = moment
		}
		return nil
	})
}

// Signal answers the next of Signals.
func (w *World) Signal(name string, deadline time.Time) (runwright.Received, error) {
	asked := waits("signal", form{"name": name, "deadline": momentForm(deadline)})
	return call(w, "waits.signal", asked, func() (runwright.Received, error) {
		return shift(&w.Signals, "the signal "+name)
	})
}

// Probe answers the next of Probes, and moves the clock by what it waited.
func (w *World) Probe(on string, condition runwright.Condition, patience runwright.Patience) (runwright.Probed, error) {
	asked := waits("probe", form{"on": optional(on), "probe": condition, "patience": form{
		"deadline": momentForm(patience.Deadline), "interval_ms": patience.Interval.Milliseconds(),
		"backoff_percent": patience.BackoffPercent, "max_interval_ms": patience.MaxInterval.Milliseconds(),
	}})
	return call(w, "waits.probe", asked, func() (runwright.Probed, error) {
		probed, err := shift(&w.Probes, "a probe of "+condition.String())
		w.Clock = w.Clock.Add(probed.Waited)
		return probed, err
	})
}

func blobForm(function string, fields form) any { return form{"blobs": form{function: fields}} }

// PutBlob keeps a blob.
func (w *World) PutBlob(contents []byte) (string, error) {
	return call(w, "blobs.put", blobForm("put", form{"contents": contents}), func() (string, error) {
		name := fmt.Sprintf("sha256:%x", sha256.Sum256(contents))
		w.blobs[name] = slices.Clone(contents)
		return name, nil
	})
}

// Blob reads a blob.
func (w *World) Blob(name string, offset uint64, length uint32) ([]byte, error) {
	asked := blobForm("get", form{"name": name, "offset": offset, "length": length})
	return call(w, "blobs.get", asked, func() ([]byte, error) {
		contents, is := w.blobs[name]
		if !is {
			return nil, notFound("there is no blob `%s`", name)
		}
		from := min(offset, uint64(len(contents)))
		return contents[from:min(from+uint64(length), uint64(len(contents)))], nil
	})
}

// BlobSize is how many bytes a blob has.
func (w *World) BlobSize(name string) (uint64, error) {
	return call(w, "blobs.size", blobForm("size", form{"name": name}), func() (uint64, error) {
		contents, is := w.blobs[name]
		if !is {
			return 0, notFound("there is no blob `%s`", name)
		}
		return uint64(len(contents)), nil
	})
}

// StartExecution starts a child.
func (w *World) StartExecution(runbook, parameters string) (string, error) {
	asked := form{"executions": form{"start": form{"runbook": runbook, "parameters": json.RawMessage(parameters)}}}
	return call(w, "executions.start", asked, func() (string, error) { return "00000000-0000-7000-8000-000000000001", nil })
}

// WaitExecution answers the next of Children.
func (w *World) WaitExecution(id string) (runwright.Outcome, error) {
	asked := form{"executions": form{"wait": form{"id": id}}}
	return call(w, "executions.wait", asked, func() (runwright.Outcome, error) {
		return shift(&w.Children, "the child execution "+id)
	})
}
