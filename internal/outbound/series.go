package outbound

import "context"

// Series is the requests of one attempt at a delivery, made one after another. What
// they are for only their maker knows. A Series is for one goroutine.
type Series interface {
	// Next returns what is to be done now, and the same again until Advance is called:
	// a request that cannot be made yet may be rendered again later. An error says that
	// the request cannot be rendered.
	Next() (Turn, error)
	// Advance says that the request of the last Turn was delivered.
	Advance()
	// Kept returns what must be kept with the delivery, by name; the series of its next
	// attempt is given it. Nil for nothing new.
	Kept() map[string]string
	// End is called once, when no request follows any more, with how the attempt
	// ended.
	End(Meaning)
}

// Turn is what a Series wants next: a request, a wait, or, where it is zero, nothing
// more: the delivery is made.
type Turn struct {
	Request *Request
	// Wait returns nil when Next may be called again. It holds nothing that others
	// need.
	Wait func(ctx context.Context) error
}

// Single is a Series of one request.
func Single(render func() (*Request, error)) Series { return &single{render: render} }

type single struct {
	render func() (*Request, error)
	over   bool
}

func (s *single) Next() (Turn, error) {
	if s.over {
		return Turn{}, nil
	}
	r, err := s.render()
	return Turn{Request: r}, err
}

func (s *single) Advance()              { s.over = true }
func (*single) Kept() map[string]string { return nil }
func (*single) End(Meaning)             {}
