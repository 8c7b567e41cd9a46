package demo

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/config"
)

// TestEverySampleArrives asks the stand-ins what reached them, then takes things
// away and wants them missed.
func TestEverySampleArrives(t *testing.T) {
	t.Parallel()
	stage, err := build(t.Context(), t.TempDir(), Options{Once: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stage.close(); err != nil {
			t.Error(err)
		}
	}()
	s := &show{stage: stage, out: newPrinter(io.Discard), shown: map[string]bool{}}
	if err := s.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkCRM(t, s.standIns[crmSink])
	if notes := s.standIns[slackSink].notes; len(notes) != 3 || notes[0].message != notes[1].message {
		t.Errorf("%d requests to Slack, want the same message twice, and one of the ring group", len(notes))
	}
	checkMissed(t, s)
}

// checkCRM wants each call once in the CRM, all tries of a call under one id.
func checkCRM(t *testing.T, crm *standIn) {
	t.Helper()
	var got []string
	ids := map[string]bool{}
	for _, n := range crm.notes {
		ids[n.message] = true
		var sent struct {
			ID       string `json:"external_id"`
			Revision int    `json:"revision"`
		}
		if err := json.Unmarshal(n.body, &sent); err != nil {
			t.Fatal(err)
		}
		if n.reply.ok() {
			got = append(got, sent.ID+strings.Repeat("'", sent.Revision-1))
		}
	}
	want := []string{
		"dialer:9513923-263056202", "nxlink:b1920376-5e15-4f22-9996-6233f297685e", "dialer:9513923-263056317",
		"nxlink:6a0c6f0e-2d43-4a8f-8f5b-0c9be2a7d911", "nxlink:6a0c6f0e-2d43-4a8f-8f5b-0c9be2a7d911'", "dialer:9513923-263056544",
		"dialer:9513923-263056801", "dialer:9513923-263056801'",
	}
	if !slices.Equal(got, want) || len(ids) != len(want) {
		t.Errorf("the CRM took %q under %d ids, want %q", got, len(ids), want)
	}
}

func checkMissed(t *testing.T, s *show) {
	t.Helper()
	expect := func(want string) {
		t.Helper()
		if err := s.verify(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	acts, notes := slices.Clone(s.acts), s.standIns[slackSink].notes
	s.standIns[slackSink].notes = notes[:1]
	expect("infin8linx-missed.json: has not reached missed-calls")
	s.standIns[slackSink].notes = notes
	contact := s.account.contact
	s.account.contact = "somebody else"
	expect("nxcc-answered.json: is in HubSpot as one entry")
	s.account.contact = contact
	s.acts[5].answer.status = accepted
	expect("nxcc-answered-recording.json: was answered 200 accepted, not duplicate")
	copy(s.acts, acts)
	s.acts[4].answer.revision = 1
	expect("became revision 1, not 2")
	copy(s.acts, acts)
	s.acts[2].push = &push{record: acts[2].push.record, content: acts[2].push.content, chosen: acts[2].push.chosen[:1]}
	expect("was meant for [missed-calls], not [missed-calls crm]")
	copy(s.acts, acts)
	s.acts[10].push = acts[9].push
	expect("infin8linx-ring-second.json: has not been delivered to missed-calls: superseded")
	copy(s.acts, acts)
	s.acts[9].push = acts[10].push
	expect("infin8linx-ring-first.json: was told to missed-calls, although a newer revision came")
	copy(s.acts, acts)
	s.acts = acts[:8]
	expect("infin8linx-survey.json: was not posted")
}

// TestTheConfiguration is one that `check` finds nothing wrong with.
func TestTheConfiguration(t *testing.T) {
	text, err := addresses{Listen: usualPublic, Admin: usualPrivate, Folder: "/tmp/x", CRM: "127.0.0.1:1", HubSpot: "127.0.0.1:2", Slack: "127.0.0.1:3"}.fill(configText)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := config.Parse("config.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if len(loaded.Warnings) > 0 {
		t.Errorf("warnings %v", loaded.Warnings)
	}
	if !slices.Equal(loaded.SinkNames(), []string{crmSink, hubspotSink, slackSink}) {
		t.Errorf("sinks %v", loaded.SinkNames())
	}
	for line := range strings.Lines(string(text)) {
		if len(line) > width {
			t.Errorf("a line has %d columns: %s", len(line), line)
		}
	}
}
