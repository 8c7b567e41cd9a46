package spool

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
)

// CallFilter selects calls; empty fields select all.
type CallFilter struct {
	// Number matches the end of any number of the call, and any number that it may
	// mean by Deps.Readings; everything but digits is ignored.
	Number       string
	Source       string
	Outcome      string
	Since, Until time.Time
}

// CallSummary is a call in a listing.
type CallSummary struct {
	ID         string          `json:"id"`
	Revision   int             `json:"revision"`
	ReceivedAt call.Time       `json:"received_at"`
	Record     json.RawMessage `json:"record"`
	seq        int64
}

// DeliveryStatus is where the delivery of a call to one sink stands.
type DeliveryStatus struct {
	Sink     string `json:"sink"`
	Revision int    `json:"revision"`
	State    string `json:"state"`
	// Doubtful: it waits, and fails while the sink takes others.
	Doubtful bool      `json:"doubtful,omitempty"`
	Since    call.Time `json:"since,omitzero"`
	// DueAt is when the next attempt is planned.
	DueAt    call.Time `json:"due_at,omitzero"`
	EndedAt  call.Time `json:"ended_at,omitzero"`
	Tries    int       `json:"tries"`
	Attempts []Attempt `json:"attempts,omitempty"`
}

// CallDetail is a call with all kept revisions and their deliveries.
type CallDetail struct {
	ID         string           `json:"id"`
	Revisions  []CallSummary    `json:"revisions"`
	Deliveries []DeliveryStatus `json:"deliveries"`
}

const callColumns = `SELECT seq, call_id, revision, source, outcome, received_at, record FROM calls `

const (
	// detailRecords and detailLogs bound the records and the logs of attempts of one
	// call: a platform may push new content of a call a thousand times.
	detailRecords = 2 << 20
	detailLogs    = 2 << 20
)

const revisionsOfCall = `SELECT seq, revision, received_at, ifnull(length(record), 0) FROM calls WHERE call_id = ? ORDER BY revision DESC`

// Call returns a call with its deliveries and attempts, or ErrNotFound. The record
// of the newest revision is always there, and so are those of the revisions before
// it up to some megabytes; older ones are listed without. The same goes for the
// logs of attempts.
func (s *Spool) Call(ctx context.Context, id string) (CallDetail, error) {
	out := CallDetail{ID: id}
	err := s.listRd.do(ctx, func(c *sqlite.Conn) error {
		var lengths []int
		err := query(c, revisionsOfCall, func(r *sqlite.Stmt) error {
			out.Revisions = append(out.Revisions, CallSummary{
				seq: r.ColumnInt64(0), ID: id, Revision: r.ColumnInt(1), ReceivedAt: call.At(fromMillis(r.ColumnInt64(2))),
			})
			lengths = append(lengths, r.ColumnInt(3))
			return nil
		}, id)
		if err != nil {
			return err
		}
		records, logs := 0, 0
		for i := range out.Revisions {
			rev := &out.Revisions[i]
			if records += lengths[i]; i == 0 || records <= detailRecords {
				if rev.Record, err = readRecord(c, rev.seq); err != nil {
					return err
				}
			}
			if err := s.deliveriesOf(c, *rev, &logs, &out); err != nil {
				return err
			}
		}
		slices.Reverse(out.Revisions)
		slices.SortStableFunc(out.Deliveries, func(a, b DeliveryStatus) int { return a.Revision - b.Revision })
		return nil
	})
	if err == nil && len(out.Revisions) == 0 {
		err = fmt.Errorf("%w: no call %q", ErrNotFound, id)
	}
	return out, err
}

// readRecord returns the encoded record of a call, nil where there is none.
func readRecord(c *sqlite.Conn, seq int64) (record []byte, err error) {
	err = query(c, `SELECT record FROM calls WHERE seq = ?`, func(r *sqlite.Stmt) error {
		record = columnBytes(r, 0)
		return nil
	}, seq)
	return record, err
}

// deliveriesOf adds the deliveries of a revision. logs counts the bytes of their
// logs.
func (s *Spool) deliveriesOf(c *sqlite.Conn, rev CallSummary, logs *int, out *CallDetail) error {
	return query(c, `SELECT lane, state, due, since, tries, attempts, ended_at FROM deliveries WHERE call_seq = ?`, func(r *sqlite.Stmt) error {
		l := s.laneByID(r.ColumnInt64(0))
		if l == nil {
			return nil
		}
		st := state(r.ColumnInt64(1))
		d := DeliveryStatus{
			Sink: l.name, Revision: rev.Revision, State: st.String(), Doubtful: st == doubtful, Since: call.At(fromMillis(r.ColumnInt64(3))),
			EndedAt: call.At(fromMillis(r.ColumnInt64(6))), Tries: r.ColumnInt(4),
		}
		if st.waits() {
			d.DueAt = call.At(fromMillis(r.ColumnInt64(2)))
		}
		if *logs += r.ColumnLen(5); *logs <= detailLogs {
			d.Attempts = decodeAttempts(columnBytes(r, 5))
		}
		out.Deliveries = append(out.Deliveries, d)
		return nil
	}, rev.seq)
}

// numberKeys are the reversed digits under which a call is found by suffix.
func numberKeys(r *call.Record) []string {
	var out []string
	for _, p := range []call.Party{r.From, r.To} {
		number := p.Number
		if number == "" {
			number = p.Raw
		}
		if key := searchDigits(number); key != "" {
			out = append(out, key)
		}
	}
	return out
}

// searchDigits reverses the digits of a number as typed, without the leading
// zeros of a trunk prefix or of an international one.
func searchDigits(number string) string {
	reversed := make([]byte, 0, len(number))
	for i := len(number) - 1; i >= 0; i-- {
		if isDigit(number[i]) {
			reversed = append(reversed, number[i])
		}
	}
	return string(bytes.TrimRight(reversed, "0"))
}
