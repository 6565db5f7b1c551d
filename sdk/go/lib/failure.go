package runwright

import (
	"errors"
	"fmt"
)

// Why a capability did not do what it was asked: for errors.Is. Each is the kind of an [*Error].
var (
	// ErrDenied: the operator has not granted it.
	ErrDenied = errors.New("denied")
	// ErrNotFound: the thing named does not exist: a path, a parameter, a target, a program.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: the request makes no sense; the same request will never work.
	ErrInvalid = errors.New("invalid")
	// ErrThrottled: too many requests; the same may work later.
	ErrThrottled = errors.New("throttled")
	// ErrTimedOut: the time given was over first.
	ErrTimedOut = errors.New("timed out")
	// ErrLimitExceeded: a limit of the engine. Nothing was done.
	ErrLimitExceeded = errors.New("limit exceeded")
	// ErrUnavailable: the other side failed or could not be reached; the same may work later.
	ErrUnavailable = errors.New("unavailable")
	// ErrUncertain: the engine stopped while the effect was under way, and nobody can know whether it happened.
	ErrUncertain = errors.New("uncertain")
)

// Error is why a capability did not do what it was asked.
type Error struct {
	// Kind is one of ErrDenied to ErrUncertain.
	Kind error
	// Message is a complete sentence for people.
	Message string
	// Capability that was tried, and the grant that is Missing in the form an operator writes it: of ErrDenied.
	Capability, Missing string
	// Which limit, its value, and what was asked for: of ErrLimitExceeded.
	Which       string
	Limit, Used uint64
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap is the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Denied is the error of a missing grant.
func Denied(capability, missing string) *Error {
	message := fmt.Sprintf("`%s` is not granted: add the grant `%s` to the plugin's `grants`", capability, missing)
	return &Error{Kind: ErrDenied, Message: message, Capability: capability, Missing: missing}
}

// LimitExceeded is the error of a limit that was reached.
func LimitExceeded(which string, limit, used uint64) *Error {
	const format = "limit `%s` exceeded: %d of at most %d; raise it in the engine's limits or ask for less"
	message := fmt.Sprintf(format, which, used, limit)
	return &Error{Kind: ErrLimitExceeded, Message: message, Which: which, Limit: limit, Used: used}
}

// Kind is why a step failed, as the runbook's onFailure and retries see it.
type Kind uint8

// The kinds of failures.
const (
	// InvalidInput: the inputs are wrong: found before anything was done.
	InvalidInput Kind = iota
	// Failed: what was done did not work.
	Failed
	// Verification: what was done worked, but the result is not what was wanted.
	Verification
	// KindDenied: a grant or a permission is missing.
	KindDenied
	// Throttled: too many requests.
	Throttled
	// TimedOut: the time was over.
	TimedOut
	// KindLimitExceeded: a limit was reached.
	KindLimitExceeded
	// Uncertain: nobody knows whether it happened.
	Uncertain
	// Rejected: a person said no.
	Rejected
)

// String is the kind as wit/ writes it.
func (k Kind) String() string {
	names := [...]string{
		"invalid-input", "failed", "verification", "denied", "throttled", "timed-out", "limit-exceeded", "uncertain",
		"rejected",
	}
	return names[k]
}

func (k Kind) retryable() bool {
	switch k {
	case InvalidInput, KindDenied, Uncertain, Rejected:
		return false
	default:
		return true
	}
}

// Failure is a step's failure with everything that a runbook can see of it. Run may return any error; a Failure (also
// wrapped) decides about its kind, and another error is Failed and may be tried again.
type Failure struct {
	// Kind of it.
	Kind Kind
	// Message says what happened, where, why and what to do.
	Message string
	// Retryable: whether another attempt can help.
	Retryable bool
	// Details, if not nil, become a JSON object.
	Details any
	cause   error
}

// Fail is a failure of this kind, formatted as fmt.Errorf does. It may be tried again unless the kind says that this
// is no use.
func Fail(kind Kind, format string, args ...any) *Failure {
	err := fmt.Errorf(format, args...)
	return &Failure{Kind: kind, Message: err.Error(), Retryable: kind.retryable(), cause: errors.Unwrap(err)}
}

// Error is the message.
func (f *Failure) Error() string { return f.Message }

// Unwrap is the error that was formatted with %w, if one was.
func (f *Failure) Unwrap() error { return f.cause }

// With is the same with details, which must become a JSON object.
func (f *Failure) With(details any) *Failure {
	with := *f
	with.Details = details
	return &with
}

// ForGood is the same, never tried again.
func (f *Failure) ForGood() *Failure {
	final := *f
	final.Retryable = false
	return &final
}

// FailureOf is what the engine is told of an error: its kind, its whole text, and whether to try again.
func FailureOf(err error) *Failure {
	var failure *Failure
	if errors.As(err, &failure) {
		whole := *failure
		whole.Message = err.Error()
		return &whole
	}
	kind, retryable := kindOf(err)
	return &Failure{Kind: kind, Message: err.Error(), Retryable: retryable, cause: err}
}

func kindOf(err error) (Kind, bool) {
	switch {
	case errors.Is(err, ErrDenied):
		return KindDenied, false
	case errors.Is(err, ErrInvalid):
		return Failed, false
	case errors.Is(err, ErrThrottled):
		return Throttled, true
	case errors.Is(err, ErrTimedOut):
		return TimedOut, true
	case errors.Is(err, ErrLimitExceeded):
		return KindLimitExceeded, true
	case errors.Is(err, ErrUncertain):
		return Uncertain, false
	default:
		return Failed, true
	}
}
