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

// Source is one configured source.
type Source struct {
	Name   string `json:"name"`
	Format string `json:"format"`
	Path   string `json:"path"`
}

// Sink is one configured sink, or one that is gone and is still owed something.
type Sink struct {
	Name string `json:"name"`
	// Kind is webhook or slack; empty for a sink that is gone.
	Kind       string `json:"kind"`
	Configured bool   `json:"configured"`
	// Breaker is closed, open or half_open; empty for a sink that is gone.
	Breaker string `json:"breaker"`
	// RetryAt is when an open breaker lets the next attempt through.
	RetryAt call.Time `json:"retry_at,omitzero"`
	Paused  *Paused   `json:"paused,omitempty"`
	Pending int64     `json:"pending"`
	// InFlight is the number of attempts on their way.
	InFlight        int       `json:"in_flight"`
	OldestPendingAt call.Time `json:"oldest_pending_at,omitzero"`
	DeadLetters     int64     `json:"dead_letters"`
	// Doubtful is how many of the pending ones fail while the sink takes others.
	Doubtful int64 `json:"doubtful"`
	// PerSecond is the configured rate; 0 for none.
	PerSecond float64 `json:"-"`
}

// Paused is a pause that holds.
type Paused struct {
	By string `json:"by"`
	// Until is absent for an operator's pause without an end.
	Until call.Time `json:"until,omitzero"`
	// Reason is why an operator made it.
	Reason string `json:"reason,omitempty"`
}

// ByOperator reports whether an operator made the pause.
func (p *Paused) ByOperator() bool { return p != nil && p.By == string(spool.ByOperator) }

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
	lanes, err := o.deps.Store.Lanes(ctx)
	totals := o.deps.Store.Totals()
	out := Status{
		Version: server.Version, ConfigHash: server.ConfigHash, StartedAt: call.At(server.StartedAt), ReloadedAt: server.ReloadedAt,
		Ready: server.Ready == nil, Refused: server.Refused, Sources: server.Sources, Sinks: joinLanes(server.Sinks, lanes),
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
		s.OldestPendingAt = call.At(l.Oldest)
		if l.Pause != (spool.Pause{}) {
			s.Paused = &Paused{By: string(l.Pause.By), Reason: l.Pause.Reason}
			if !l.Pause.Endless() {
				s.Paused.Until = call.At(l.Pause.Until)
			}
		}
	}
	return out
}
