package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// listTar reads an archive into entries.
func listTar(t *testing.T, r io.Reader) []entry {
	t.Helper()
	var all []entry
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{name: h.Name, mode: h.FileInfo().Mode(), uid: h.Uid, gid: h.Gid, text: text})
	}
}

// listFile reads the archive in a file, compressed or not.
func listFile(t *testing.T, name string) []entry {
	t.Helper()
	text := read(t, name)
	if !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		return listTar(t, bytes.NewReader(text))
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return listTar(t, z)
}

// unpack writes what an archive holds into a folder.
func unpack(t *testing.T, archive, folder string) {
	t.Helper()
	for _, e := range listFile(t, archive) {
		name := filepath.Join(folder, filepath.FromSlash(e.name))
		if e.mode.IsDir() {
			if err := os.MkdirAll(name, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		write(t, name, e.text)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
