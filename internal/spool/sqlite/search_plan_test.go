package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

func TestSearchesUseTheirIndex(t *testing.T) {
	c, err := dbfile.OpenWriter(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	for sql, uses := range map[string]string{
		callsBetween:                             "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		callsAscending:                           "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		deliveriesAscending:                      "PRIMARY KEY (call_seq>? AND call_seq<?)",
		deadAscending:                            "COVERING INDEX dead_delivery (call_seq>? AND call_seq<?)",
		callBySeq:                                "INTEGER PRIMARY KEY (rowid=?)",
		deliveriesBetween:                        "PRIMARY KEY (call_seq>? AND call_seq<?)",
		deadBetween:                              "COVERING INDEX dead_delivery (call_seq>? AND call_seq<?)",
		callFrom:                                 "INTEGER PRIMARY KEY (rowid>?)",
		keysOfEnd:                                "PRIMARY KEY (block=? AND digits>? AND digits<?)",
		keysOfNumber:                             "PRIMARY KEY (block=? AND digits=?)",
		deleteKey:                                "PRIMARY KEY (block=? AND digits=? AND call_seq=?)",
		callsToRead:                              "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		letterIDs + lettersBetween + newestFirst: "COVERING INDEX dead_place (stage=? AND lane=? AND reason=? AND id>? AND id<?)",
		letterIDs + lettersBetween + oldestFirst: "COVERING INDEX dead_place (stage=? AND lane=? AND reason=? AND id>? AND id<?)",
		letterColumns + `WHERE ` + lettersBetween + newestFirst: "PRIMARY KEY (id>? AND id<?)",
		letterColumns + `WHERE ` + lettersBetween + oldestFirst: "PRIMARY KEY (id>? AND id<?)",
		letterByID:    "PRIMARY KEY (id=?)",
		letterCall:    "PRIMARY KEY (id=?)",
		letterBody:    "PRIMARY KEY (id=?)",
		lettersOfCall: "INDEX dead_delivery (call_seq=?)",
	} {
		got := plan(t, c, sql)
		sorts := strings.Contains(got, "TEMP B-TREE") && sql != lettersOfCall // of one call there are few
		if !strings.Contains(got, uses) || strings.Contains(got, "SCAN") || sorts {
			t.Errorf("%s\nis carried out as\n%s", sql, got)
		}
	}
}
