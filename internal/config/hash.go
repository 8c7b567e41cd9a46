package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/expr"
)

// Hash identifies the content of a configuration.
type Hash [sha256.Size]byte

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Number is the first 48 bits, which a metric holds exactly.
func (h Hash) Number() float64 {
	n := 0.0
	for _, b := range h[:6] {
		n = n*256 + float64(b)
	}
	return n
}

// Fingerprint hashes the file with all files that it names for secrets and
// certificates, for a cheap look whether anything has changed. A file that
// cannot be read counts as empty: Load will say what is wrong with it.
func Fingerprint(path string) (Hash, error) {
	text, err := read(path)
	if err != nil {
		return Hash{}, err
	}
	return fingerprint(text), nil
}

func fingerprint(text []byte) Hash {
	h := sha256.New()
	_, _ = h.Write(text) // a hash never fails
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) == nil {
		writeNamed(h, &doc)
	}
	return Hash(h.Sum(nil))
}

// sinkMarks returns a hash for each sink, over its part of the file and all that
// it names outside of it, so that a reload can tell which sinks are the same.
func (t *tree) sinkMarks() map[string]Hash {
	out := map[string]Hash{}
	list, _ := step(t.root, "sinks")
	if list == nil {
		return out
	}
	for _, n := range list.Content {
		name, _ := step(n, "name")
		if name == nil {
			continue
		}
		h := sha256.New()
		text, err := yaml.Marshal(n)
		if err != nil || hasAlias(n) {
			text = []byte(strings.Join(t.lines, "\n")) // the part cannot be read alone
		}
		_, _ = h.Write(text) // a hash never fails
		writeNamed(h, n)
		out[name.Value] = Hash(h.Sum(nil))
	}
	return out
}

func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

// writeNamed adds the content of the files and environment variables that a part
// of the configuration names.
func writeNamed(w io.Writer, n *yaml.Node) {
	for _, path := range named(n, "file", "cert", "key", "ca") {
		b, _ := readSmall(path) // Load says what is wrong with it
		sum := sha256.Sum256(b)
		_, _ = fmt.Fprintf(w, "file %q %x", path, sum)
	}
	for _, name := range named(n, "env") {
		_, _ = fmt.Fprintf(w, "env %q %x", name, sha256.Sum256([]byte(os.Getenv(name))))
	}
}

// namedMax bounds what is read of a file that the configuration names.
const namedMax = expr.MaxTable

// readSmall reads the beginning of a regular file.
func readSmall(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	return io.ReadAll(io.LimitReader(f, namedMax))
}

// named finds the values of the given keys, wherever they are: {file: PATH}
// and {env: NAME} of secrets, and the files of tls sections.
func named(n *yaml.Node, keys ...string) []string {
	var out []string
	for key, value := range pairs(n) {
		if slices.Contains(keys, key.Value) && value.Kind == yaml.ScalarNode {
			out = append(out, value.Value)
		}
	}
	for _, child := range n.Content {
		out = append(out, named(child, keys...)...)
	}
	return out
}
