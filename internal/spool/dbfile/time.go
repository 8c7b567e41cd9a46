package dbfile

import (
	"errors"
	"io"
	"time"
)

// CloseInto closes and joins the error to another one.
func CloseInto(c io.Closer, err *error) { *err = errors.Join(*err, c.Close()) }

// Millis is the form of a time in the file.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMillis is the reverse of Millis.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
