package app

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/dashboard"
)

// newPage makes the dashboard. It reads the counters once, so the collectors
// must be registered before.
func (a *App) newPage() (*dashboard.Dashboard, error) {
	d := dashboard.Deps{
		Operate: a.operator("page", "dashboard"), Counters: dashboard.FromGatherer(a.registry),
		Configuration: func() ([]byte, error) { return a.state.Load().loaded.Masked() },
		Zone:          func() *time.Location { return a.state.Load().loaded.Zone },
		Log:           a.opts.Log.With("component", "dashboard"),
	}
	if a.opts.Load != nil {
		d.Reload = a.noted(d.Operate)
	}
	return dashboard.New(d)
}

// newState is a configuration in use from now on.
func newState(s state) *state {
	s.since = time.Now()
	return &s
}
