package operate

import (
	"context"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// Server is what the server as a whole knows of itself.
type Server struct {
	Version    string
	ConfigHash string
	StartedAt  time.Time
	// ReloadedAt is when the configuration in use was read.
	ReloadedAt time.Time
	// Ready is nil when callbacks are taken, else says why not.
	Ready error
	// Refused is the configuration that was read last and not taken; nil where it was
	// taken.
	Refused *Refusal
	Sources []Source
	Sinks   []Sink
}

// Refusal is a configuration that was not taken.
type Refusal struct {
	At    call.Time `json:"at"`
	Error string    `json:"error"`
}

// Status is the whole at a glance.
type Status struct {
	Version     string      `json:"version"`
	ConfigHash  string      `json:"config_hash"`
	StartedAt   call.Time   `json:"started_at"`
	Ready       bool        `json:"ready"`
	NotReady    string      `json:"not_ready,omitempty"`
	Refused     *Refusal    `json:"last_refusal,omitempty"`
	Sources     []Source    `json:"sources"`
	Sinks       []Sink      `json:"sinks"`
	DeadLetters DeadTotals  `json:"dead_letters"`
	Spool       SpoolTotals `json:"spool"`
	// ReloadedAt is when the configuration in use was read.
	ReloadedAt time.Time `json:"-"`
}

// DeadTotals counts the dead letters by their stage.
type DeadTotals struct {
	Intake   int64 `json:"intake"`
	Delivery int64 `json:"delivery"`
}

// SpoolTotals is what the spool holds.
type SpoolTotals struct {
	Calls     int64 `json:"calls"`
	BytesUsed int64 `json:"bytes_used"`
	SetAside  int64 `json:"set_aside"`
}

// Status returns the status. Beside an error it holds what the server itself knows.
func (o *Operator) Status(ctx context.Context) (Status, error) {
	server := o.deps.Server()
	sinks, err := o.sinks(ctx, server.Sinks)
	totals := o.deps.Store.Totals()
	out := Status{
		Version: server.Version, ConfigHash: server.ConfigHash, StartedAt: call.At(server.StartedAt), ReloadedAt: server.ReloadedAt,
		Ready: server.Ready == nil, Refused: server.Refused, Sources: server.Sources, Sinks: sinks,
		DeadLetters: DeadTotals{Intake: totals.IntakeDeadLetters},
		Spool:       SpoolTotals{Calls: totals.Calls, BytesUsed: totals.BytesUsed, SetAside: totals.SetAside},
	}
	if server.Ready != nil {
		out.NotReady = server.Ready.Error()
	}
	for _, s := range out.Sinks {
		out.DeadLetters.Delivery += s.DeadLetters
	}
	return out, err
}

// sinks joins what the server knows of its sinks with their lanes. Beside an error it
// returns what the server knows.
func (o *Operator) sinks(ctx context.Context, known []Sink) ([]Sink, error) {
	lanes, err := o.deps.Store.Lanes(ctx)
	sinks := joinLanes(known, lanes)
	now := o.deps.Store.Now()
	for i := range sinks {
		s := &sinks[i]
		var due time.Time
		if err == nil && s.Pending > 0 && !s.fresh && s.Configured && !s.Paused.endless() {
			due, err = o.deps.Store.NextDue(ctx, s.Name, true)
		}
		s.complete(now, due)
	}
	return sinks, err
}

// joinLanes puts what the spool knows beside what the server knows of each sink,
// and adds sinks that are gone and are still owed something.
func joinLanes(sinks []Sink, lanes []spool.LaneStatus) []Sink {
	out := append([]Sink{}, sinks...)
	at := map[string]int{}
	for i, s := range out {
		at[s.Name] = i
	}
	for _, l := range lanes {
		i, ok := at[l.Sink]
		if !ok {
			i = len(out)
			out = append(out, Sink{Name: l.Sink})
		}
		s := &out[i]
		s.Configured, s.Pending, s.Doubtful, s.DeadLetters = ok, l.Waiting, l.Doubtful, l.DeadLetters
		s.OldestPendingAt, s.fresh = call.At(l.Oldest), l.Fresh
		if l.Pause != (spool.Pause{}) {
			s.Paused = &Paused{By: string(l.Pause.By), Reason: l.Pause.Reason}
			if !l.Pause.Endless() {
				s.Paused.Until = call.At(l.Pause.Until)
			}
		}
	}
	return out
}
