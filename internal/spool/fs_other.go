//go:build !linux

package spool

import "errors"

// refuseNetworkFS knows the file systems of Linux only.
func refuseNetworkFS(string) error { return nil }

// freeBytes is known on Linux only.
func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }
