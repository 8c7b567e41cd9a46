package main

import (
	"context"
	"io"
)

func runDocs(ctx context.Context, args []string, _ io.Reader, out io.Writer) error { return nil }
