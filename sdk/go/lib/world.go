package runwright

import "time"

// World is everything that a plugin can ask of the engine: a method for each function of wit/. Plugins call the
// functions of this package, which find the world in the context; tests give one of package runwrighttest.
//
// on is the target, "" for the machine the engine runs on. Every error is an [*Error].
type World interface {
	Log(level Level, message string)
	Progress(done, total uint64, message string)
	Now() time.Time
	Attachment(name string) ([]byte, bool)
	Globals() map[string]string

	RunCommand(on string, command Command) (Completed, error)
	RunDocument(request string) (DocumentEnd, error)

	ReadFile(on, path string) ([]byte, error)
	WriteFile(on, path string, contents []byte, options WriteOptions) error
	Stat(on, path string) (*Facts, error)
	ListDirectory(on, path string) ([]string, error)
	MakeDirectory(on, path string, mode uint32) error
	Link(on, path, pointsTo string) error
	Remove(on, path string) error
	Snapshot(on, path string) (Kept, error)
	Restore(on string, kept Kept) error

	Send(request Request) (Response, error)
	SendAWS(request AWSRequest) (Response, error)

	Parameter(name string) (Parameter, error)
	ParametersByPath(path string, recursive bool) ([]Parameter, error)
	PutParameter(name string, kind ParameterType, value NewValue, overwrite bool) (Parameter, error)
	DeleteParameter(name string) error
	ParameterHistory(name string) ([]Parameter, error)
	LabelParameter(name string, version uint64, label string) error
	Reveal(placeholder string) (string, error)

	Ask(question Question) (Decision, error)
	Sleep(duration time.Duration) error
	SleepUntil(moment time.Time) error
	Signal(name string, deadline time.Time) (Received, error)
	Probe(on string, condition Condition, patience Patience) (Probed, error)

	PutBlob(contents []byte) (string, error)
	Blob(name string, offset uint64, length uint32) ([]byte, error)
	BlobSize(name string) (uint64, error)

	StartExecution(runbook, parameters string) (string, error)
	WaitExecution(id string) (Outcome, error)
}
