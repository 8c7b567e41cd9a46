package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// histogram returns how often a histogram was observed, and the sum.
func histogram(tb testing.TB, h prometheus.Histogram) (count, sum uint64) {
	tb.Helper()
	var m dto.Metric
	if err := h.Write(&m); err != nil {
		tb.Fatal(err)
	}
	return m.GetHistogram().GetSampleCount(), uint64(m.GetHistogram().GetSampleSum())
}

// Commits returns the number of commits that held calls, and of those calls.
func (s *Store) Commits(tb testing.TB) (commits, calls uint64) {
	tb.Helper()
	return histogram(tb, s.metrics.calls)
}

// Errors returns spool_errors_total for an op.
func (s *Store) Errors(op string) float64 {
	return testutil.ToFloat64(s.metrics.errors.WithLabelValues(op))
}

func TestMetricsAreNamedAsPrometheusAsks(t *testing.T) {
	s := openPlain(t, spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")})
	problems, err := testutil.CollectAndLint(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(s); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]int{}
	for _, f := range families {
		have[f.GetName()] = len(f.GetMetric())
	}
	for name, series := range map[string]int{
		"cdrelay_spool_commit_duration_seconds": 1, "cdrelay_spool_commit_calls": 1, "cdrelay_spool_bytes": 3,
		"cdrelay_spool_free_bytes": 1, "cdrelay_spool_errors_total": len(ops()), "cdrelay_spool_quarantined_total": 1,
	} {
		if have[name] != series {
			t.Errorf("%s has %d series at the start, want %d", name, have[name], series)
		}
	}
}

func TestEveryOpThatCanFailHasASeries(t *testing.T) {
	known := map[string]bool{}
	for _, op := range ops() {
		known[op] = true
	}
	for _, op := range opsInSource(t) {
		if !known[op] {
			t.Errorf("op %q is not in ops()", op)
		}
	}
}
