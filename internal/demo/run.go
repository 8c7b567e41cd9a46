package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Options say how the demo runs.
type Options struct {
	// Out gets the trace.
	Out io.Writer
	// Once ends the demo after the samples; else it stays up until the context
	// ends, and tells of what is posted to it.
	Once bool
	// Version is that of the binary.
	Version string
}

// onceWithin leaves time to stop within the 30 seconds that a demo with Once may
// take.
const onceWithin = 25 * time.Second

// Run performs the demo. With Once it gives nil only if every sample became what
// it must and every delivery arrived; else the error says what is missing. Without
// Once the end of the context is the way to end it, and no error.
func Run(ctx context.Context, o Options) (err error) {
	if o.Once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, onceWithin)
		defer cancel()
	}
	folder, err := os.MkdirTemp("", "cdrelay-demo-")
	if err != nil {
		return fmt.Errorf("demo folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	stage, err := build(ctx, folder, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.close()) }()
	s := &show{stage: stage, out: newPrinter(o.Out), version: o.Version, shown: map[string]bool{}}
	return s.perform(ctx, o.Once)
}

// show tells of what happens on the stage.
type show struct {
	*stage
	out     *printer
	version string
	// acts are the samples told of so far.
	acts []act
	// shown are the sinks of which a message was shown.
	shown map[string]bool
	// buried and replayed count dead letters.
	buried, replayed int
}

// act is a sample with what became of it.
type act struct {
	sample
	answer answer
	// push is nil for what is no call.
	push *push
}

func (s *show) perform(ctx context.Context, once bool) error {
	s.introduce()
	err := s.play(ctx)
	switch {
	case once:
		return s.conclude(ctx, err)
	case ctx.Err() != nil: // the user has seen enough
		return s.out.err
	case err != nil:
		return err
	}
	if err := s.conclude(ctx, nil); err != nil {
		return err
	}
	return s.invite(ctx)
}

// conclude sums up and says what is missing, if anything is; err is why the
// samples came to an early end.
func (s *show) conclude(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx) // the spool is still open
	s.summarise(ctx)
	err = errors.Join(err, s.verify(ctx))
	if err == nil {
		s.out.fact("result", green, "every call has arrived where it must, and nothing is lost")
		s.out.gap()
	}
	return errors.Join(err, s.out.err)
}

// introduce says what is going to be seen.
func (s *show) introduce() {
	s.out.heading("cdrelay " + s.version + ": a demonstration")
	s.out.gap()
	s.out.text(2, plain, "Two telephony platforms report finished calls, each in its own format. cdrelay stores each "+
		"call, turns it into one common record, decides by rules who is told of it, and brings it there, "+
		"again and again until it has arrived.")
	s.out.gap()
	s.out.line("      Infin8linx --.                                      .--> crm            a CRM")
	s.out.line("                    >--> cdrelay: disk, record, rules ---+---> hubspot        HubSpot")
	s.out.line("      NXCC       --'                                      '--> missed-calls   a Slack channel")
	s.out.gap()
	s.out.text(2, plain, "The server, its configuration and what it does are real. The platforms, the CRM, HubSpot and "+
		"Slack are stand-ins in this process; the CRM and Slack fail now and then. Telephone numbers are masked.")
	s.out.gap()
}

// play posts the samples one after the other, each when the one before has
// arrived everywhere.
func (s *show) play(ctx context.Context) error {
	for i, one := range samples() {
		s.out.heading(fmt.Sprintf("%d. %s", i+1, one.title))
		s.out.text(indent-1, dim, one.note)
		if err := s.tell(ctx, one); err != nil {
			return fmt.Errorf("sample %d, %s: %w", i+1, one.file, err)
		}
		s.out.gap()
		if s.out.err != nil {
			return s.out.err
		}
	}
	return nil
}

// tell posts one sample and tells of all that becomes of it.
func (s *show) tell(ctx context.Context, one sample) error {
	body, err := one.body()
	if err != nil {
		return err
	}
	a, err := s.post(ctx, one.source, body)
	if err != nil {
		return err
	}
	done := act{sample: one, answer: a}
	s.tellAnswer(one.source, len(body), a)
	if a.status == accepted {
		if done.push, err = s.find(ctx, a.id, a.revision); err != nil {
			return err
		}
	}
	s.acts = append(s.acts, done)
	switch {
	case a.status == refused:
		return s.tellKept(ctx)
	case done.push == nil:
		return nil
	}
	s.tellRecord(done.push)
	if len(one.superseded) > 0 {
		return nil // the next sample must be quick
	}
	if n := len(s.acts) - 2; n >= 0 && len(s.acts[n].superseded) > 0 {
		s.out.fact("", dim, fmt.Sprintf("what became of revision %d:", s.acts[n].revision))
		if err := s.tellDeliveries(ctx, s.acts[n].push, false); err != nil {
			return err
		}
		s.out.fact("", dim, fmt.Sprintf("what became of revision %d:", one.revision))
	}
	return s.tellDeliveries(ctx, done.push, one.mended)
}
