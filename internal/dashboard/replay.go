package dashboard

import (
	"context"
	"errors"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// replayJob is one click on replay.
type replayJob struct {
	Deps
	start      time.Time
	perSecond  float64
	configured map[string]bool
	// done were put back or are calls now, kept stay dead letters.
	done, kept int
}

func (j *replayJob) begin(ctx context.Context) error {
	lanes, err := j.Store.Lanes(ctx)
	j.configured = map[string]bool{}
	for _, l := range lanes {
		j.configured[l.Sink] = l.Configured
	}
	return err
}

// due is when the next one comes due.
func (j *replayJob) due() time.Time {
	if j.perSecond <= 0 {
		return j.start
	}
	return j.start.Add(time.Duration(float64(j.done) / j.perSecond * float64(time.Second)))
}

// step replays dead letters, those of one sink together, those of stage intake
// one by one.
func (j *replayJob) step(ctx context.Context, batch []spool.DeadLetter) error {
	bySink := map[string][]spool.DeadLetter{}
	for _, d := range batch {
		switch {
		case d.Stage == spool.StageIntake:
			if err := j.redeem(ctx, d.ID); err != nil {
				return err
			}
		case j.configured[d.Sink]:
			bySink[d.Sink] = append(bySink[d.Sink], d)
		default:
			j.kept++
		}
	}
	for sink, group := range bySink {
		n, _, err := j.Store.Replay(idsOf(group), j.due(), j.perSecond)
		if err != nil {
			return err
		}
		j.done += n
		if j.Replayed != nil {
			j.Replayed(sink, n)
		}
	}
	return nil
}

// maxNote bounds the reason that is kept with a dead letter.
const maxNote = 2 << 10

// redeem converts a callback again. One that is still not understood stays, with
// the reason of today, and does not keep the others from being replayed.
func (j *replayJob) redeem(ctx context.Context, id string) error {
	if j.Redeem == nil {
		j.kept++
		return nil
	}
	d, err := j.Store.DeadLetter(ctx, id)
	if errors.Is(err, spool.ErrNotFound) {
		return nil // somebody else was quicker
	}
	if err != nil {
		return err
	}
	err = j.Redeem(ctx, d)
	_, event := errors.AsType[*call.NotACall](err)
	switch {
	case err == nil:
		j.done++
		return nil
	case event:
		j.done++
		_, err = j.Store.Purge([]string{id})
		return err
	case errors.Is(err, spool.ErrUnavailable) || ctx.Err() != nil:
		return err
	default:
		j.kept++
		return j.Store.NoteLetter(id, plaintext.Cut(err.Error(), maxNote))
	}
}
