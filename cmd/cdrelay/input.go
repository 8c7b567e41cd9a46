package main

import (
	"context"
	"io"
	"os"
)

// interruptible is standard input for a command that a signal must end although
// nobody types anything.
type interruptible struct {
	ctx context.Context // io.Reader has no other way to be told
	in  *os.File
}

// standardInput makes the process's own input interruptible.
func standardInput(ctx context.Context, in io.Reader) io.Reader {
	if f, ok := in.(*os.File); ok {
		return interruptible{ctx, f}
	}
	return in
}

// Fd is that of the file.
func (r interruptible) Fd() uintptr { return r.in.Fd() }

// Read implements io.Reader. What comes after the end of the context is lost.
func (r interruptible) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own, done := make([]byte, len(p)), make(chan result, 1)
	go func() {
		n, err := r.in.Read(own)
		done <- result{n, err}
	}()
	select {
	case got := <-done:
		return copy(p, own[:got.n]), got.err
	case <-r.ctx.Done():
		return 0, context.Cause(r.ctx)
	}
}
