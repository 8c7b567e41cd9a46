package contracttest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/cdrelay/cdrelay/internal/outbound"
)

// previews compares what a sink says that it would send with what arrives: the
// same but for signatures, their time and tokens. It is made without the network
// and shows no secret.
func (k Kind) previews(t *testing.T) {
	for _, r := range Records() {
		b := k.set(t, 0, k.Deliver)
		request, err := Request(b.sink, MessageID, r)
		if err != nil {
			t.Fatal(err)
		}
		wire, err := b.sink.Transport().Preview(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(b.server.all()); n != 0 {
			t.Fatalf("%s: a preview made %d requests", r.ID, n)
		}
		b.deliver(t, r)
		comparePreview(t, wire, b.server.all()[0])
		shown := b.sink.Transport().Shown(wire)
		b.plants.check(t, "a shown preview", fmt.Sprintf("%s %s %v %s", shown.Method, shown.URL, shown.Header, shown.Body))
	}
}

func comparePreview(t *testing.T, wire outbound.Wire, got Arrived) {
	t.Helper()
	u, err := url.Parse(wire.URL)
	if err != nil {
		t.Fatal(err)
	}
	if wire.Method != got.Method || u.RequestURI() != got.URI || !bytes.Equal(wire.Body, got.Body) {
		t.Errorf("the preview is %s %s %.300s, what arrived %s %s %.300s",
			wire.Method, u.RequestURI(), wire.Body, got.Method, got.URI, got.Body)
	}
	arrived := got.Header.Clone()
	arrived.Del("Content-Length") // net/http's own
	if want, have := names(arrived), names(wire.Header); !slices.Equal(want, have) {
		t.Errorf("the preview has the headers %v, what arrived %v", have, want)
	}
	for name, values := range wire.Header {
		fresh := name == "Webhook-Timestamp" || bytes.Contains([]byte(values[0]), []byte(outbound.Mask))
		if !fresh && !slices.Equal(values, arrived[name]) {
			t.Errorf("header %s is %q in the preview, %q when it arrived", name, values, arrived[name])
		}
	}
}

func names(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }
