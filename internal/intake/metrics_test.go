package intake

import (
	"net/http/httptest"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
)

// family gives the metrics of a name.
func (f *fixture) family(t *testing.T, name string) []*dto.Metric {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, fam := range families {
		if fam.GetName() == name {
			return fam.GetMetric()
		}
	}
	return nil
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// counted sums a counter by one label and leaves zeros out.
func (f *fixture) counted(t *testing.T, name, by string) map[string]float64 {
	t.Helper()
	sums := map[string]float64{}
	for _, m := range f.family(t, name) {
		if v := m.GetCounter().GetValue(); v != 0 {
			sums[label(m, by)] += v
		}
	}
	return sums
}

func (f *fixture) labels(t *testing.T, name, by string) []string {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range f.family(t, name) {
		seen[label(m, by)] = true
	}
	var all []string
	for l := range seen {
		all = append(all, l)
	}
	sort.Strings(all)
	return all
}

func TestMetricsLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(newFixture(t, open("a")).registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

func TestSeriesStandAtZeroFromTheStart(t *testing.T) {
	f := newFixture(t, open("a"), open("b"))
	for _, tt := range []struct {
		name, by string
		want     []string
		series   int
	}{
		{"cdrelay_callbacks_total", "source", []string{"", "a", "b"}, 2*len(results()) + 1},
		{"cdrelay_callback_duration_seconds", "source", []string{"a", "b"}, 2},
		{"cdrelay_unrouted_total", "source", []string{"a", "b"}, 2},
		{"cdrelay_rules_matched_total", "rule", []string{"all", "broken", "first"}, 3},
		{"cdrelay_rule_errors_total", "rule", []string{"all", "broken", "first"}, 3},
	} {
		if diff := cmp.Diff(tt.want, f.labels(t, tt.name, tt.by)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if got := len(f.family(t, tt.name)); got != tt.series {
			t.Errorf("%s has %d series, want %d", tt.name, got, tt.series)
		}
	}
}

func TestReloadDropsAndKeepsSeries(t *testing.T) {
	f := newFixture(t, open("a"), open("b"))
	f.do(t, post(callJSON("1")))
	next := testConfig(open("a"))
	next.Rules = []string{"all"}
	before := f.current.Load()
	if err := f.update(next); err != nil {
		t.Fatal(err)
	}
	// A request that was in flight over the reload ends with the old set.
	before.byPath["/callbacks/b"].metrics.count(accepted, 0)
	before.rules["first"].matched.Inc()
	for name, want := range map[string][]string{
		"cdrelay_callbacks_total":           {"", "a"}, // the series of unknown paths has no source
		"cdrelay_callback_duration_seconds": {"a"}, "cdrelay_unrouted_total": {"a"},
	} {
		if diff := cmp.Diff(want, f.labels(t, name, "source")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff([]string{"all"}, f.labels(t, "cdrelay_rules_matched_total", "rule")); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"accepted": 1}, f.counted(t, "cdrelay_callbacks_total", "result")); diff != "" {
		t.Errorf("the kept source began anew (-want +got):\n%s", diff)
	}
}

func TestDurationIsOfAuthenticCallbacks(t *testing.T) {
	f := newFixture(t, SourceConfig{Name: "a", Auth: Auth{Bearer: keys("k")}})
	f.do(t, post(callJSON("1"), header("Authorization", "Bearer k")))
	f.do(t, post(callJSON("1")))
	f.do(t, httptest.NewRequest("GET", "/callbacks/a", nil))
	h := f.family(t, "cdrelay_callback_duration_seconds")[0].GetHistogram()
	if h.GetSampleCount() != 1 {
		t.Errorf("%d durations, want 1", h.GetSampleCount())
	}
	if len(h.GetBucket()) == 0 || h.Schema == nil {
		t.Error("the histogram needs classic and native buckets")
	}
}

func TestMetricsOfTwoHandlersCollide(t *testing.T) {
	f := newFixture(t)
	if _, err := New(testConfig(), Deps{Store: f.store, Log: f.deps.Log, Now: f.deps.Now, Registry: f.registry}); err == nil {
		t.Error("a second handler on one registry: no error")
	}
}
