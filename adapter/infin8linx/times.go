package infin8linx

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/cdrelay/cdrelay/internal/call"
)

const (
	// beijing is UTC+8 all year: China has kept one zone, without summer time,
	// since before this vendor's first call. A fixed zone needs no zone file.
	beijing = 8 * 60 * 60

	// maxSeconds is about three years; a longer call is a mistake.
	maxSeconds = 100_000_000
	// slack is how far the vendor's own seconds may differ from its times, which
	// are cut to seconds at both ends.
	slack = 2
)

func (c *conversion) times() {
	c.StartedAt = c.time("starttime")
	c.AnsweredAt = c.time("answertime")
	c.EndedAt = c.time("endtime")
	c.checkZone()
}

// time reads a time of the vendor, in the documented form or another one.
func (c *conversion) time(key string) call.Time {
	t, problem := call.ParseTime(c.Plain(key), c.src.Zone)
	if problem != "" {
		c.Complain(key, problem)
	}
	return t
}

// checkZone holds the start against the clock in a version 1 uuid. Zones differ
// by quarters of an hour; any other distance has another cause.
func (c *conversion) checkZone() {
	const (
		quarter   = 15 * time.Minute
		widest    = 26 * time.Hour // from UTC-12 to UTC+14
		tolerance = time.Minute
	)
	id, err := uuid.Parse(c.Text("uuid"))
	if err != nil || id.Version() != 1 || c.StartedAt.IsZero() {
		return
	}
	off := c.StartedAt.Sub(time.Unix(id.Time().UnixTime()))
	zones := off.Round(quarter)
	if zones == 0 || zones.Abs() > widest || (off-zones).Abs() > tolerance {
		return
	}
	c.Warn(fmt.Sprintf("starttime is %s off the clock of the uuid: the source's timezone may be wrong", offset(zones)))
}

// offset writes +8:00.
func offset(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%s%d:%02d", sign, int(d.Hours()), int(d.Minutes())%60)
}

// answer settles whether somebody talked, and how long everything took.
func (c *conversion) answer() {
	c.TalkSeconds = c.seconds("billsec")
	switch talk := call.SecondsBetween(c.AnsweredAt, c.EndedAt); {
	case c.TalkSeconds != nil:
		c.Answered = *c.TalkSeconds > 0
		if c.Answered && talk != nil && abs(*talk-*c.TalkSeconds) > slack {
			c.Warn(fmt.Sprintf("billsec is %d s, answertime to endtime %d s", *c.TalkSeconds, *talk))
		}
	case talk != nil && *talk > 0:
		c.Answered = true
		c.Warn("billsec is missing: answered because answertime is before endtime")
	}
	if !c.Answered && !c.AnsweredAt.IsZero() {
		c.AnsweredAt = call.Time{}
		c.Warn("answertime is set although nobody talked")
	}
	c.wait()
}

// wait prefers the vendor's duration where the times do not contradict it.
func (c *conversion) wait() {
	said := c.seconds("duration")
	until := c.EndedAt
	if c.Answered {
		until = c.AnsweredAt
	}
	computed := call.SecondsBetween(c.StartedAt, until)
	switch {
	case computed == nil:
		c.WaitSeconds = said
		c.totalWithoutTimes(said)
	case said != nil && abs(*said-*computed) <= slack:
		c.WaitSeconds = said
	case said != nil:
		c.Warn(fmt.Sprintf("duration is %d s, the times say %d s of waiting", *said, *computed))
	}
}

// totalWithoutTimes adds the vendor's seconds where start or end is unknown.
func (c *conversion) totalWithoutTimes(wait *int) {
	known := !c.StartedAt.IsZero() && !c.EndedAt.IsZero()
	if !known && wait != nil && c.TalkSeconds != nil {
		c.TotalSeconds = new(*wait + *c.TalkSeconds)
	}
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

func abs(n int) int { return max(n, -n) }
