package nxcc

import (
	"fmt"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

const (
	// maxSeconds is about three years; a longer call is a mistake.
	maxSeconds = 100_000_000
	// slack is how far the vendor's own seconds may differ from its times.
	slack = 2
)

func (c *conversion) times() {
	c.StartedAt = c.milliseconds("startTime")
	c.RingingAt = c.milliseconds("ringTime")
	c.AnsweredAt = c.milliseconds("answerTime")
	c.EndedAt = c.milliseconds("endTime")
	c.RingSeconds = c.seconds("ringDuration")
	c.Queue = call.Queue{EnteredAt: c.milliseconds("inQueueTime"), LeftAt: c.milliseconds("outQueueTime")}
	c.Queue.Seconds = call.SecondsBetween(c.Queue.EnteredAt, c.Queue.LeftAt)
	if c.Queue.Seconds == nil {
		c.Queue.Seconds = c.queueSeconds()
	}
}

// queueSeconds reads queueDuration, which some records have in milliseconds: it
// counts as seconds unless the call was shorter. A call that never queued comes
// with 0.
func (c *conversion) queueSeconds() *int {
	said := c.seconds("queueDuration")
	if said == nil || *said == 0 {
		return nil
	}
	total := call.SecondsBetween(c.StartedAt, c.EndedAt)
	if total != nil && *said > *total+slack {
		if *said /= 1000; *said > *total+slack {
			c.Complain("queueDuration", "is longer than the call")
			return nil
		}
	}
	return said
}

func (c *conversion) milliseconds(key string) call.Time {
	return c.unix(key, time.UnixMilli, "milliseconds")
}

// unix reads a count of units since 1970; 0 is no time.
func (c *conversion) unix(key string, at func(int64) time.Time, unit string) call.Time {
	if strings.Contains(c.Text(key), ":") {
		return c.written(key)
	}
	n, ok := c.Int(key)
	if !ok || n == 0 {
		return call.Time{}
	}
	t := at(n)
	if !call.Plausible(t) {
		c.Complain(key, "is no time in "+unit+" since 1970")
		return call.Time{}
	}
	return call.At(t)
}

// written reads a time that came as a date and a clock, which the vendor documents
// nowhere.
func (c *conversion) written(key string) call.Time {
	t, problem := call.ParseTime(c.Text(key), c.src.Zone)
	if problem != "" {
		c.Complain(key, problem)
	}
	return t
}

func (c *conversion) seconds(key string) *int {
	n, ok := c.Int(key)
	if !ok {
		return nil
	}
	if n < 0 || n > maxSeconds {
		c.Complain(key, "is no number of seconds")
		return nil
	}
	return new(int(n))
}

func (c *conversion) answer() {
	flag, ok := c.Bool("answered")
	if !ok {
		c.Answered = c.answeredWithoutFlag()
		return
	}
	c.Answered = flag
	if !flag && !c.AnsweredAt.IsZero() {
		c.AnsweredAt = call.Time{}
		c.Warn("answerTime is set although answered is false")
	}
}

// answeredWithoutFlag reports whether anything but the flag says that somebody
// talked: a time of answer, also an implausible one; a duration where no such time
// was sent; a code of answered calls.
func (c *conversion) answeredWithoutFlag() bool {
	if n, ok := c.Int("answerTime"); ok && n > 0 {
		return true
	}
	talk, ok := c.Int("callDuration")
	return c.cause.Outcome == call.Answered || ok && talk > 0 && !c.Has("answerTime")
}

// settleTalk fills the talk time from the vendor's own value where the times give
// none, and warns where the two contradict each other. Unanswered calls have only
// the zero that the vendor measured.
func (c *conversion) settleTalk(key string) {
	said := c.seconds(key)
	switch {
	case said == nil:
	case c.TalkSeconds == nil && (c.Answered || *said == 0):
		c.TalkSeconds = said
	case c.TalkSeconds == nil:
		c.Complain(key, "on a call that nobody answered")
	case max(*said-*c.TalkSeconds, *c.TalkSeconds-*said) > slack:
		c.Warn(fmt.Sprintf("%s is %d s, answer to end %d s", key, *said, *c.TalkSeconds))
	}
}
