package sqlite

import (
	"context"

	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// KeepUndecodable keeps an authentic callback that could not be understood as a
// dead letter of stage intake, once for each source and body.
func (s *Store) KeepUndecodable(ctx context.Context, u spool.Undecodable) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.refusal(); err != nil {
		return err
	}
	hash := hashBody(u.Body)
	request, err := encodeRequest(u.Request)
	if err != nil {
		return err
	}
	at := u.ReceivedAt
	if at.IsZero() {
		at = s.clock.now()
	}
	id := s.newID(at)
	refused, err := change(ctx, s.writer, op{name: "undecodable", bytes: len(u.Body)}, func(t *tx) (refused, err error) {
		if refused := s.refuseMore(t, u.Source); refused != nil {
			return refused, nil
		}
		err = dbfile.Execute(t.conn, `INSERT INTO dead_letters(id, stage, source, reason, detail, tries, created_at, body_hash, body, request)
			VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			id, string(spool.StageIntake), u.Source, string(spool.Undecoded), u.Detail, dbfile.Millis(at), hash, u.Body, request)
		if err == nil && t.conn.Changes() > 0 {
			s.charge(t, u.Source, sizeOnDisk(int64(len(u.Body))))
			t.then(func() { s.undecodable(id, u.Source) })
		}
		return nil, err
	})
	if err == nil {
		err = refused
	}
	return err
}

// undecodable counts a dead letter of stage intake that was made.
func (s *Store) undecodable(id, source string) {
	s.intakes.Add(1)
	if s.deps.OnUndecodable != nil {
		s.deps.OnUndecodable(id, source)
	}
}

// encodeRequest returns the request as it is kept: JSON, or nothing for an empty one.
func encodeRequest(r spool.Request) (string, error) {
	if len(r.Header) == 0 && r.Query == "" {
		return "", nil
	}
	b, err := plainjson.Marshal(r)
	return string(b), err
}
