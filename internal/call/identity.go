package call

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// maxKey is the longest vendor key that stands in an id as it is.
const maxKey = 128

const upperHex = "0123456789ABCDEF"

// NewID gives the identity of a call: "<source>:<key>". Bytes of the vendor's
// key outside [A-Za-z0-9_~-] are percent-encoded, so that an id is safe in a
// URL path; a key that is then longer than 128 bytes becomes "sha256-<hex>" of
// the key.
func NewID(source, key string) string {
	var b strings.Builder
	b.Grow(len(source) + len(":") + len(key))
	b.WriteString(source)
	b.WriteByte(':')
	prefix := b.Len()
	for i := range len(key) {
		if c := key[i]; plainIDByte(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&0xF])
		}
	}
	if b.Len()-prefix > maxKey {
		sum := sha256.Sum256([]byte(key))
		return source + ":sha256-" + hex.EncodeToString(sum[:])
	}
	return b.String()
}

func plainIDByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '_' || c == '~' || c == '-'
}

// ContentHash identifies the content of a callback.
type ContentHash [sha256.Size]byte

// HashContent returns the SHA-256 of a JSON text without its volatile fields.
// White space, the order of names and the spelling of strings do not matter, the
// spelling of numbers does. Two values are never one because a reader would make
// them one: a name that is there twice counts twice, and half a surrogate pair is
// not U+FFFD.
func HashContent(text []byte, volatile ...string) (ContentHash, error) {
	if len(volatile) == 0 {
		if sorted, ok := sortedQuickly(text); ok {
			return sha256.Sum256(sorted), nil
		}
	}
	sorted, err := sorted(text, volatile)
	if err != nil {
		return ContentHash{}, fmt.Errorf("hash content: %w", err)
	}
	return sha256.Sum256(sorted), nil
}

// MessageID gives the stable id that every try of one delivery carries as
// webhook-id and Idempotency-Key: "msg_" and the base32 of a SHA-256 over call
// id, content and sink. It has no dot, as Standard Webhooks asks.
func MessageID(callID string, content ContentHash, sink string) string {
	h := sha256.New()
	writeLengthPrefixed(h, []byte(callID))
	writeLengthPrefixed(h, content[:])
	writeLengthPrefixed(h, []byte(sink))
	enc := base32.StdEncoding.WithPadding(base32.NoPadding)
	return "msg_" + strings.ToLower(enc.EncodeToString(h.Sum(nil)))
}

// writeLengthPrefixed keeps ("ab","c") and ("a","bc") apart. A hash never fails.
func writeLengthPrefixed(w io.Writer, b []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(b)))
	_, _ = w.Write(n[:])
	_, _ = w.Write(b)
}
