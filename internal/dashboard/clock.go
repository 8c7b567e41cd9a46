package dashboard

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/moment"
)

// clock writes and reads times. The script of the page rewrites what it finds marked
// in the zone of the browser; without it, all times are in that of the clock.
type clock struct {
	zone func() *time.Location
	now  func() time.Time
}

// layout is how pages write a time; the script writes it the same way.
const layout = "2 Jan 2006 15:04:05 -07:00"

// stamp returns the element of a time, with its offset, and UTC in the title; nothing
// where there is none.
func (c clock) stamp(t any) template.HTML {
	if timeOf(t).IsZero() {
		return ""
	}
	//nolint:gosec // G203: digits and names of months
	return template.HTML(fmt.Sprintf(`<time data-clock datetime="%s" title="%s">%s</time>`,
		format(t, time.UTC, time.RFC3339), inUTC(t), format(t, c.zone(), layout)))
}

// typed returns the time that was typed into a form that was read without an error.
func (c clock) typed(text string) time.Time {
	t, err := c.read(text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// read reads a time as people and the fields of forms write it, in the zone of the
// clock where it says none.
func (c clock) read(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return moment.Parse(text, c.now().In(c.zone()))
}

// between reads since and until.
func (b *Dashboard) between(q url.Values) (since, until time.Time, err error) {
	c := clock{b.Zone, b.Now}
	if since, err = c.read(q.Get("since")); err == nil {
		until, err = c.read(q.Get("until"))
	}
	if err != nil {
		err = &person{http.StatusBadRequest, "That is not a time.", "Write " + moment.Forms + "."}
	}
	return since, until, err
}

// inUTC writes a time as titles show it.
func inUTC(t any) string { return format(t, time.UTC, "2 Jan 2006 15:04:05 UTC") }

// format returns nothing where there is no time.
func format(t any, zone *time.Location, layout string) string {
	if at := timeOf(t); !at.IsZero() {
		return at.In(zone).Format(layout)
	}
	return ""
}

func timeOf(t any) time.Time {
	switch t := t.(type) {
	case time.Time:
		return t
	case call.Time:
		return t.Time
	case *time.Time:
		if t != nil {
			return *t
		}
	}
	return time.Time{}
}
