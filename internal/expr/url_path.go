package expr

import "errors"

// errEmptySegment says that a request would go elsewhere than it was meant to: to
// the collection in the place of one of its entries.
var errEmptySegment = errors.New("a ${…} between the slashes of the path is empty for this call, " +
	"and the request would go to another place: have a rule that leaves out such calls, or write a value for them")

// pathSegment watches one segment of a path while it is written.
type pathSegment struct{ templated, filled bool }

// literal notes literal text, and fails where it ends a segment of templates that
// are all empty. It reports whether the path ends in it.
func (s *pathSegment) literal(text string) (ended bool, err error) {
	for _, c := range []byte(text) {
		if c != '/' && c != '?' {
			s.filled = true
			continue
		}
		if err := s.end(); err != nil || c == '?' {
			return true, err
		}
	}
	return false, nil
}

func (s *pathSegment) end() error {
	if s.templated && !s.filled {
		return errEmptySegment
	}
	*s = pathSegment{}
	return nil
}

// BareSegments reports whether a segment of the path is nothing but ${…}.
func (u URL) BareSegments() bool {
	w := &writer{limit: maxText, full: func() error { return errLongText }}
	return errors.Is(u.write(w, func(*program) (string, error) { return "", nil }), errEmptySegment)
}
