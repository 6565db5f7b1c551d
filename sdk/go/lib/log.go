package runwright

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
)

// Level is how much a line of the log matters.
type Level uint8

// The levels.
const (
	// Debug is for the plugin's author.
	Debug Level = iota
	// Info is for whoever follows the execution.
	Info
	// Warn: something is odd.
	Warn
	// ErrorLevel: something failed.
	ErrorLevel
)

// Progress says how far the step is: done of total (0: unknown), and what it does now.
func Progress(ctx context.Context, done, total uint64, message string) {
	worldOf(ctx).Progress(done, total, message)
}

// Log writes into the step's log, as log/slog does: lines with fields. Lines written again in a replay are dropped.
func Log(ctx context.Context) *slog.Logger {
	lines := &lines{world: worldOf(ctx)}
	text := slog.NewTextHandler(&lines.text, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutHead})
	return slog.New(handler{text, lines})
}

// withoutHead leaves time, level and message out of the text: the engine has the first two, and the third stands before.
func withoutHead(groups []string, field slog.Attr) slog.Attr {
	if len(groups) == 0 && (field.Key == slog.TimeKey || field.Key == slog.LevelKey || field.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return field
}

type lines struct {
	world World
	text  bytes.Buffer
}

type handler struct {
	slog.Handler
	lines *lines
}

func (h handler) Handle(ctx context.Context, record slog.Record) error {
	h.lines.text.Reset()
	if err := h.Handler.Handle(ctx, record); err != nil {
		return err
	}
	fields := strings.TrimSpace(h.lines.text.String())
	h.lines.world.Log(levelOf(record.Level), strings.TrimSpace(record.Message+" "+fields))
	return nil
}

func (h handler) WithAttrs(fields []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(fields), h.lines}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.lines}
}

func levelOf(level slog.Level) Level {
	switch {
	case level < slog.LevelInfo:
		return Debug
	case level < slog.LevelWarn:
		return Info
	case level < slog.LevelError:
		return Warn
	default:
		return ErrorLevel
	}
}

// Attachment is one of the runbook's, by the name it has under files. False: there is none with a checksum.
func Attachment(ctx context.Context, name string) ([]byte, bool) {
	return worldOf(ctx).Attachment(name)
}

// Globals are the values that runbooks name global:… : REGION, ACCOUNT_ID and AWS_PARTITION.
func Globals(ctx context.Context) map[string]string { return worldOf(ctx).Globals() }
