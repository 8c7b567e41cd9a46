package intake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// errNoSource says that the source of a kept callback is not configured.
var errNoSource = errors.New("no such source is configured")

// Kept is a callback that could not be understood and was kept as a dead letter.
type Kept struct {
	Source string
	Body   []byte
	// Request is what the body came with.
	Request spool.Request
	// ReceivedAt is when the callback came in.
	ReceivedAt time.Time
	// Letter is the id of the dead letter.
	Letter string
}

// Redeem reads a kept callback again, with the adapter, the source and the rules
// of today, as if it came in now, except for its time and the doors, which it has
// passed. When it returns without an error the call is on the disk and the dead
// letter gone.
//
// Errors: errNoSource; *call.Unreadable where it still cannot be understood, or
// where the rules cost too much for it;
// *call.NotACall where it turned out to be an event that is no call, which would
// not be kept today; spool.ErrUnavailable where the store takes nothing now.
func (h *Handler) Redeem(ctx context.Context, k Kept) (spool.Receipt, error) {
	set := h.current.Load()
	src := set.byName(k.Source)
	if src == nil {
		return spool.Receipt{}, fmt.Errorf("%w: %q", errNoSource, k.Source)
	}
	x := exchange{Handler: h, set: set, source: src, request: again(k.Request), received: k.ReceivedAt, letter: k.Letter, lease: h.budget.lease(src.name)}
	defer x.lease.release()
	body, err := decodeContent(ctx, x.request.Header, k.Body, &x.lease)
	if err == nil {
		err = x.lease.handle(ctx, body)
	}
	switch {
	case errors.Is(err, errBusy):
		return spool.Receipt{}, fmt.Errorf("%w: %w", spool.ErrUnavailable, err)
	case err != nil:
		return spool.Receipt{}, call.Unreadablef("%v", err)
	}
	rec, content, err := x.read(ctx, body)
	if err != nil {
		if _, event := isEvent(err); event || errors.As(err, new(*call.Unreadable)) {
			return spool.Receipt{}, err
		}
		return spool.Receipt{}, call.Unreadablef("%v", err) // as for a callback
	}
	a, err := x.accept(ctx, rec, content)
	if err != nil {
		return spool.Receipt{}, call.Unreadablef("%v", err)
	}
	if a.status != http.StatusOK {
		return spool.Receipt{}, fmt.Errorf("%w: %s", spool.ErrUnavailable, a.detail)
	}
	return spool.Receipt{ID: a.id, Revision: a.revision, Duplicate: a.result == duplicate}, nil
}

func (s *set) byName(name string) *source {
	for _, src := range s.byPath {
		if src.name == name {
			return src
		}
	}
	return nil
}
