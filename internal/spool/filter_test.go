package spool

import (
	"encoding/json"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
)

// TestMatchesRecordHoweverItIsEncoded: an older encoder escaped for HTML, and a text may
// stand elsewhere in the record.
func TestMatchesRecordHoweverItIsEncoded(t *testing.T) {
	r := &call.Record{
		ID: "dialer:1", Direction: call.Inbound, Account: `A&B "x" \ <é>`,
		Agent: call.Agent{ID: "ID-7", Name: "Zoë \u2028 陈伟"}, References: call.References{Custom: "other"},
		Raw: json.RawMessage(`{"k":"raw"}`),
	}
	escaped, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range [][]byte{r.JSON(), escaped} {
		for f, want := range map[CallFilter]bool{
			{}:                             true,
			{Direction: call.Inbound}:      true,
			{Direction: call.Outbound}:     false,
			{Account: r.Account}:           true,
			{Account: "other"}:             false,
			{Account: "A&B"}:               false,
			{Agent: "id-7"}:                true,
			{Agent: "ID-"}:                 false,
			{Agent: "zoë \u2028 陈伟"}:       true,
			{Agent: "raw"}:                 false,
			{Agent: "id-7", Account: "no"}: false,
		} {
			if got := f.MatchesRecord(record); got != want {
				t.Errorf("%+v: %v, want %v, of %s", f, got, want, record)
			}
		}
	}
	if (CallFilter{Agent: "x"}).MatchesRecord([]byte("damaged")) {
		t.Error("a damaged record is of an agent")
	}
}
