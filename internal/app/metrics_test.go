package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// section9 are the metrics that the contract names.
func section9() []string {
	return strings.Fields(`callbacks_total callback_duration_seconds spool_commit_duration_seconds spool_commit_calls
		spool_bytes spool_free_bytes spool_errors_total spool_quarantined_total deliveries_total attempts_total
		attempt_duration_seconds delivery_latency_seconds pending_deliveries doubtful_deliveries oldest_pending_timestamp_seconds
		dead_letters dead_letters_total replayed_total breaker_state paused_until_timestamp_seconds
		rules_matched_total rule_errors_total unrouted_total config_last_reload_successful
		config_last_reload_success_timestamp_seconds config_hash build_info`)
}

// TestMetrics: every metric of the contract is there before the first call, and
// the linter of Prometheus has nothing to say.
func TestMetrics(t *testing.T) {
	crm := newCounter(t, http.StatusOK)
	r := run(t, head(t.TempDir())+toCRM(crm.URL))
	_, text := r.get("/metrics")
	for _, name := range section9() {
		if !strings.Contains(text, "# TYPE cdrelay_"+name+" ") || !strings.Contains(text, "\ncdrelay_"+name) {
			t.Errorf("no series of cdrelay_%s", name)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "cdrelay_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}
