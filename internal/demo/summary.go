package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// summarise counts what happened.
func (s *show) summarise(ctx context.Context) {
	posted := map[string]int{}
	owed, ends := 0, map[string]int{}
	for _, a := range s.acts {
		posted[a.answer.status]++
		if a.push == nil {
			continue
		}
		for _, c := range a.push.chosen {
			owed++
			if p, err := s.progress(ctx, a.push, c.sink); err == nil {
				ends[p.state]++
			}
		}
	}
	s.out.heading("In all")
	s.out.fact("received", plain, fmt.Sprintf("%s: %d accepted, %d duplicate, %d ignored, %d not understood",
		plural(len(s.acts), "callback"), posted[accepted], posted[duplicate], posted[ignored], posted[refused]))
	s.out.fact("delivered", plain, fmt.Sprintf("%d of %s, %d superseded, in %s", ends[delivered], deliveries(owed), ends[superseded], s.requests()))
	s.out.fact("dead letters", plain, s.letters(ctx))
	s.out.gap()
}

func deliveries(n int) string {
	if n == 1 {
		return "1 delivery"
	}
	return fmt.Sprintf("%d deliveries", n)
}

// requests counts what reached the stand-ins.
func (s *show) requests() string {
	all, failed := 0, 0
	for _, one := range s.standIns {
		more, failedToo := one.count()
		all, failed = all+more, failed+failedToo
	}
	return fmt.Sprintf("%s, %d of which failed", plural(all, "request"), failed)
}

// letters tells of the dead letters.
func (s *show) letters(ctx context.Context) string {
	text := fmt.Sprintf("%d made, %d replayed", s.buried, s.replayed)
	left, _, err := s.app.Spool().SearchLetters(ctx, spool.LetterFilter{}, 100, "")
	if err != nil {
		return text + "; those left cannot be read: " + err.Error()
	}
	text += fmt.Sprintf(", %d left", len(left))
	if len(left) == 1 && left[0].Stage == spool.StageIntake {
		text += ": the callback that is not valid JSON"
	}
	return text
}

// verify gives an error that says what is missing: a sample that was not told of,
// was answered otherwise than it must be, or has not arrived where it must.
func (s *show) verify(ctx context.Context) error {
	var missing []error
	complain := func(one sample, format string, args ...any) {
		missing = append(missing, fmt.Errorf("%s: "+format, append([]any{one.file}, args...)...))
	}
	for i, one := range samples() {
		if i >= len(s.acts) {
			complain(one, "was not posted")
			continue
		}
		a := s.acts[i]
		switch {
		case a.answer.status != one.status:
			complain(one, "was answered %d %s, not %s", a.answer.code, a.answer.status, one.status)
		case a.answer.revision != one.revision:
			complain(one, "became revision %d, not %d", a.answer.revision, one.revision)
		case a.push != nil && !slices.Equal(a.push.sinks(), one.sinks):
			complain(one, "was meant for %v, not %v", a.push.sinks(), one.sinks)
		case a.push != nil:
			s.verifyArrival(ctx, a, func(format string, args ...any) { complain(one, format, args...) })
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("not every sample became what it must: %w", errors.Join(missing...))
}

// verifyArrival asks both ends: the spool and the stand-in.
func (s *show) verifyArrival(ctx context.Context, a act, complain func(format string, args ...any)) {
	for _, sink := range a.sinks {
		p, err := s.progress(ctx, a.push, sink)
		switch {
		case err != nil:
			complain("%w", err)
		case slices.Contains(a.superseded, sink):
			if p.state != superseded || len(s.standIn(sink).of(a.push.message(sink))) > 0 {
				complain("was told to %s, although a newer revision came: %s", sink, p.state)
			}
		case p.state != delivered:
			complain("has not been delivered to %s: %s after %s", sink, p.state, plural(len(p.tries), "attempt"))
		case !s.standIn(sink).taken(a.push.message(sink)):
			complain("has not reached %s, although the spool says so", sink)
		case sink == hubspotSink:
			s.verifyEntry(a, complain)
		}
	}
}

// verifyEntry wants one entry under the right contact and owner.
func (s *show) verifyEntry(a act, complain func(format string, args ...any)) {
	shown := s.account.shows(a.push.record.ID)
	if !strings.HasPrefix(shown, "one entry ") || !strings.Contains(shown, " under "+contactName+", of "+ownerEmail) {
		complain("is in HubSpot as %s", shown)
	}
}

// sinks are the names of those who get the call.
func (p *push) sinks() []string {
	var names []string
	for _, c := range p.chosen {
		names = append(names, c.sink)
	}
	return names
}
