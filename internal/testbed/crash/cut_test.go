package crash

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/testbed/faultfs"
)

const (
	// plainCuts is what every `go test` does; CDRELAY_CRASH_CUTS sets more.
	plainCuts = 3
	// cutsOnOneDisk bounds what one file goes through: the next disk is new, so
	// that the making of the file is cut, too.
	cutsOnOneDisk = 20
	// cutSoon is how long a life without the planned cut may be.
	cutSoon = 2 * time.Second
)

const cutSinks = `
sinks:
  - {name: well, webhook: {url: "%[1]s"}, retry: {first: 50ms, max: 500ms}, breaker: {open_for: 200ms}}
  - {name: failing, webhook: {url: "%[2]s"}, retry: {first: 50ms, max: 500ms}, breaker: {open_for: 200ms}}
  - {name: away, webhook: {url: "%[3]s"}, retry: {first: 50ms, max: 500ms}, breaker: {open_for: 200ms}}
rules: [{name: all, to: [well, failing, away]}]
`

// TestCrashPowerCuts runs the real process on a disk that forgets what was not
// synced, ends its power at random operations, and then looks for what was lost.
func TestCrashPowerCuts(t *testing.T) {
	cutOnDisks(t, numberFromEnv(t, "CDRELAY_CRASH_CUTS", plainCuts), func(t *testing.T, seed uint64, cuts int) cutTally {
		t.Helper()
		e := newEpisode(t, seed, 0)
		e.run(cuts)
		return e.tally
	})
}

// cutOnDisks makes that many cuts, each disk with a seed of its own, and logs
// what came of them.
func cutOnDisks(t *testing.T, want int, run func(t *testing.T, seed uint64, cuts int) cutTally) {
	t.Helper()
	seed := seedFromEnv(t)
	begun := time.Now()
	var total cutTally
	for disk := 0; total.cuts < want; disk++ {
		cuts := min(want-total.cuts, cutsOnOneDisk)
		t.Run(fmt.Sprintf("disk %d", disk), func(t *testing.T) {
			total.add(run(t, seed+uint64(disk)*1000, cuts))
		})
		if t.Failed() || t.Skipped() || total.cuts == 0 {
			break
		}
	}
	t.Logf("%v, seed %d, %v", total, seed, time.Since(begun).Round(time.Second))
}

// cutTally is what a run counts.
type cutTally struct {
	cuts, starting, moving                       int
	acked, missing, deadLetters, repeated, posts int
	survival                                     faultfs.Survival
}

func (c *cutTally) add(o cutTally) {
	c.cuts += o.cuts
	c.starting += o.starting
	c.moving += o.moving
	c.acked += o.acked
	c.missing += o.missing
	c.deadLetters += o.deadLetters
	c.repeated += o.repeated
	c.posts += o.posts
	c.lost(o.survival)
}

func (c *cutTally) lost(s faultfs.Survival) {
	c.survival.Changes += s.Changes
	c.survival.Kept += s.Kept
	c.survival.Torn += s.Torn
	c.survival.Moves += s.Moves
	c.survival.KeptMoves += s.KeptMoves
}

// String gives the figures of a run in one line.
func (c cutTally) String() string {
	return fmt.Sprintf("%d cuts (%d while starting, %d while the WAL was moved into the file): %v; %d posts, acknowledged %d, missing %d, dead letters %d, repeated deliveries %d",
		c.cuts, c.starting, c.moving, c.survival, c.posts, c.acked, c.missing, c.deadLetters, c.repeated)
}

// episode is one disk from its first use to the verdict.
type episode struct {
	t      *testing.T
	disk   *faultfs.Disk
	config string
	random *rand.Rand
	calls  *generator
	moods  *moods
	sinks  []*recorder
	tally  cutTally
	before func() // the first cut; may be nil
}

// newEpisode makes a disk and what stands around it; megabytes are max_bytes, 0
// for enough.
func newEpisode(t *testing.T, seed uint64, megabytes int) *episode {
	t.Helper()
	e := &episode{
		t: t, disk: faultfs.New(t), random: rand.New(rand.NewPCG(seed, 3<<32)), moods: newMoods(seed),
		calls: newGenerator(t, seed, 4*time.Millisecond),
	}
	e.sinks = []*recorder{
		newRecorder(t, "well", alike(http.StatusOK)),
		newRecorder(t, "failing", e.moods.failing),
		newRecorder(t, "away", e.moods.absent),
	}
	if megabytes == 0 {
		megabytes = 8 << e.random.IntN(3) // the WAL is moved into the file after 256 to 1024 pages
	}
	e.config = configOn(t, e.disk, fmt.Sprintf(", max_bytes: %dMiB", megabytes), sprintfSinks(cutSinks, e.sinks...))
	return e
}

// configOn writes a configuration whose spool lies in a folder of the disk that
// is not there yet.
func configOn(tb testing.TB, d *faultfs.Disk, spool, rest string) string {
	tb.Helper()
	path := writeConfig(tb, spool, rest)
	rename(tb, path, filepath.Dir(path)+"/cdrelay.db", filepath.Join(d.Folder(), "data", "cdrelay.db"))
	return path
}

// rename changes a name in a configuration.
func rename(tb testing.TB, config, from, to string) {
	tb.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		tb.Fatal(err)
	}
	changed := strings.Replace(string(text), from, to, 1)
	if changed == string(text) {
		tb.Fatalf("no %s in %s", from, text)
	}
	if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func (e *episode) run(cuts int) {
	ctx, end := context.WithCancel(e.t.Context())
	defer end()
	go e.moods.sway(ctx)
	calling, hangUp := context.WithCancel(ctx)
	defer hangUp()
	e.calls.start(calling, connections)
	if e.before != nil {
		e.before()
	}
	for e.tally.cuts < cuts && !e.t.Failed() {
		e.life()
	}
	p := launch(e.t, e.config)
	p.awaitServing()
	e.calls.target.Store(&p.public)
	wait(ctx, 300*time.Millisecond)
	hangUp()
	e.calls.running.Wait()
	e.moods.calm.Store(true)
	awaitEmptyLanes(e.t, p)
	e.verify(p)
	p.stop()
}

// life runs one process until the power ends, and brings the power back. Now and
// then the process is on its way out, or has gone.
func (e *episode) life() {
	e.t.Helper()
	dark, linger := e.plan(), time.Duration(e.random.IntN(30))*time.Millisecond
	var stop <-chan time.Time
	if e.random.IntN(5) == 0 {
		stop = time.After(100*time.Millisecond + time.Duration(e.random.IntN(300))*time.Millisecond)
	}
	p := launch(e.t, e.config)
	serving := e.untilDark(p, dark, stop)
	wait(e.t.Context(), linger) // the process meets errors before it dies
	e.calls.target.Store(nil)
	if !p.kill() && serving && stop == nil {
		e.t.Fatalf("the server ended by itself after the cut: %v\n%s", p.err, p.log)
	}
	if err := e.disk.Remount(); err != nil {
		e.t.Fatal(err)
	}
}

// untilDark waits for the planned cut, and cuts when the process has stopped or
// takes too long to come to it. It tells whether the process served.
func (e *episode) untilDark(p *process, dark <-chan faultfs.Survival, stop <-chan time.Time) bool {
	e.t.Helper()
	soon, serving, stopped := time.After(cutSoon), p.serving, false
	for {
		select {
		case <-serving:
			serving = nil
			e.calls.target.Store(&p.public)
			continue
		case <-stop:
			stopped = p.signal(syscall.SIGTERM)
			continue
		case s := <-dark:
			e.dark(s, serving != nil)
		case <-soon:
			e.dark(e.cutNow(dark), serving != nil)
		case <-p.ended:
			e.dark(e.cutNow(dark), serving != nil)
			if !stopped && len(dark) == 0 && serving == nil {
				e.t.Fatalf("the server ended by itself: %v\n%s", p.err, p.log)
			}
		}
		return serving == nil
	}
}

// cutNow ends the power, unless the planned cut was quicker.
func (e *episode) cutNow(dark <-chan faultfs.Survival) faultfs.Survival {
	s := e.disk.Cut(e.random.Uint64())
	select {
	case s = <-dark:
	default:
	}
	return s
}

// plan chooses the operation: of all as often among the first ten as among
// thousands, or one on the file itself, while the WAL is moved into it.
func (e *episode) plan() <-chan faultfs.Survival {
	n, pattern := int(math.Exp(e.random.Float64()*math.Log(4000))), "*"
	if e.random.IntN(3) == 0 {
		n, pattern = 1+e.random.IntN(150), "cdrelay.db"
	}
	return e.disk.CutAfter(n, pattern, e.random.Uint64())
}

func (e *episode) dark(s faultfs.Survival, starting bool) {
	e.tally.cuts++
	e.tally.lost(s)
	if starting {
		e.tally.starting++
	}
	if strings.Contains(s.Files+" ", "cdrelay.db ") {
		e.tally.moving++
	}
	e.t.Logf("cut %d, %v", e.tally.cuts, s)
}

// awaitEmptyLanes waits until nothing waits in any lane.
func awaitEmptyLanes(t *testing.T, p *process) {
	t.Helper()
	eventually(t, patience, "nothing waits in any lane", func() bool {
		return !slices.ContainsFunc(p.status().Sinks, func(s laneStatus) bool { return s.Pending > 0 })
	})
}

// verify compares what was acknowledged with what became of it.
func (e *episode) verify(p *process) {
	e.t.Helper()
	dead := deadBySink(p)
	for _, s := range e.sinks {
		missing, repeated := compare(e.t, e.calls, s, dead[s.name])
		e.tally.missing += missing
		e.tally.repeated += repeated
		e.tally.deadLetters += len(dead[s.name])
		for _, w := range s.wrong {
			e.t.Error(w)
		}
	}
	for _, w := range e.calls.wrong {
		e.t.Error(w)
	}
	e.tally.acked, e.tally.posts = len(e.calls.acked), int(e.calls.posts.Load())
	if n := p.status().Spool.SetAside; n != 0 {
		e.t.Errorf("%d records or files were set aside: a power cut must damage nothing", n)
	}
	if e.t.Failed() {
		e.t.Logf("log of the last server:\n%s", p.log)
	}
}

// deadBySink lists the dead letters of each sink.
func deadBySink(p *process) map[string]map[key]bool {
	dead := map[string]map[key]bool{}
	for _, l := range p.letters() {
		if dead[l.Sink] == nil {
			dead[l.Sink] = map[key]bool{}
		}
		dead[l.Sink][key{l.Record.ID, l.Record.Revision}] = true
	}
	return dead
}

// compare counts what was acknowledged and neither delivered to the sink nor
// kept as a dead letter, and what was delivered again.
func compare(t *testing.T, calls *generator, s *recorder, dead map[key]bool) (missing, repeated int) {
	t.Helper()
	for k := range calls.acked {
		delivered := slices.ContainsFunc(s.got[k], func(a arrival) bool { return a.status == http.StatusOK })
		if delivered || dead[k] {
			continue
		}
		if missing++; missing <= 10 {
			t.Errorf("lost: %v was acknowledged; %s did not get it and it is no dead letter", k, s.name)
		}
	}
	for _, all := range s.got {
		repeated += len(all) - 1
	}
	return missing, repeated
}
