package crash

import "testing"

// TestCrashPowerCutsWhilePurging ends the power while delivered history is
// erased to stay below spool.max_bytes, which goes on all the time: what waits,
// and dead letters, must outlive it.
func TestCrashPowerCutsWhilePurging(t *testing.T) {
	want := max(plainCuts, numberFromEnv(t, "CDRELAY_CRASH_CUTS", plainCuts)/4)
	cutOnDisks(t, want, func(t *testing.T, seed uint64, cuts int) cutTally {
		t.Helper()
		e := newEpisode(t, seed, 2)
		e.calls.plain = true
		e.before = e.fillUp
		e.run(cuts)
		return e.tally
	})
}

// fillUp lets a process take calls until it has begun to erase the oldest.
func (e *episode) fillUp() {
	e.t.Helper()
	p := launch(e.t, e.config)
	p.awaitServing()
	e.calls.target.Store(&p.public)
	eventually(e.t, patience, "history is purged", func() bool { return p.metric("cdrelay_spool_history_purged_total") > 0 })
	e.calls.target.Store(nil)
	p.kill()
}
