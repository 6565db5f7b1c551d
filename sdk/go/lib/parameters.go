package runwright

import (
	"context"
	"time"
)

// ParameterType is what a parameter holds.
type ParameterType uint8

// The types of parameters.
const (
	// Plain: one text.
	Plain ParameterType = iota
	// TextList: texts, separated by commas.
	TextList
	// Secure: a secret.
	Secure
)

// Parameter is one version of a parameter.
type Parameter struct {
	// Name, for example /app/db/password.
	Name string
	// Type of it.
	Type ParameterType
	// Value; a placeholder for a secure one.
	Value string
	// Version, from 1, and when it was written.
	Version  uint64
	Modified time.Time
	// Labels on this version.
	Labels []string
}

// NewValue is a value to put: see Given and Generated.
type NewValue struct {
	// Text, which may hold placeholders.
	Text string
	// Random: if not 0, so many random characters that nobody has seen, instead of Text.
	Random uint32
}

// Given is this text.
func Given(text string) NewValue { return NewValue{Text: text} }

// Generated is so many random characters out of A-Z, a-z and 0-9, made by the engine.
func Generated(length uint32) NewValue { return NewValue{Random: length} }

// GetParameter reads a parameter: name, name:version or name:label.
func GetParameter(ctx context.Context, name string) (Parameter, error) {
	return worldOf(ctx).Parameter(name)
}

// GetParametersByPath reads what stands under a path, sorted by name; at most 1,000.
func GetParametersByPath(ctx context.Context, path string, recursive bool) ([]Parameter, error) {
	return worldOf(ctx).ParametersByPath(path, recursive)
}

// PutParameter writes a new version. Without overwrite, an existing parameter is ErrInvalid.
func PutParameter(ctx context.Context, name string, kind ParameterType, value NewValue, overwrite bool) (Parameter, error) {
	return worldOf(ctx).PutParameter(name, kind, value, overwrite)
}

// DeleteParameter deletes all versions. It succeeds when the parameter is not there.
func DeleteParameter(ctx context.Context, name string) error {
	return worldOf(ctx).DeleteParameter(name)
}

// ParameterHistory is all versions kept, oldest first.
func ParameterHistory(ctx context.Context, name string) ([]Parameter, error) {
	return worldOf(ctx).ParameterHistory(name)
}

// LabelParameter moves a label to a version.
func LabelParameter(ctx context.Context, name string, version uint64, label string) error {
	return worldOf(ctx).LabelParameter(name, version, label)
}

// Reveal is the value behind a placeholder. A grant of its own.
func Reveal(ctx context.Context, placeholder string) (string, error) {
	return worldOf(ctx).Reveal(placeholder)
}
