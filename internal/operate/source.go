package operate

import (
	"context"
	"fmt"
	"slices"

	"github.com/cdrelay/cdrelay/internal/call"
)

// Source is one configured source.
type Source struct {
	Name   string `json:"name"`
	Format string `json:"format"`
	Path   string `json:"path"`
	// LastCallback is the last one that passed the doors; absent before the first.
	LastCallback *Callback `json:"last_callback,omitempty"`
	// Recent counts the callbacks; those that were taken, repeated or to be ignored are
	// its successes.
	Recent *Recent `json:"recent,omitempty"`
	// Refused are the latest callbacks that were not taken and are not kept, the newest
	// first.
	Refused []Refused `json:"refused,omitempty"`
	// Undecodable are the latest that could not be understood, the newest first, and Test
	// is a callback to try the source with; both for one source and for the list of
	// sources only.
	Undecodable []DeadLetter `json:"undecodable,omitempty"`
	Test        *Trial       `json:"test_callback,omitempty"`

	// Door is what Test is made of.
	Door Door `json:"-"`
}

// Callback is when a callback came and what became of it.
type Callback struct {
	At     call.Time `json:"at"`
	Result string    `json:"result"`
	Status int       `json:"status"`
}

// Refused is a callback that was refused. It holds nothing of what was sent.
type Refused struct {
	Callback
	// Client is the address of the sender; absent where a proxy did not name one.
	Client string `json:"client,omitempty"`
	Reason string `json:"reason"`
}

// maxUndecodable bounds the callbacks that are shown with a source.
const maxUndecodable = 5

// Sources returns all sources.
func (o *Operator) Sources(ctx context.Context) (Page[Source], error) {
	sources := o.deps.Server().Sources
	for i := range sources {
		if err := o.lookAt(ctx, &sources[i]); err != nil {
			return newPage[Source](nil, ""), err
		}
	}
	return newPage(sources, ""), nil
}

// Source returns one source.
func (o *Operator) Source(ctx context.Context, name string) (Source, error) {
	sources := o.deps.Server().Sources
	i := slices.IndexFunc(sources, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, fmt.Errorf("%w: no source %q", ErrNotFound, name)
	}
	err := o.lookAt(ctx, &sources[i])
	return sources[i], err
}

// lookAt adds what the spool keeps of a source, and the test callback.
func (o *Operator) lookAt(ctx context.Context, s *Source) (err error) {
	s.Test = s.Door.trial()
	s.Undecodable, err = o.deps.Store.LettersOfSource(ctx, s.Name, maxUndecodable)
	return err
}
