package delivery

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestDoubt(t *testing.T) {
	start := time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	failed := spool.History{Spent: 1, FailedAt: at(10)}
	doubted := spool.History{Spent: 3, Doubts: 2, FailedAt: at(10), Doubtful: true}
	for _, c := range []struct {
		name      string
		since     int // the lane began to watch
		delivered int // the beginning of an attempt that delivered; 0 for none
		before    spool.History
		want      spool.History
	}{
		{"a first failure", 0, 15, spool.History{}, spool.History{Spent: 1, FailedAt: at(20)}},
		{"nothing else was delivered", 0, 0, failed, spool.History{Spent: 2, FailedAt: at(20)}},
		{"what was delivered began before the failure ended", 0, 10, failed, spool.History{Spent: 2, FailedAt: at(20)}},
		{"another was delivered", 0, 11, failed, spool.History{Spent: 2, Doubts: 1, FailedAt: at(20), Doubtful: true}},
		{"once more", 0, 11, doubted, spool.History{Spent: 4, Doubts: 3, FailedAt: at(20), Doubtful: true}},
		{"nothing else since clears the doubt", 0, 9, doubted, spool.History{Spent: 4, Doubts: 2, FailedAt: at(20)}},
		{"a restart hides what was delivered", 15, 0, failed, spool.History{Spent: 2, FailedAt: at(20)}},
		{"a restart keeps the doubt and counts nothing", 15, 0, doubted, spool.History{Spent: 4, Doubts: 2, FailedAt: at(20), Doubtful: true}},
		{"after a restart another was delivered", 15, 16, failed, spool.History{Spent: 2, Doubts: 1, FailedAt: at(20), Doubtful: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := proof{since: at(c.since)}
			if c.delivered > 0 {
				p.delivered(at(c.delivered))
				p.delivered(at(1)) // an older one changes nothing
			}
			if got := p.judge(c.before, at(20)); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// tries returns how long after its first failure a call ends as failing that the
// sink never takes, while another call is delivered each so often.
func tries(r RetrySettings, others time.Duration, random func() float64) time.Duration {
	start := time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)
	now, h := start, spool.History{}
	offset := time.Duration(random() * float64(others)) // of the others
	p := proof{since: start}
	for {
		if last := now.Sub(start).Truncate(others) + offset; last < now.Sub(start) {
			p.delivered(start.Add(last))
		} else if last >= others {
			p.delivered(start.Add(last - others))
		}
		if h = p.judge(h, now); h.Doubts >= r.DoubtfulAttempts {
			return now.Sub(start)
		}
		now = now.Add(r.wait(h, random))
	}
}

// In a lane of a call a minute, whichever tenant it is for, a weekend is not long
// enough to end a call of a tenant that is down. In a busy lane a call that the
// sink never takes ends within three days.
func TestDoubtfulAttemptsLast(t *testing.T) {
	r := Settings{}.WithDefaults().Retry
	random := rand.New(rand.NewPCG(1, 2)).Float64
	for range 2000 {
		if d := tries(r, time.Minute, random); d < 62*time.Hour {
			t.Errorf("in a quiet lane it ended after %v", d)
		}
		if d := tries(r, time.Second/2, random); d < 40*time.Hour || d > 90*time.Hour {
			t.Errorf("in a busy lane it ended after %v", d)
		}
	}
}
