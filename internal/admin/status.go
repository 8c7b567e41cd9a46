package admin

import (
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// ServerStatus is what the server as a whole tells of itself.
type ServerStatus struct {
	Version    string
	ConfigHash string
	StartedAt  time.Time
	Ready      error
	// Refused is why the configuration was not taken that was read last, and when;
	// nil where it was.
	Refused *Refusal
	Sources []SourceStatus
	Sinks   []SinkStatus
}

// Refusal is a configuration that was not taken.
type Refusal struct {
	At    call.Time `json:"at"`
	Error string    `json:"error"`
}

// SourceStatus is one configured source.
type SourceStatus struct {
	Name   string `json:"name"`
	Format string `json:"format"`
	Path   string `json:"path"`
}

// SinkStatus is one configured sink, or one that is gone and is still owed
// something.
type SinkStatus struct {
	Name string `json:"name"`
	// Kind is webhook or slack; empty for a sink that is gone.
	Kind       string `json:"kind"`
	Configured bool   `json:"configured"`
	// Breaker is closed, open or half_open; empty for a sink that is gone.
	Breaker string `json:"breaker"`
	// RetryAt is when an open breaker lets the next attempt through.
	RetryAt call.Time `json:"retry_at,omitzero"`
	Paused  *paused   `json:"paused,omitempty"`
	Pending int64     `json:"pending"`
	// InFlight is the number of attempts on their way.
	InFlight        int       `json:"in_flight"`
	OldestPendingAt call.Time `json:"oldest_pending_at,omitzero"`
	DeadLetters     int64     `json:"dead_letters"`
	// Doubtful is how many of the pending ones fail while the sink takes others.
	Doubtful int64 `json:"doubtful"`
}

type paused struct {
	By string `json:"by"`
	// Until is absent for an operator's pause, which has no end.
	Until call.Time `json:"until,omitzero"`
}

// statusAnswer is the body of GET /api/v1/status.
type statusAnswer struct {
	Version     string         `json:"version"`
	ConfigHash  string         `json:"config_hash"`
	StartedAt   call.Time      `json:"started_at"`
	Ready       bool           `json:"ready"`
	NotReady    string         `json:"not_ready,omitempty"`
	Refused     *Refusal       `json:"last_refusal,omitempty"`
	Sources     []SourceStatus `json:"sources"`
	Sinks       []SinkStatus   `json:"sinks"`
	DeadLetters deadTotals     `json:"dead_letters"`
	Spool       spoolTotals    `json:"spool"`
}

type deadTotals struct {
	Intake   int64 `json:"intake"`
	Delivery int64 `json:"delivery"`
}

type spoolTotals struct {
	Calls     int64 `json:"calls"`
	BytesUsed int64 `json:"bytes_used"`
	SetAside  int64 `json:"set_aside"`
}

func (a *api) status(w http.ResponseWriter, r *http.Request) {
	server := a.Server()
	lanes, err := a.Store.Lanes(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	totals := a.Store.Totals()
	out := statusAnswer{
		Version: server.Version, ConfigHash: server.ConfigHash, StartedAt: call.At(server.StartedAt),
		Ready: server.Ready == nil, Refused: server.Refused, Sources: server.Sources, Sinks: joinLanes(server.Sinks, lanes),
		DeadLetters: deadTotals{Intake: totals.IntakeDeadLetters},
		Spool:       spoolTotals{Calls: totals.Calls, BytesUsed: totals.BytesUsed, SetAside: totals.SetAside},
	}
	if server.Ready != nil {
		out.NotReady = server.Ready.Error()
	}
	for _, s := range out.Sinks {
		out.DeadLetters.Delivery += s.DeadLetters
	}
	writeJSON(w, out)
}

// joinLanes puts what the spool knows beside what the server knows of each sink,
// and adds sinks that are gone and are still owed something.
func joinLanes(sinks []SinkStatus, lanes []spool.LaneStatus) []SinkStatus {
	out := append([]SinkStatus{}, sinks...)
	at := map[string]int{}
	for i, s := range out {
		at[s.Name] = i
	}
	for _, l := range lanes {
		i, ok := at[l.Sink]
		if !ok {
			i = len(out)
			out = append(out, SinkStatus{Name: l.Sink})
		}
		s := &out[i]
		s.Configured, s.Pending, s.Doubtful, s.DeadLetters = ok, l.Waiting, l.Doubtful, l.DeadLetters
		s.OldestPendingAt = call.At(l.Oldest)
		if l.Pause != (spool.Pause{}) {
			s.Paused = &paused{By: string(l.Pause.By)}
			if l.Pause.By == spool.BySink {
				s.Paused.Until = call.At(l.Pause.Until)
			}
		}
	}
	return out
}
