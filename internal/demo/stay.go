package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// invite says what the user can do while the demo stays up, and stays.
func (s *show) invite(ctx context.Context) error {
	// Before a word is said: a quick user's call must not pass for a sample.
	known := news{seen: map[string]bool{}}
	if _, _, err := known.look(ctx, s.app.Spool()); err != nil {
		return endedBy(ctx, err)
	}
	s.sayHow()
	return s.stay(ctx, known)
}

// sayHow tells where to post, to look and to change things.
func (s *show) sayHow() {
	s.out.heading("Now you: the server stays up until Ctrl-C")
	s.out.fact("post a call", plain, "a missed call, which nobody has posted yet:")
	s.out.gap()
	s.out.line("      curl --data '@%s' \\", s.file(yours))
	s.out.line("        'http://%s%s'", s.app.Addr(), path(dialer))
	s.out.gap()
	s.out.fact("", plain, `Its way is shown here. The second time it is a duplicate; change "id" in the file for a new call, `+
		"anything else for a new revision of it.")
	s.out.fact("look inside", plain, fmt.Sprintf("http://%s/ (the page: calls, sinks, dead letters, a playground)", s.app.AdminAddr()))
	s.out.fact("", plain, fmt.Sprintf("http://%s/api/v1/status", s.app.AdminAddr()))
	s.out.fact("", plain, fmt.Sprintf("http://%s/metrics", s.app.AdminAddr()))
	s.out.fact("ask HubSpot", plain, "for the contact, as its users would see it:")
	s.out.gap()
	s.out.line("      curl --header 'Authorization: Bearer %s' \\", hubspotToken)
	s.out.line("        'http://%s/crm/objects/2026-03/contacts/%s'", s.standIns[hubspotSink].addr(), s.account.contact)
	s.out.gap()
	s.out.fact("change it", plain, s.file("config.yaml")+" (read again within seconds of a change)")
	s.out.fact("log", plain, s.file("cdrelay.log"))
	for _, taken := range s.taken() {
		s.out.fact("note", yellow, taken)
	}
	s.out.text(indent, dim, "At the end "+s.folder+" and all in it is removed.")
	s.out.gap()
}

// taken tells of the usual ports that somebody else has.
func (s *show) taken() []string {
	var out []string
	for _, one := range []struct {
		name, usual string
		is          net.Addr
	}{{"public", usualPublic, s.app.Addr()}, {"private", usualPrivate, s.app.AdminAddr()}} {
		if one.is.String() != one.usual {
			out = append(out, fmt.Sprintf("%s is in use by another program, so the %s listener took a free port", one.usual, one.name))
		}
	}
	return out
}

// lookEvery is how often the demo looks for what the user has posted.
const lookEvery = 300 * time.Millisecond

// stay tells of what the user posts until the context ends.
func (s *show) stay(ctx context.Context, known news) error {
	for {
		if err := s.wait(ctx, lookEvery); err != nil {
			return endedBy(ctx, err)
		}
		calls, letters, err := known.look(ctx, s.app.Spool())
		if err != nil {
			return endedBy(ctx, err)
		}
		if loaded, err := config.Load(s.file("config.yaml")); err == nil { // else the old one stays in use
			s.loaded = loaded
		}
		for _, l := range letters {
			s.tellForeignLetter(l)
		}
		for _, c := range calls {
			if err := s.tellForeign(ctx, c); err != nil {
				return endedBy(ctx, err)
			}
		}
		if s.out.err != nil {
			return s.out.err
		}
	}
}

// endedBy tells an error from the user's wish to end the demo.
func endedBy(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// tellForeign tells of a call that the user has posted.
func (s *show) tellForeign(ctx context.Context, c spool.FoundCall) error {
	p, err := s.find(ctx, c.ID, c.Revision)
	if errors.Is(err, spool.ErrNotFound) {
		return nil // erased meanwhile
	}
	if err != nil {
		return err
	}
	s.out.heading("A call of yours")
	s.out.fact("received", plain, fmt.Sprintf("%d bytes at /callbacks/%s, as %s posts them", len(p.record.Raw), p.record.Source, platform(p.record.Source)))
	s.tellRecord(p)
	err = s.tellDeliveries(ctx, p, false)
	s.out.gap()
	return err
}

// tellForeignLetter tells of a callback of the user's that is none.
func (s *show) tellForeignLetter(l spool.DeadLetter) {
	s.out.heading("A callback of yours that is no call")
	s.out.fact("received", plain, "at /callbacks/"+l.Source)
	s.out.fact("dead letter", red, fmt.Sprintf("%s (stage %s, reason %s)", l.ID, l.Stage, l.Reason))
	s.out.fact("", plain, call.MaskText(l.Detail))
	s.out.gap()
}

// news knows what was seen in the spool.
type news struct{ seen map[string]bool }

// newest is how many entries are looked at; more at one time are not told of.
const newest = 100

// look gives what was not seen before, oldest first.
func (n news) look(ctx context.Context, from spool.Searcher) ([]spool.FoundCall, []spool.DeadLetter, error) {
	page, err := from.SearchCalls(ctx, spool.CallFilter{}, newest, "")
	if err != nil {
		return nil, nil, err
	}
	letters, _, err := from.SearchLetters(ctx, spool.LetterFilter{Stage: spool.StageIntake}, newest, "")
	if err != nil {
		return nil, nil, err
	}
	calls := slices.DeleteFunc(page.Calls, func(c spool.FoundCall) bool { return n.known(fmt.Sprintf("%s %d", c.ID, c.Revision)) })
	letters = slices.DeleteFunc(letters, func(l spool.DeadLetter) bool { return n.known(l.ID) })
	slices.Reverse(calls)
	slices.Reverse(letters)
	return calls, letters, nil
}

// known reports whether the key was seen, and remembers it.
func (n news) known(key string) bool {
	was := n.seen[key]
	n.seen[key] = true
	return was
}
