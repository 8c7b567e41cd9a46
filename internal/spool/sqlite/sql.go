package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"
)

// execute runs one statement whose result does not matter. The statement is
// prepared once for each connection.
func execute(c *sqlite.Conn, sql string, args ...any) error {
	return query(c, sql, nil, args...)
}

// query runs one statement and calls row for each row of its result.
func query(c *sqlite.Conn, sql string, row func(*sqlite.Stmt) error, args ...any) (err error) {
	stmt, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	defer func() {
		// A failed step reports its error again at the reset.
		if rerr := stmt.Reset(); err == nil {
			err = rerr
		}
		err = errors.Join(err, stmt.ClearBindings())
	}()
	for i, a := range args {
		if err := bind(stmt, i+1, a); err != nil {
			return err
		}
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
		if row == nil {
			continue
		}
		if err := row(stmt); err != nil {
			return err
		}
	}
}

func bind(stmt *sqlite.Stmt, i int, a any) error {
	switch v := a.(type) {
	case int64:
		stmt.BindInt64(i, v)
	case int:
		stmt.BindInt64(i, int64(v))
	case state:
		stmt.BindInt64(i, int64(v))
	case string:
		stmt.BindText(i, v)
	case []byte:
		stmt.BindBytes(i, v)
	case nil:
		stmt.BindNull(i)
	default:
		return fmt.Errorf("cannot bind a %T", a)
	}
	return nil
}

// readInt gives the first column of the first row, 0 where there is none.
func readInt(c *sqlite.Conn, sql string, args ...any) (int64, error) {
	var n int64
	err := query(c, sql, func(s *sqlite.Stmt) error {
		n = s.ColumnInt64(0)
		return nil
	}, args...)
	return n, err
}

// readInts gives the first column of all rows.
func readInts(c *sqlite.Conn, sql string, args ...any) (all []int64, err error) {
	err = query(c, sql, func(s *sqlite.Stmt) error {
		all = append(all, s.ColumnInt64(0))
		return nil
	}, args...)
	return all, err
}

// columnBytes copies a blob out of a row.
func columnBytes(s *sqlite.Stmt, col int) []byte {
	n := s.ColumnLen(col)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	s.ColumnBytes(col, b)
	return b
}

// inTransaction commits what f did, or undoes all of it.
func inTransaction(c *sqlite.Conn, f func() error) error {
	if err := execute(c, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = execute(c, `COMMIT`)
	}
	if err != nil {
		rollback(c)
	}
	return err
}

// rollback ends a transaction that an error may have ended already: a full disk
// makes SQLite roll back by itself.
func rollback(c *sqlite.Conn) {
	if !c.AutocommitEnabled() {
		_ = execute(c, `ROLLBACK`) // the connection is usable either way
	}
}
