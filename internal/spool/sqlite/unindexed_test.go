package sqlite

import "testing"

func TestMemoryForKeysIsBounded(t *testing.T) {
	u := newUnindexed()
	u.begin(0)
	for seq := int64(1); seq <= unindexedMax+10; seq++ {
		u.add(seq, []string{"1", "2"})
	}
	if len(u.keys) != 2*9 || u.from != unindexedMax+1 {
		t.Errorf("%d keys after %d", len(u.keys), u.from)
	}
	var read, held int64
	for after := int64(0); ; {
		step, here := u.step(after)
		if step.empty() {
			break
		}
		if here {
			held += step.to - after
		} else {
			read += step.to - after
		}
		after = step.to
		u.written(after)
	}
	if read != unindexedMax+1 || held != 9 {
		t.Errorf("%d calls to read and %d in memory", read, held)
	}
	if len(u.keys) != 0 {
		t.Errorf("%d keys are kept after they were written", len(u.keys))
	}
}
