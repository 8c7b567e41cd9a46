package delivery

import (
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// lot tells opinions of attempts that take no time, by the second.
type lot struct {
	*testing.T
	o     opinions
	start time.Time
}

func newLot(t *testing.T) *lot {
	t.Helper()
	return &lot{T: t, start: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)}
}

func (l *lot) at(second int) time.Time { return l.start.Add(time.Duration(second) * time.Second) }

// asks: the delivery is asked to wait, by an attempt of that second.
func (l *lot) asks(seq int64, second, wait int) ruling {
	l.Helper()
	return l.o.asked(ask{
		delivery: &spool.Delivery{Seq: seq}, begun: l.at(second), ended: l.at(second), wait: time.Duration(wait) * time.Second,
	})
}

// takes: the sink takes the delivery; it returns the askers that are charged.
func (l *lot) takes(seq int64, second int) (own []int64, counts bool) {
	l.Helper()
	asked, counts := l.o.answered(seq, l.at(second))
	for _, a := range asked {
		own = append(own, a.delivery.Seq)
	}
	return own, counts
}

// next fails the test unless something may be tried in that second, and not
// before.
func (l *lot) next(now, want int) {
	l.Helper()
	if got := l.o.wait(l.at(now)); got != l.at(want).Sub(l.at(now)) {
		l.Errorf("in second %d the next may be tried after %v, want second %d", now, got, want)
	}
}

func TestOpinionOfAnother(t *testing.T) {
	l := newLot(t)
	l.asks(1, 10, 600)
	l.next(10, 12)
	if own, counts := l.takes(2, 10); own != nil || counts {
		t.Error("an attempt from before the pause is no opinion")
	}
	if own, counts := l.takes(3, 12); len(own) != 1 || own[0] != 1 || !counts || l.o.holds() {
		t.Errorf("%v are charged, counts %v, holds %v", own, counts, l.o.holds())
	}
	l.next(12, 12)
}

func TestOpinionsAreAskedLessAndLessOften(t *testing.T) {
	l := newLot(t)
	l.asks(1, 0, 600)
	l.asks(2, 0, 600) // was on its way
	second := 2
	for i := range 5 {
		l.next(0, second)
		l.asks(int64(10+i), second, 600)
		second += 4 << i
	}
	l.next(0, second)
	if !l.o.shared() {
		t.Error("seven were asked to wait, and the pause is one call's")
	}
	if own, counts := l.takes(99, second); len(own) != 7 || counts {
		t.Errorf("%v are charged, counts %v: none of them was alone", own, counts)
	}
}

func TestLimitTakesNoOpinion(t *testing.T) {
	l := newLot(t)
	for i := range int64(4) {
		l.takes(i, 0)
	}
	for i := range int64(6) {
		l.asks(10+i, 1, 30)
	}
	l.next(1, 31)
	l.asks(20, 31, 30) // the first one after the pause
	l.next(31, 61)
	if !l.o.shared() || !l.o.limited() {
		t.Error("most were asked to wait, and it is no limit")
	}
	if own, _ := l.takes(21, 61); own != nil {
		t.Errorf("%v are charged although they waited as they were asked to", own)
	}
}

// A sink that asks again and again for no time at all is left alone for longer and
// longer.
func TestPauseHasAFloor(t *testing.T) {
	l := newLot(t)
	second := 0
	for _, want := range []int{1, 2, 4, 8, 16, 30, 30} {
		l.asks(1, second, 1)
		if got := l.o.until.Sub(l.at(second)); got != time.Duration(want)*time.Second {
			t.Errorf("after %d s the pause is %v, want %d s", second, got, want)
		}
		second += want
	}
}

// Pauses that were one call's again and again do not rest the lane any more,
// until several are asked to wait.
func TestTrust(t *testing.T) {
	l := newLot(t)
	for i := range int64(proofsForTrust) {
		second := int(i) * 100
		l.asks(i, second, 50)
		for j := range int64(10) {
			l.takes(100+10*i+j, second+2)
		}
	}
	if r := l.asks(50, 400, 50); !r.own || !r.counts || l.o.holds() {
		t.Errorf("%+v, holds %v", r, l.o.holds())
	}
	l.asks(51, 400, 50)
	if r := l.asks(52, 400, 50); r.own || !l.o.holds() {
		t.Errorf("the third of ten: %+v, holds %v", r, l.o.holds())
	}
}

func TestDoubtfulAsks(t *testing.T) {
	l := newLot(t)
	doubtful := ask{delivery: &spool.Delivery{Seq: 1}, begun: l.at(0), ended: l.at(0), wait: time.Minute, doubtful: true}
	if r := l.o.asked(doubtful); !r.own || !r.counts || l.o.holds() {
		t.Errorf("%+v, holds %v: its pause is its own", r, l.o.holds())
	}
	l.asks(2, 0, 60)
	if r := l.o.asked(doubtful); !r.own || r.counts {
		t.Errorf("%+v: another is asked to wait", r)
	}
}

func TestFailedOpinionSaysNothing(t *testing.T) {
	l := newLot(t)
	l.asks(1, 0, 600)
	l.o.inconclusive(l.at(2), l.at(2))
	l.next(2, 6)
	if l.o.shared() || !l.o.holds() {
		t.Error("a failure decided on the pause")
	}
}

func TestQuota(t *testing.T) {
	start := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	for workers, atOnce := range map[int]int{1: 1, 3: 1, 8: 2, 64: 16} {
		s := quota{workers: workers}
		for i := range atOnce {
			if n, _ := s.left(start); n != atOnce-i {
				t.Errorf("%d workers: %d may begin beside %d, want %d at once", workers, n, i, atOnce)
			}
			s.begin()
		}
		if n, wait := s.left(start); n != 0 || wait != 0 {
			t.Errorf("%d workers: %d more may begin, or after %v", workers, n, wait)
		}
	}
	s := quota{workers: 1}
	s.begin()
	s.end(start, 10*time.Second)
	if n, wait := s.left(at(10)); n != 0 || wait != 30*time.Second {
		t.Errorf("after ten seconds of the only worker %d may begin, or after %v; want 30 s", n, wait)
	}
	if n, _ := s.left(at(40)); n != 1 {
		t.Errorf("%d may begin after all is paid off", n)
	}
}
