package dbfile

import (
	"errors"
	"fmt"
	"reflect"

	"zombiezen.com/go/sqlite"
)

// Statements and transactions are run here and not by sqlitex, for what was measured
// and read in v1.4.2. sqlitex.Execute makes two more allocations for each accepted call
// (45 in the place of 43 with numbers, where the budget is 44) and leaves the values of
// the last run bound, a record of 1 MiB among them. sqlitex.ImmediateTransaction returns
// success where SQLite has rolled back by itself in the meantime, and panics where a
// ROLLBACK fails, as it may on a broken disk.

// Execute runs one statement whose result does not matter. The statement is
// prepared once for each connection.
func Execute(c *sqlite.Conn, sql string, args ...any) error {
	return Query(c, sql, nil, args...)
}

// ExecuteAll runs statements in order, up to the first that fails.
func ExecuteAll(c *sqlite.Conn, statements ...string) error {
	for _, sql := range statements {
		if err := Execute(c, sql); err != nil {
			return err
		}
	}
	return nil
}

// Query runs one statement and calls row for each row of its result.
func Query(c *sqlite.Conn, sql string, row func(*sqlite.Stmt) error, args ...any) (err error) {
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
	case string:
		stmt.BindText(i, v)
	case []byte:
		stmt.BindBytes(i, v)
	case nil:
		stmt.BindNull(i)
	default:
		n := reflect.ValueOf(a)
		if !n.CanInt() { // of a type of its own
			return fmt.Errorf("cannot bind a %T", a)
		}
		stmt.BindInt64(i, n.Int())
	}
	return nil
}

// Int returns the first column of the first row, 0 where there is none.
func Int(c *sqlite.Conn, sql string, args ...any) (int64, error) {
	var n int64
	err := Query(c, sql, func(s *sqlite.Stmt) error {
		n = s.ColumnInt64(0)
		return nil
	}, args...)
	return n, err
}

// Ints returns the first column of all rows.
func Ints(c *sqlite.Conn, sql string, args ...any) (all []int64, err error) {
	err = Query(c, sql, func(s *sqlite.Stmt) error {
		all = append(all, s.ColumnInt64(0))
		return nil
	}, args...)
	return all, err
}

// Bytes copies a blob out of a row.
func Bytes(s *sqlite.Stmt, col int) []byte {
	n := s.ColumnLen(col)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	s.ColumnBytes(col, b)
	return b
}

// Transact commits what f did, or undoes all of it.
func Transact(c *sqlite.Conn, f func() error) error {
	if err := Execute(c, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer Rollback(c) // where it was not committed
	if err := f(); err != nil {
		return err
	}
	return Execute(c, `COMMIT`)
}

// Rollback ends a transaction that an error may have ended already: a full disk
// makes SQLite roll back by itself.
func Rollback(c *sqlite.Conn) {
	if !c.AutocommitEnabled() {
		_ = Execute(c, `ROLLBACK`) // the connection is usable either way
	}
}
