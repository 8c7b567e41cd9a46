//go:build !linux

package crash

import "syscall"

// child: only Linux ends a process with the one that started it.
func child() *syscall.SysProcAttr { return nil }
