package adapter_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/call"
)

func TestTable(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"infin8linx", "nxcc"}, adapter.Names()); diff != "" {
		t.Error(diff)
	}
	if !slices.IsSorted(adapter.Names()) {
		t.Error("the names are not sorted")
	}
	for _, name := range adapter.Names() {
		f, ok := adapter.Lookup(name)
		if !ok || f.Name != name || f.Convert == nil {
			t.Errorf("%s: %+v, %v", name, f, ok)
		}
		if _, err := time.LoadLocation(f.DefaultZone); err != nil {
			t.Errorf("%s: default zone: %v", name, err)
		}
	}
	if f, ok := adapter.Lookup("nobody"); ok {
		t.Errorf("an unknown format was found: %+v", f)
	}
}

// The default zone that the table names is the one that Convert takes.
func TestDefaultZone(t *testing.T) {
	t.Parallel()
	f, _ := adapter.Lookup("infin8linx")
	zone, err := time.LoadLocation(f.DefaultZone)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"companycode":"1","id":1,"starttime":"2025-10-16 17:31:13"}`)
	implicit, err := f.Convert(body, call.Source{Name: "dialer"})
	if err != nil {
		t.Fatal(err)
	}
	explicit, err := f.Convert(body, call.Source{Name: "dialer", Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(explicit, implicit); diff != "" || implicit.StartedAt.IsZero() {
		t.Errorf("with and without the zone (%v):\n%s", implicit.StartedAt, diff)
	}
}
