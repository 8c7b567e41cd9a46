package tracing

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	parent    = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

func TestIncoming(t *testing.T) {
	many := make([]string, 33)
	for i := range many {
		many[i] = fmt.Sprintf("v%d=1", i)
	}
	long, middle := strings.Repeat("x", 200), strings.Repeat("y", 100)
	for name, c := range map[string]struct {
		parents, states []string
		want            Context
	}{
		"none":                       {nil, nil, ""},
		"plain":                      {[]string{parent}, nil, parent},
		"not sampled":                {[]string{unsampled}, nil, unsampled},
		"with state":                 {[]string{parent}, []string{"a=1,b=2"}, parent + " a=1,b=2"},
		"state in two headers":       {[]string{parent}, []string{"a=1", "b=2"}, parent + " a=1,b=2"},
		"state alone":                {nil, []string{"a=1"}, ""},
		"two parents":                {[]string{parent, parent}, nil, ""},
		"capital letters":            {[]string{strings.ToUpper(parent)}, nil, ""},
		"too short":                  {[]string{parent[:54]}, nil, ""},
		"something behind":           {[]string{parent + "-00"}, nil, ""},
		"trace id of zeros":          {[]string{"00-" + strings.Repeat("0", 32) + parent[35:]}, nil, ""},
		"span id of zeros":           {[]string{parent[:36] + strings.Repeat("0", 16) + "-01"}, nil, ""},
		"forbidden version":          {[]string{"ff" + parent[2:]}, nil, ""},
		"a later version is read":    {[]string{"cc" + parent[2:] + "-more"}, nil, parent},
		"no text":                    {[]string{"\x00\n"}, nil, ""},
		"a state that cannot be":     {[]string{parent}, []string{"a=1,,=,B"}, parent},
		"a state with a line break":  {[]string{parent}, []string{"a=1\r\nX-Evil: 1"}, parent},
		"more than 32 entries":       {[]string{parent}, []string{strings.Join(many, ",")}, parent},
		"a long state: long first":   {[]string{parent}, []string{"a=1,x=" + long + ",y=" + long + ",z=" + long + ",b=2"}, Context(parent + " a=1,y=" + long + ",z=" + long + ",b=2")},
		"a long state: then the end": {[]string{parent}, []string{"a=" + middle + ",b=" + middle + ",c=" + middle + ",d=" + middle + ",e=" + middle + ",f=1"}, Context(parent + " a=" + middle + ",b=" + middle + ",c=" + middle + ",d=" + middle)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Incoming(http.Header{parentHeader: c.parents, stateHeader: c.states}); got != c.want {
				t.Errorf("kept as  %q\nwant     %q", got, c.want)
			}
		})
	}
}

// FuzzIncoming: what is kept is nothing, or bounded, fit for a header, and reads
// as itself.
func FuzzIncoming(f *testing.F) {
	f.Add(parent, "a=1,b=2")
	f.Add("01"+parent[2:]+"-x", strings.Repeat("a=1,", 40))
	f.Add(strings.ToUpper(parent), "=\x00")
	f.Add(parent, "k="+strings.Repeat("v", 600))
	f.Fuzz(func(t *testing.T, p, s string) {
		got := Incoming(http.Header{parentHeader: {p}, stateHeader: {s}})
		if got == "" {
			return
		}
		if len(got) > len(parent)+1+maxState || strings.ContainsAny(string(got), "\r\n\x00") {
			t.Fatalf("kept %q", got)
		}
		if again := format(got.span()); again != got {
			t.Fatalf("%q reads as %q", got, again)
		}
	})
}
