package runwright

import (
	"context"
	"fmt"
	"time"
)

// FileKind is what a path is.
type FileKind uint8

// The kinds of paths.
const (
	File FileKind = iota
	Directory
	Symlink
	// OtherKind is anything else: a socket, a device, a pipe.
	OtherKind
)

// Facts of a path. Symbolic links are not followed.
type Facts struct {
	// Kind of the path.
	Kind FileKind
	// Size in bytes.
	Size uint64
	// Mode: permission bits, for example 0o644.
	Mode uint32
	// Owner's and group's names, or numbers as text when they have none.
	Owner, Group string
	// Modified: when its contents last changed.
	Modified time.Time
	// Link: where a symbolic link points.
	Link string
	// SHA256 of the contents in hexadecimal, for a regular file of at most 64 MiB.
	SHA256 string
}

// WriteOptions say how a file is to be written.
type WriteOptions struct {
	// Mode: permission bits. Zero: those of the file replaced, else 0o644.
	Mode uint32
	// Owner and Group: names or numbers. "": those of the file replaced, else the engine's.
	Owner, Group string
	// Parents: make missing folders above it.
	Parents bool
}

// Kept is what stood at a path, kept by the engine so that it can be put back.
type Kept struct {
	// Path of it.
	Path string
	// Before is what was there; nil when nothing was.
	Before *Facts
	// Contents of a regular file: a name only Restore understands.
	Contents string
}

// ReadFile reads a whole regular file, at most 8 MiB.
func ReadFile(ctx context.Context, path string) ([]byte, error) {
	return worldOf(ctx).ReadFile(targetOf(ctx), path)
}

// WriteFile replaces a file's contents in one step: a reader sees the old file or the new one, never a part. Secret
// placeholders in the contents are replaced on the target.
func WriteFile(ctx context.Context, path string, contents []byte, options WriteOptions) error {
	return worldOf(ctx).WriteFile(targetOf(ctx), path, contents, options)
}

// Stat is the facts of a path; nil when nothing is there.
func Stat(ctx context.Context, path string) (*Facts, error) {
	return worldOf(ctx).Stat(targetOf(ctx), path)
}

// ListDirectory is the names in a folder, sorted.
func ListDirectory(ctx context.Context, path string) ([]string, error) {
	return worldOf(ctx).ListDirectory(targetOf(ctx), path)
}

// MakeDirectory makes a folder and those above it. It succeeds when it is there already. Mode 0 is the usual one.
func MakeDirectory(ctx context.Context, path string, mode uint32) error {
	return worldOf(ctx).MakeDirectory(targetOf(ctx), path, mode)
}

// Link makes a symbolic link, replacing a link or a file of that name in one step.
func Link(ctx context.Context, path, pointsTo string) error {
	return worldOf(ctx).Link(targetOf(ctx), path, pointsTo)
}

// Remove removes a file, a link or an empty folder. It succeeds when nothing is there.
func Remove(ctx context.Context, path string) error {
	return worldOf(ctx).Remove(targetOf(ctx), path)
}

// Snapshot keeps what stands at a path: a file of at most 64 MiB, a link, or nothing.
func Snapshot(ctx context.Context, path string) (Kept, error) {
	return worldOf(ctx).Snapshot(targetOf(ctx), path)
}

// Restore puts back what a snapshot kept: contents, mode, owner, link, or absence.
func Restore(ctx context.Context, kept Kept) error {
	return worldOf(ctx).Restore(targetOf(ctx), kept)
}

// keptForm is a snapshot in the journal's form.
type keptForm struct {
	Path   string
	Before *struct {
		Kind         string
		Size         uint64
		Mode         uint32
		Owner, Group string
		Modified     int64
		Link, SHA256 string
	}
	Contents string
}

func (k keptForm) kept() Kept {
	kept := Kept{Path: k.Path, Contents: k.Contents}
	if b := k.Before; b != nil {
		kinds := map[string]FileKind{"file": File, "directory": Directory, "symlink": Symlink, "other": OtherKind}
		kept.Before = &Facts{
			Kind: kinds[b.Kind], Size: b.Size, Mode: b.Mode, Owner: b.Owner, Group: b.Group,
			Modified: time.UnixMilli(b.Modified).UTC(), Link: b.Link, SHA256: b.SHA256,
		}
	}
	return kept
}

// PutBack restores everything of which a step took a snapshot, the last first: what the rollback of a plugin does that
// takes a snapshot of each path before it changes it. Safe to call again, and when there is nothing to undo.
func PutBack(ctx context.Context, done Done) error {
	calls := done.CallsOf("files.snapshot")
	for i := len(calls) - 1; i >= 0; i-- {
		var asked struct{ On string }
		var kept keptForm
		if !calls[i].ReadRequest(&asked) || !calls[i].ReadAnswer(&kept) {
			continue
		}
		if err := Restore(On(ctx, asked.On), kept.kept()); err != nil {
			return fmt.Errorf("putting `%s` back: %w", kept.Path, err)
		}
	}
	return nil
}
