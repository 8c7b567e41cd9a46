package sqlite_test

import (
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
)

// TestASalvageLeavesNoContradiction: what a flipped bit can make of a row must
// not stay in the new file.
func TestASalvageLeavesNoContradiction(t *testing.T) {
	for name, statement := range map[string]string{
		"a call is gone":                        `DELETE FROM calls WHERE seq = 15`,
		"the call of a dead letter is gone":     `DELETE FROM calls WHERE seq = 3`,
		"a dead letter is gone":                 `DELETE FROM dead_letters WHERE call_seq = 3`,
		"a dead delivery waits again":           `UPDATE deliveries SET state = 1 WHERE call_seq = 3`,
		"a dead delivery counts as delivered":   `UPDATE deliveries SET state = 4 WHERE call_seq = 3`,
		"a dead delivery counts as set aside":   `UPDATE deliveries SET state = 6 WHERE call_seq = 3`,
		"the delivery of a dead letter is gone": `DELETE FROM deliveries WHERE call_seq = 3`,
		"a waiting one counts as dead":          `UPDATE deliveries SET state = 5 WHERE call_seq = 15`,
		"an unknown state":                      `UPDATE deliveries SET state = 77 WHERE call_seq = 15`,
		"a state that is no number":             `UPDATE deliveries SET state = 'x' WHERE call_seq = 15`,
		"an unknown stage":                      `UPDATE dead_letters SET stage = 'space' WHERE call_seq = 3`,
		"a letter turned into one of intake":    `UPDATE dead_letters SET stage = 'intake' WHERE call_seq = 3`,
		"an unknown lane":                       `DELETE FROM lanes`,
		"a fresh one with a time":               `UPDATE deliveries SET due = 5 WHERE call_seq = 15`,
		"held behind nothing":                   `UPDATE deliveries SET state = 3 WHERE call_seq = 15`,
		"a record of nonsense":                  `UPDATE calls SET record = x'00' WHERE seq = 15`,
		"a key is gone":                         `DELETE FROM number_keys WHERE call_seq = 15`,
		"a key of nothing":                      `INSERT INTO number_keys VALUES (0, '123', 999)`,
		"a wrong number of calls":               `UPDATE counted SET calls = 100`,
	} {
		t.Run(name, func(t *testing.T) {
			path := closed(t, 20)
			script(t, path, statement)
			if r, err := repair.Check(t.Context(), path); err != nil || r.Sound() {
				t.Fatalf("the check finds nothing, error %v", err)
			}
			if _, err := repair.Salvage(t.Context(), spool.Config{Path: path}, true); err != nil {
				t.Fatal(err)
			}
			if r, err := repair.Check(t.Context(), path); err != nil || !r.Sound() {
				t.Errorf("after a salvage: %+v, error %v", r.Findings, err)
			}
		})
	}
}
