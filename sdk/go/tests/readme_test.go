package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The tutorial is true: its plugin builds, and its test passes.
func TestTheTutorialRuns(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	library, err := filepath.Abs("../lib")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "```go\n")[1:]
	names := []string{"main.go", "main_test.go"}
	if len(blocks) != len(names) {
		t.Fatalf("%d blocks of Go", len(blocks))
	}
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range names {
		code, _, _ := strings.Cut(blocks[i], "```")
		write(name, code)
	}
	write("go.mod", "module tutorial\n\ngo 1.24\n\nrequire runwright v0.0.0\n\nreplace runwright => "+library+"\n")
	goTest := exec.Command("go", "test", "./...")
	goTest.Dir = folder
	if said, err := goTest.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
