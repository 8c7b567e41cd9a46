package repair

import "testing"

// TestWhatADamagedHeaderSaysOfTheFrames: a mended WAL is one transaction, which
// nothing follows; its header alone shows that it was synced.
func TestWhatADamagedHeaderSaysOfTheFrames(t *testing.T) {
	page, commit, misfit := walFrame{fits: true}, walFrame{fits: true, commit: 9}, walFrame{commit: 9}
	for _, c := range []struct {
		name    string
		whole   bool
		frames  []walFrame
		damaged bool
		synced  int
	}{
		{"one transaction", false, []walFrame{page, page, commit}, true, 3},
		{"behind a whole header", true, []walFrame{page, page, commit}, false, 0},
		{"the last one is not whole", false, []walFrame{page, commit, page}, true, 2},
		{"no commit", false, []walFrame{page, page}, false, 0},
		{"frames of before, already in the file", false, []walFrame{misfit, misfit}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &wal{whole: c.whole, frames: c.frames}
			w.judge()
			if w.synced != c.synced && c.damaged || (w.damage() != nil) != c.damaged {
				t.Errorf("%d frames were synced, want %d; damage: %v", w.synced, c.synced, w.damage())
			}
		})
	}
}
