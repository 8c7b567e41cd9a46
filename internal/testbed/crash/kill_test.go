package crash

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const (
	// plainKills is what every `go test` does; `make verify` and `make crash` set
	// more.
	plainKills  = 3
	connections = 8
	// settledWithin is the promise: what was settled in the last 100 ms before a
	// crash may come again.
	settledWithin = 100 * time.Millisecond
)

const threeSinks = `
sinks:
  - {name: well, webhook: {url: "%[1]s", headers: {X-Run: {env: CDRELAY_RUN}}}, retry: {first: 50ms, max: 500ms}, breaker: {open_for: 200ms}}
  - {name: failing, webhook: {url: "%[2]s", headers: {X-Run: {env: CDRELAY_RUN}}}, retry: {first: 50ms, max: 500ms}, breaker: {open_for: 200ms}}
  - {name: away, webhook: {url: "%[3]s", headers: {X-Run: {env: CDRELAY_RUN}}}, retry: {first: 50ms, max: 500ms}, breaker: {open_for: 200ms}}
rules: [{name: all, to: [well, failing, away]}]
`

// rig is everything around the process that is killed.
type rig struct {
	t      *testing.T
	config string
	random *rand.Rand
	calls  *generator
	moods  *moods
	pulse  pulse
	sinks  []*recorder
	runs   int
	kills  map[int]kill   // by run
	moment map[string]int // kills by moment
	quiet  int            // stops that ended before their kill came
}

// kill is one SIGKILL that ended a process.
type kill struct {
	at time.Time
	// commit is what one commit may have taken then.
	commit time.Duration
}

// TestCrashKills kills the real process again and again and then looks for what
// was lost.
func TestCrashKills(t *testing.T) {
	want := numberFromEnv(t, "CDRELAY_CRASH_KILLS", plainKills)
	seed := seedFromEnv(t)
	begun := time.Now()
	r := newRig(t, seed)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	go r.moods.sway(ctx)
	go r.pulse.beat(ctx)
	calling, hangUp := context.WithCancel(ctx)
	defer hangUp()
	r.calls.start(calling, connections)
	for len(r.kills) < want {
		r.cycle()
	}
	p := r.serve()
	r.linger(500 * time.Millisecond)
	hangUp()
	r.calls.running.Wait()
	r.moods.calm.Store(true)
	r.drain(p)
	r.verify(p, seed, begun)
	p.stop()
}

func newRig(t *testing.T, seed uint64) *rig {
	t.Helper()
	r := &rig{
		t: t, random: rand.New(rand.NewPCG(seed, 2<<32)), moods: newMoods(seed), kills: map[int]kill{}, moment: map[string]int{},
		calls: newGenerator(t, seed, 8*time.Millisecond),
	}
	r.sinks = []*recorder{
		newRecorder(t, "well", alike(http.StatusOK)),
		newRecorder(t, "failing", r.moods.failing),
		newRecorder(t, "away", r.moods.absent),
	}
	r.config = writeConfig(t, "", sprintfSinks(threeSinks, r.sinks...))
	return r
}

// cycle runs one process and kills it at a random moment; now and then in the
// very moment of an answer, which must have been durable before.
func (r *rig) cycle() {
	r.t.Helper()
	switch luck := r.random.Float64(); {
	case luck < 0.2:
		p := r.launch()
		r.linger(120 * time.Millisecond)
		r.kill(p, "starting")
	case luck < 0.4:
		p := r.serve()
		r.linger(400 * time.Millisecond)
		p.signal(syscall.SIGTERM)
		r.linger(100 * time.Millisecond)
		r.kill(p, "stopping")
	case luck < 0.6:
		p := r.serve()
		r.linger(700 * time.Millisecond)
		r.kill(p, "serving")
	default:
		p := r.serve()
		r.linger(500 * time.Millisecond)
		r.calls.awaitAnswer(r.t.Context())
		r.kill(p, "answering")
	}
}

// linger waits a random time.
func (r *rig) linger(most time.Duration) {
	wait(r.t.Context(), time.Duration(r.random.Float64()*float64(most)))
}

// launch starts a process that tells the sinks which run it is.
func (r *rig) launch() *process {
	r.t.Helper()
	r.runs++
	return launchWith(r.t, r.config, func(c *exec.Cmd) error {
		c.Env = append(c.Environ(), "CDRELAY_RUN="+strconv.Itoa(r.runs))
		return c.Start()
	})
}

// serve starts a process and lets the generator have it.
func (r *rig) serve() *process {
	r.t.Helper()
	p := r.launch()
	p.awaitServing()
	r.calls.target.Store(&p.public)
	return p
}

// kill ends a process; one that had ended by itself must have ended well.
func (r *rig) kill(p *process, moment string) {
	r.t.Helper()
	k := kill{at: time.Now()}
	k.commit = max(r.calls.slowest(k.at), r.pulse.worst(k.at))
	killed := p.kill()
	r.calls.target.Store(nil)
	switch {
	case killed:
		r.kills[r.runs] = k
		r.moment[moment]++
	case moment == "stopping" && p.err == nil:
		r.quiet++
	default:
		r.t.Fatalf("the server ended by itself while %s: %v\n%s", moment, p.err, p.log)
	}
}

// drain waits until nothing waits in any lane.
func (r *rig) drain(p *process) {
	r.t.Helper()
	left := func() (n int64) {
		for _, s := range p.status().Sinks {
			n += s.Pending
		}
		return n
	}
	for best, since := left(), time.Now(); best > 0; {
		wait(r.t.Context(), 50*time.Millisecond)
		if n := left(); n < best {
			best, since = n, time.Now()
		}
		if time.Since(since) > patience {
			r.t.Fatalf("%d deliveries wait and nothing moves: %+v\n%s", best, p.status(), p.log)
		}
	}
}

// verify compares what was acknowledged with what became of it.
func (r *rig) verify(p *process, seed uint64, begun time.Time) {
	r.t.Helper()
	dead := map[string]map[key]bool{}
	for _, s := range r.sinks {
		dead[s.name] = map[key]bool{}
	}
	letters := p.letters()
	for _, l := range letters {
		dead[l.Sink][key{l.Record.ID, l.Record.Revision}] = true
	}
	var missing, both, repeats, unjust int
	var oldest time.Duration
	for _, s := range r.sinks {
		m, b := r.missing(s, dead[s.name])
		d, u, o := r.repeated(s)
		missing, both, repeats, unjust, oldest = missing+m, both+b, repeats+d, unjust+u, max(oldest, o)
		r.report(s.wrong)
	}
	r.report(r.calls.wrong)
	if n := p.status().Spool.SetAside; n != 0 {
		r.t.Errorf("%d records were set aside: a kill must damage nothing", n)
	}
	r.t.Logf("%d kills %v and %d stops that were quicker, seed %d, %v: %d posts, %d not answered; acknowledged %d, missing %d, dead letters %d, "+
		"of them also delivered %d; repeated %d, of them without a kill %d, answered at most %v before their kill",
		len(r.kills), r.moment, r.quiet, seed, time.Since(begun).Round(time.Second), r.calls.posts.Load(), r.calls.unanswered.Load(),
		len(r.calls.acked), missing, len(letters), both, repeats, unjust, oldest.Round(time.Millisecond))
}

// missing counts what was acknowledged and neither delivered nor kept, and what
// was delivered and became a dead letter all the same.
func (r *rig) missing(s *recorder, dead map[key]bool) (missing, both int) {
	r.t.Helper()
	for k := range r.calls.acked {
		delivered := slices.ContainsFunc(s.got[k], func(a arrival) bool { return a.status == http.StatusOK })
		if !delivered && !dead[k] {
			missing++
			r.t.Errorf("lost: %v was acknowledged; %s did not get it and it is no dead letter", k, s.name)
		}
		if delivered && dead[k] {
			both++
		}
	}
	return missing, both
}

// repeated counts the deliveries that came again, and those that no kill
// explains.
func (r *rig) repeated(s *recorder) (repeats, unjust int, oldest time.Duration) {
	r.t.Helper()
	for k, all := range s.got {
		for i := 1; i < len(all); i++ {
			repeats++
			age, ok := r.explained(all[i-1], all[i])
			if ok {
				oldest = max(oldest, age)
				continue
			}
			unjust++
			r.t.Errorf("%s got %v again, and no kill explains it: first %+v, then %+v, kill %+v", s.name, k, all[i-1], all[i], r.kills[all[i-1].run])
		}
	}
	return repeats, unjust, oldest
}

// explained tells whether the run that made the first delivery was killed before
// it could keep what came of it, and how long before that it was answered.
func (r *rig) explained(before, again arrival) (time.Duration, bool) {
	k, killed := r.kills[before.run]
	age := k.at.Sub(before.answered)
	return max(age, 0), killed && again.run > before.run && age <= settledWithin+k.commit
}

// report shows the first of many complaints.
func (r *rig) report(complaints []string) {
	r.t.Helper()
	for _, c := range complaints[:min(len(complaints), 10)] {
		r.t.Error(c)
	}
	if n := len(complaints) - 10; n > 0 {
		r.t.Errorf("and %d more", n)
	}
}
