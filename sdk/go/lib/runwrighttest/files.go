package runwrighttest

import (
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"

	"runwright"
)

type place struct{ on, path string }

type node struct {
	facts    runwright.Facts
	contents []byte
}

// files of every target. / , /etc and /tmp are there.
type files struct {
	nodes map[place]node
	kept  []node
}

func newFiles() files { return files{nodes: map[place]node{}} }

func (f *files) isDirectory(on, name string) bool {
	always := name == "/" || name == "/etc" || name == "/tmp"
	found, is := f.nodes[place{on, name}]
	return always || is && found.facts.Kind == runwright.Directory
}

func (f *files) mkdir(on, name string) error {
	for ; !f.isDirectory(on, name); name = path.Dir(name) {
		if _, is := f.nodes[place{on, name}]; is {
			return invalid("`%s` is no folder", name)
		}
		f.nodes[place{on, name}] = node{facts: runwright.Facts{Kind: runwright.Directory, Mode: 0o755}}
	}
	return nil
}

func (f *files) write(w *World, on, name string, contents []byte, options runwright.WriteOptions) error {
	if f.isDirectory(on, name) {
		return invalid("`%s` is a folder", name)
	}
	if options.Parents {
		if err := f.mkdir(on, path.Dir(name)); err != nil {
			return err
		}
	}
	if !f.isDirectory(on, path.Dir(name)) {
		return notFound("`%s` does not exist", path.Dir(name))
	}
	facts := runwright.Facts{Mode: 0o644, Owner: "root", Group: "root"}
	if old, is := f.nodes[place{on, name}]; is && old.facts.Kind == runwright.File {
		facts = old.facts
	}
	if options.Mode != 0 {
		facts.Mode = options.Mode
	}
	if options.Owner != "" {
		facts.Owner = options.Owner
	}
	if options.Group != "" {
		facts.Group = options.Group
	}
	facts.Modified = w.Clock
	facts.Size = uint64(len(contents))
	facts.SHA256 = fmt.Sprintf("%x", sha256.Sum256(contents))
	f.nodes[place{on, name}] = node{facts, slices.Clone(contents)}
	return nil
}

// File is the contents that stand at a path of the engine's machine, for tests to look at.
func (w *World) File(name string) (string, bool) {
	found, is := w.files.nodes[place{"", name}]
	return string(found.contents), is
}

// SetFile puts a file there, with the folders above it.
func (w *World) SetFile(name, contents string) {
	if err := w.files.write(w, "", name, []byte(contents), runwright.WriteOptions{Parents: true}); err != nil {
		panic(err)
	}
}

// ReadFile reads a file.
func (w *World) ReadFile(on, name string) ([]byte, error) {
	return call(w, "files.read", fileForm("read", on, name, nil), func() ([]byte, error) {
		found, is := w.files.nodes[place{on, name}]
		if !is {
			return nil, notFound("`%s` does not exist", name)
		}
		if found.facts.Kind != runwright.File {
			return nil, invalid("`%s` is no regular file", name)
		}
		return found.contents, nil
	})
}

// WriteFile writes a file.
func (w *World) WriteFile(on, name string, contents []byte, options runwright.WriteOptions) error {
	more := form{"contents": contents, "options": form{
		"mode": positive(options.Mode), "owner": optional(options.Owner), "group": optional(options.Group),
		"parents": options.Parents,
	}}
	return do(w, "files.write", fileForm("write", on, name, more), func() error {
		return w.files.write(w, on, name, contents, options)
	})
}

// Stat is the facts of a path.
func (w *World) Stat(on, name string) (*runwright.Facts, error) {
	return call(w, "files.stat", fileForm("stat", on, name, nil), func() (*runwright.Facts, error) {
		if found, is := w.files.nodes[place{on, name}]; is {
			return &found.facts, nil
		}
		if w.files.isDirectory(on, name) {
			return &runwright.Facts{Kind: runwright.Directory, Mode: 0o755, Owner: "root", Group: "root"}, nil
		}
		return nil, nil
	})
}

// ListDirectory lists a folder.
func (w *World) ListDirectory(on, name string) ([]string, error) {
	return call(w, "files.list-directory", fileForm("list-directory", on, name, nil), func() ([]string, error) {
		if !w.files.isDirectory(on, name) {
			return nil, notFound("`%s` does not exist", name)
		}
		names := []string{}
		for at := range w.files.nodes {
			if at.on == on && path.Dir(at.path) == name {
				names = append(names, path.Base(at.path))
			}
		}
		slices.Sort(names)
		return names, nil
	})
}

// MakeDirectory makes folders.
func (w *World) MakeDirectory(on, name string, mode uint32) error {
	return do(w, "files.make-directory", fileForm("make-directory", on, name, form{"mode": positive(mode)}), func() error {
		return w.files.mkdir(on, name)
	})
}

// Link makes a symbolic link.
func (w *World) Link(on, name, pointsTo string) error {
	return do(w, "files.link", fileForm("link", on, name, form{"points_to": pointsTo}), func() error {
		if w.files.isDirectory(on, name) || !w.files.isDirectory(on, path.Dir(name)) {
			return invalid("`%s` cannot be a link", name)
		}
		facts := runwright.Facts{Kind: runwright.Symlink, Mode: 0o777, Link: pointsTo, Modified: w.Clock}
		facts.Owner, facts.Group = "root", "root"
		w.files.nodes[place{on, name}] = node{facts: facts}
		return nil
	})
}

// Remove removes a file, a link or an empty folder.
func (w *World) Remove(on, name string) error {
	return do(w, "files.remove", fileForm("remove", on, name, nil), func() error {
		for at := range w.files.nodes {
			if at.on == on && strings.HasPrefix(at.path, name+"/") {
				return invalid("the folder `%s` is not empty", name)
			}
		}
		delete(w.files.nodes, place{on, name})
		return nil
	})
}

// Snapshot keeps what stands at a path.
func (w *World) Snapshot(on, name string) (runwright.Kept, error) {
	return call(w, "files.snapshot", fileForm("snapshot", on, name, nil), func() (runwright.Kept, error) {
		found, is := w.files.nodes[place{on, name}]
		if !is {
			return runwright.Kept{Path: name}, nil
		}
		if found.facts.Kind == runwright.Directory {
			return runwright.Kept{}, invalid("`%s` is a folder", name)
		}
		kept := runwright.Kept{Path: name, Before: &found.facts}
		if found.facts.Kind == runwright.File {
			kept.Contents = fmt.Sprintf("kept:%d", len(w.files.kept))
			w.files.kept = append(w.files.kept, found)
		}
		return kept, nil
	})
}

// Restore puts back what a snapshot kept.
func (w *World) Restore(on string, kept runwright.Kept) error {
	asked := form{"files": form{"restore": form{"on": optional(on), "snapshot": keptForm(kept)}}}
	return do(w, "files.restore", asked, func() error {
		at := place{on, kept.Path}
		var index int
		if _, err := fmt.Sscanf(kept.Contents, "kept:%d", &index); err == nil && index < len(w.files.kept) {
			w.files.nodes[at] = w.files.kept[index]
		} else if kept.Before != nil && kept.Before.Kind == runwright.Symlink {
			w.files.nodes[at] = node{facts: *kept.Before}
		} else {
			delete(w.files.nodes, at)
		}
		return nil
	})
}
