package sqlite

import (
	"encoding/json"
	"maps"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// What attempts have to remember is kept with their delivery, and each report writes
// all that it was given. A revision that retention takes away leaves it to another.

const rememberedOf = `SELECT d.remembered FROM calls this JOIN calls c ON c.call_id = this.call_id
	JOIN deliveries d ON d.call_seq = c.seq WHERE this.seq = ? AND d.lane = ? AND d.remembered <> '' ORDER BY c.revision`

// remembered returns what the deliveries of all revisions of a call have kept in a
// lane, the newest before older ones; nil for nothing.
func remembered(c *sqlite.Conn, seq int64, l *lane) (all map[string]string, err error) {
	err = dbfile.Query(c, rememberedOf, func(r *sqlite.Stmt) error {
		if one := decodeRemembered(r.ColumnText(0)); all == nil {
			all = one
		} else {
			maps.Copy(all, one)
		}
		return nil
	}, seq, l.id)
	return all, err
}

const (
	rememberedHere = `SELECT lane, remembered FROM deliveries WHERE call_seq = ? AND remembered <> ''`
	// heirOf is the newest other revision of the call that the lane knows.
	heirOf = `SELECT d.call_seq, d.remembered FROM calls this JOIN calls c ON c.call_id = this.call_id AND c.seq <> this.seq
		JOIN deliveries d ON d.call_seq = c.seq WHERE this.seq = ? AND d.lane = ? ORDER BY c.revision DESC LIMIT 1`
)

// bequeath leaves what the deliveries of a revision remember to the newest other
// revision, before it is erased: that one may wait, and be attempted only later.
func bequeath(c *sqlite.Conn, seq int64) error {
	type estate struct {
		lane int64
		all  string
	}
	var estates []estate
	err := dbfile.Query(c, rememberedHere, func(r *sqlite.Stmt) error {
		estates = append(estates, estate{r.ColumnInt64(0), r.ColumnText(1)})
		return nil
	}, seq)
	for _, one := range estates {
		var heir int64
		all := map[string]string{}
		maps.Copy(all, decodeRemembered(one.all))
		err = dbfile.Query(c, heirOf, func(r *sqlite.Stmt) error {
			heir = r.ColumnInt64(0)
			maps.Copy(all, decodeRemembered(r.ColumnText(1)))
			return nil
		}, seq, one.lane)
		if err != nil {
			return err
		}
		if err = dbfile.Execute(c, `UPDATE deliveries SET remembered = ? WHERE call_seq = ? AND lane = ?`, encodeRemembered(all), heir, one.lane); err != nil {
			return err
		}
	}
	return err
}

// decodeRemembered reads what a delivery keeps. What is damaged loses only itself.
func decodeRemembered(text string) map[string]string {
	var all map[string]string
	if text == "" || json.Unmarshal([]byte(text), &all) != nil {
		return nil
	}
	return all
}

// encodeRemembered is the empty text for nothing, which leaves what is there.
func encodeRemembered(all map[string]string) string {
	if len(all) == 0 {
		return ""
	}
	text, err := plainjson.Marshal(all)
	if err != nil { // cannot happen: texts only
		return ""
	}
	return string(text)
}
