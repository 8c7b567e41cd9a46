package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// tellAnswer says what came in and what it was answered.
func (s *show) tellAnswer(source string, size int, a answer) {
	s.out.fact("received", plain, fmt.Sprintf("%s posts %d bytes to /callbacks/%s", platform(source), size, source))
	said := fmt.Sprintf("%d %s", a.code, a.status)
	switch a.status {
	case accepted:
		s.out.fact("answered", green, fmt.Sprintf("%s, after %s: safe on the disk", said, millis(a.took)))
	case duplicate:
		s.out.fact("answered", plain, fmt.Sprintf("%s: revision %d of %s is known already, nothing is sent", said, a.revision, a.id))
	case ignored:
		s.out.fact("answered", plain, said+": understood, counted, and no call record")
	default:
		s.out.fact("answered", red, said+": "+a.detail)
	}
}

// millis is a short duration.
func millis(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

// tellKept says that a callback that could not be understood is not lost.
func (s *show) tellKept(ctx context.Context) error {
	l, err := s.letter(ctx, spool.LetterFilter{Stage: spool.StageIntake}, func(spool.DeadLetter) bool { return true })
	if err != nil {
		return err
	}
	s.out.fact("dead letter", red, fmt.Sprintf("%s (stage %s, reason %s)", l.ID, l.Stage, l.Reason))
	s.buried++
	s.out.fact("", plain, "kept with its body, so that it can be replayed once it can be read")
	return nil
}

// tellRecord says what a callback became and who gets it.
func (s *show) tellRecord(p *push) {
	r := p.record
	s.out.fact("converted", plain, fmt.Sprintf("%s, revision %d", r.ID, r.Revision))
	s.out.fact("", plain, summary(r))
	for _, w := range r.Warnings {
		s.out.fact("noticed", yellow, r.Masker().Text(w))
	}
	label := "routed"
	for _, c := range p.chosen {
		s.out.fact(label, plain, fmt.Sprintf("to %s by the rule %q", c.sink, c.rule))
		label = ""
	}
	if len(p.chosen) == 0 {
		s.out.fact(label, plain, "to nobody: no rule names a sink for it; it stays searchable in the spool")
	}
}

// tellDeliveries follows the call to each of its sinks.
func (s *show) tellDeliveries(ctx context.Context, p *push, mended bool) error {
	for _, c := range p.chosen {
		label := c.sink
		tell := func(t try) {
			s.tellTry(label, c.sink, p, t)
			label = ""
		}
		done, err := s.follow(ctx, p, c.sink, 0, tell)
		switch {
		case err != nil:
		case done.state == buried:
			err = s.tellLetter(ctx, p, c.sink)
		case done.state == superseded:
			s.out.fact(label, plain, "superseded: a newer revision came while it settled, and is told instead")
		}
		if err == nil && done.state == buried && mended {
			label = c.sink
			done, err = s.mend(ctx, p, c.sink, len(done.tries), tell)
		}
		if err != nil {
			return err
		}
		s.tellArrival(p, c.sink, done)
	}
	return nil
}

// tellTry says what a try met and what follows from it.
func (s *show) tellTry(label, sink string, p *push, t try) {
	since := max(0, t.at.Sub(p.record.ReceivedAt.Time)) // the record has milliseconds only
	said, _, _ := strings.Cut(t.said, "\n")
	verdict, colour := t.verdict(sink)
	at := fmt.Sprintf("+%.1f s ", since.Seconds())
	if line := at + said + " -> " + verdict; len(wrap(line, width-labelled)) == 1 {
		s.out.fact(label, colour, line)
		return
	}
	s.out.fact(label, colour, at+said)
	s.out.fact("", colour, "-> "+verdict)
}

// tellLetter says that a delivery was given up.
func (s *show) tellLetter(ctx context.Context, p *push, sink string) error {
	l, err := s.letterOf(ctx, p, sink)
	if err != nil {
		return err
	}
	s.out.fact("dead letter", red, fmt.Sprintf("%s (stage %s, reason %s)", l.ID, l.Stage, l.Reason))
	s.buried++
	s.out.fact("", plain, "the call is kept; other calls go on meanwhile")
	return nil
}

// mend lets the CRM's administrator add the field, and replays the dead letter.
func (s *show) mend(ctx context.Context, p *push, sink string, known int, tell func(try)) (progress, error) {
	l, err := s.letterOf(ctx, p, sink)
	if err != nil {
		return progress{}, err
	}
	s.crmState.add(pressed)
	s.out.fact("mended", plain, fmt.Sprintf("the CRM's administrator adds the field %q", pressed))
	done, _, err := s.app.Spool().Replay(ctx, []string{l.ID}, time.Now(), 0)
	if err != nil {
		return progress{}, fmt.Errorf("replay: %w", err)
	}
	s.replayed += done
	s.out.fact("replayed", plain, fmt.Sprintf("%s, with the same message id as before", plural(done, "dead letter")))
	return s.follow(ctx, p, sink, known, tell)
}

// tellArrival shows, the first time, what the sink got.
func (s *show) tellArrival(p *push, sink string, done progress) {
	if done.state == delivered && sink == hubspotSink {
		s.out.fact("", dim, "HubSpot shows "+p.record.Masker().Text(s.account.shows(p.record.ID)))
		return
	}
	standIn := s.standIn(sink)
	if done.state != delivered || standIn == nil || s.shown[sink] {
		return
	}
	s.shown[sink] = true
	for _, n := range standIn.of(p.message(sink)) {
		if n.reply.ok() {
			s.out.fact("", dim, sink+" got "+arrived(p.record.Masker(), sink, n.body))
			return
		}
	}
}
