package crash

import "syscall"

// child ends a process with the test that started it, should that be killed.
func child() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
