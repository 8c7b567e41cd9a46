package spool

import (
	"path/filepath"
	"strings"
)

// PathProblem returns what is wrong with the spelling of a path, and the remedy;
// "" where a file can have that name.
func PathProblem(path string) string {
	lower := strings.ToLower(path)
	_, options, _ := strings.Cut(lower, "?")
	switch base := filepath.Base(path); {
	case strings.TrimSpace(path) == "":
		return "is empty: name a file on a local disk"
	case strings.Contains(lower, ":memory:"), strings.Contains(options, "mode=memory"), strings.Contains(options, "vfs=memdb"):
		return "keeps the calls in memory, and a stop would lose them: name a file on a local disk"
	case hasScheme(lower), strings.Contains(options, "="):
		return "is a URI: write the plain path of a file"
	case strings.HasSuffix(path, "/"), base == ".", base == "..":
		return "names a folder: name a file in it, such as " + filepath.Join(path, filepath.Base(DefaultPath))
	case strings.ContainsRune(path, 0):
		return "holds a zero byte: write the plain path of a file"
	default:
		return ""
	}
}

// hasScheme reports whether a path begins as a URI does. One letter is a drive.
func hasScheme(lower string) bool {
	scheme, _, found := strings.Cut(lower, ":")
	return found && len(scheme) > 1 && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+.-") == "" && scheme[0] >= 'a'
}
