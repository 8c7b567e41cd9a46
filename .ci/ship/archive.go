package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// entry is a file or a folder of an archive. Its text is in memory: the largest is
// the binary.
type entry struct {
	name     string // a folder's ends with a slash
	mode     fs.FileMode
	uid, gid int
	text     []byte
}

// writeTar writes an archive of which only its entries and the time decide the
// bytes: no names of users, no time of today.
func writeTar(w io.Writer, at time.Time, entries []entry) error {
	t := tar.NewWriter(w)
	for _, e := range entries {
		kind := byte(tar.TypeReg)
		if strings.HasSuffix(e.name, "/") {
			kind = tar.TypeDir
		}
		err := t.WriteHeader(&tar.Header{
			Typeflag: kind, Name: e.name, Size: int64(len(e.text)), Mode: int64(e.mode.Perm()),
			Uid: e.uid, Gid: e.gid, ModTime: at, Format: tar.FormatUSTAR,
		})
		if err == nil {
			_, err = t.Write(e.text)
		}
		if err != nil {
			return err
		}
	}
	return t.Close()
}

// writeTarGz writes a compressed archive into a file.
func writeTarGz(name string, at time.Time, entries []entry) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := errors.Join(writeTar(z, at, entries), z.Close()); err != nil {
		return err
	}
	return publish(name, b.Bytes())
}

// folderEntries gives the files and folders below a folder, sorted by name.
func folderEntries(folder string) ([]entry, error) {
	var all []entry
	files := os.DirFS(folder)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() {
			all = append(all, entry{name: name + "/", mode: 0o755})
			return nil
		}
		text, err := fs.ReadFile(files, name)
		all = append(all, entry{name: name, mode: 0o644, text: text})
		return err
	})
	return all, err
}

// publish writes a file for everybody to read.
func publish(name string, text []byte) error {
	return os.WriteFile(name, text, 0o644) //nolint:gosec // it is handed out
}

// publicFolder makes a folder for everybody to read.
func publicFolder(name string) error {
	return os.MkdirAll(name, 0o755) //nolint:gosec // it is handed out
}
