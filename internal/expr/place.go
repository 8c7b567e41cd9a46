package expr

import (
	"errors"
	"strconv"
)

// placeError is a failure to render with the place in the tree where it
// happened.
type placeError struct {
	path string
	err  error
}

func (e *placeError) Error() string { return e.path + ": " + e.err.Error() }

func (e *placeError) Unwrap() error { return e.err }

// atKey and atIndex put one more step before the path of an error.
func atKey(name string, err error) error { return before(name, err) }

func atIndex(i int, err error) error { return before("["+strconv.Itoa(i)+"]", err) }

func before(step string, err error) error {
	var inner *placeError
	if !errors.As(err, &inner) {
		return &placeError{path: step, err: err}
	}
	separator := "."
	if inner.path[0] == '[' {
		separator = ""
	}
	return &placeError{path: step + separator + inner.path, err: inner.err}
}
