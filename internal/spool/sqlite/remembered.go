package sqlite

import (
	"encoding/json"
	"maps"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// What attempts have to remember lies with their delivery, and each report writes all
// that it was given: so the newest revision that was attempted in a lane has it all,
// whichever older ones retention takes away.

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
