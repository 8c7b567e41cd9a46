package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// machine is where the figures were taken.
type machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	Memory     string `json:"memory"`
	Kernel     string `json:"kernel"`
	FileSystem string `json:"file_system"`
	Go         string `json:"go"`
	// Load is the load average when the run began: a quiet machine has little.
	Load string `json:"load"`
}

// lookAround describes the machine and the file system of a folder.
func lookAround(folder string) (m machine, err error) {
	m = machine{Cores: runtime.NumCPU(), Go: runtime.Version()}
	read := func(path string) string {
		b, e := os.ReadFile(path)
		err = errors.Join(err, e)
		return strings.TrimSpace(string(b))
	}
	m.CPU = valueOf(read("/proc/cpuinfo"), "model name")
	m.Memory = valueOf(read("/proc/meminfo"), "MemTotal")
	m.Kernel = read("/proc/sys/kernel/osrelease")
	m.Load, _, _ = strings.Cut(read("/proc/loadavg"), " ")
	m.FileSystem = fileSystem(read("/proc/self/mounts"), folder)
	if err == nil && (m.FileSystem == "tmpfs" || m.FileSystem == "ramfs") {
		err = fmt.Errorf("%s lies in memory (%s): a sync would cost nothing; give -out a folder on a disk", folder, m.FileSystem)
	}
	return m, err
}

// valueOf gives the value of the first line `name : value`.
func valueOf(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// fileSystem is the type of the deepest mount above a folder.
func fileSystem(mounts, folder string) string {
	deepest, kind := "", "unknown"
	for line := range strings.Lines(mounts) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		rel, err := filepath.Rel(f[1], folder)
		if err == nil && !strings.HasPrefix(rel, "..") && len(f[1]) >= len(deepest) {
			deepest, kind = f[1], f[2]
		}
	}
	return kind
}

// String is one sentence.
func (m machine) String() string {
	return fmt.Sprintf("Machine: %s, %d cores, %s memory, Linux %s, %s, %s; load average at the start %s.",
		m.CPU, m.Cores, m.Memory, m.Kernel, m.FileSystem, m.Go, m.Load)
}
