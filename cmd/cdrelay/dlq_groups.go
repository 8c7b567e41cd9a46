package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// listGroups prints what dead letters have in common, the largest group first.
func (o *operator) listGroups(q url.Values, limit int) error {
	if limit < 0 {
		return &usageError{fmt.Errorf("--limit is 0 for all, or more, not %d", limit)}
	}
	var sum operate.LetterGroups
	for next := true; next; {
		var page operate.Page[operate.LetterGroup]
		if err := o.client.Get(o.ctx(), lettersPath+"/groups", q, &page); err != nil {
			return err
		}
		for _, g := range page.Items {
			sum.Add(g)
		}
		q.Set("cursor", page.NextCursor)
		next = page.NextCursor != ""
	}
	groups := sum.All()
	if n := len(groups); limit > 0 && n > limit {
		o.say("%d of %d groups are shown: raise --limit", limit, n)
		groups = groups[:limit]
	}
	return o.printGroups(groups, q)
}

func (o *operator) printGroups(groups []operate.LetterGroup, q url.Values) error {
	t := o.table(
		column{"COUNT", 0, 0}, column{"SINK", 0, 0}, column{"SOURCE", 3, 0}, column{"REASON", 0, 0}, column{"OLDEST", 2, 0}, column{"NEWEST", 4, 0},
		column{"EXAMPLE", 1, 0}, column{"ANSWER", 5, 20},
	)
	for _, g := range groups {
		if o.json {
			text, err := plainjson.Marshal(g)
			if err == nil {
				_, err = fmt.Fprintf(o.out(), "%s\n", plaintext.JSON(text))
			}
			if err != nil {
				return err
			}
			continue
		}
		answer := g.Answer
		if g.Filter == nil {
			answer = "(others)"
		}
		t.row(cells(strconv.Itoa(g.Count), g.Sink, g.Source, string(g.Reason), o.when(g.OldestAt), o.when(g.NewestAt), g.Example, answer))
	}
	if len(groups) == 0 {
		o.say("no dead letter matches%s", o.misnamed(q.Get("sink"), q.Get("source")))
	}
	if o.json || len(groups) == 0 && !t.csv {
		return nil
	}
	return t.end()
}

// who says whose call it was, in few words.
func (o *operator) who(c *operate.LetterCall) string {
	if c == nil {
		return ""
	}
	return strings.TrimSpace(o.party(c.Outside()) + " " + o.masked(call.Masker{}, c.Agent.Name))
}
