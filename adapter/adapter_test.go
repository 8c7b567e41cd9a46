package adapter_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

// TestExamples: the callback to try a source with is a sound one of its format, on one
// line, of numbers that belong to nobody.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, f := range adapter.Formats() {
		r, err := f.Convert([]byte(f.Example), call.Source{Name: "desk", Region: "ID"})
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if r.From.Number != "+12025550123" || r.Customer == nil || !r.Answered || r.Direction != call.Inbound || len(r.Warnings) > 0 {
			t.Errorf("%s: %s", f.Name, r.JSON())
		}
		if strings.ContainsAny(f.Example, "\n'$") || (f.Signature != nil) != (len(f.Signing.Lines) > 0) {
			t.Errorf("%s: %s, %+v", f.Name, f.Example, f.Signing)
		}
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

// TestRecordsAreBounded gives every format a callback whose known fields are all
// long, of letters that grow in JSON.
func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	for _, name := range adapter.Names() {
		f, _ := adapter.Lookup(name)
		for _, letter := range []string{"1", "<", "‹", `\"`, `x\u0001`, "x\u2028", "a\xff"} {
			for _, key := range []string{"7", strings.Repeat("7", 200)} {
				body := stuffed(t, name, key, strings.Repeat(letter, 3000))
				r, err := f.Convert(body, call.Source{Name: "dialer", Region: "ID"})
				if letter == "a\xff" {
					if _, ok := errors.AsType[*call.Unreadable](err); !ok {
						t.Errorf("%s: bytes that are no text: %v", name, err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if n := len(r.JSON()); n > len(body)+call.MaxGrowth {
					t.Errorf("%s: %d × %q: a callback of %d bytes becomes a record of %d", name, 3000, letter, len(body), n)
				}
				if len(r.References.Custom) > call.MaxText || r.References.Custom == "" || len(r.Warnings) == 0 {
					t.Errorf("%s: custom has %d bytes, warnings %q", name, len(r.References.Custom), r.Warnings)
				}
				if want := call.NewID("dialer", key); r.ID != want {
					t.Errorf("%s: id %.80q, want %.80q", name, r.ID, want)
				}
			}
		}
	}
}

// stuffed is a callback whose texts are all alike; its key is not.
func stuffed(t *testing.T, format, key, text string) []byte {
	t.Helper()
	fields := map[string][]string{
		"nxcc": {
			"callId", "callerNumber", "calleeNumber", "caller", "callee", "agentAccount", "agentName", "extension", "other", "recordUrl", "leaveMsgUrl",
			"orderId", "customerId", "taskId", "round", "intention", "sipCode", "hangupReason", "dtmf", "cost", "companyId", "queueName",
		},
		"infin8linx": {
			"uuid", "callfrom", "callto", "agentid", "agentname", "extension", "ext", "chengshudu", "recordfile", "recordserver", "orderid",
			"memberid", "customuuid", "taskid", "hangupcause", "dtmf", "fee", "caller", "callee", "customernum", "cno",
		},
	}[format]
	if len(fields) == 0 {
		t.Fatalf("name the fields of %s here", format)
	}
	var b strings.Builder
	for i, name := range fields {
		if i == 0 {
			fmt.Fprintf(&b, `{%q:%q`, name, key)
			continue
		}
		fmt.Fprintf(&b, `,%q:"%s"`, name, text)
	}
	return []byte(b.String() + "}")
}
