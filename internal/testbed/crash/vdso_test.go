//go:build linux && amd64

package crash

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// clock sets the wall clock of one process. A static Go binary asks the kernel's
// vDSO for the time, so nothing can be preloaded; its copy of the vDSO is
// changed instead, before its first instruction: clock_gettime makes the system
// call and adds what stands behind the code to CLOCK_REALTIME. The monotonic
// clock is left alone, as it is when a clock is set.
type clock struct {
	memory *os.File
	offset int64 // where the seconds to add stand
}

// gettime is the machine code of the new clock_gettime; the seconds to add
// follow it.
//
//	mov  eax, 228        ; clock_gettime, with the caller's arguments
//	syscall
//	test edi, edi        ; CLOCK_REALTIME is 0
//	jne  end
//	mov  rcx, [rip+4]    ; the seconds
//	add  [rsi], rcx
//	end: ret
var gettime = []byte{
	0xb8, 0xe4, 0, 0, 0, 0x0f, 0x05, 0x85, 0xff, 0x75, 0x0a,
	0x48, 0x8b, 0x0d, 0x04, 0, 0, 0, 0x48, 0x01, 0x0e, 0xc3,
}

// launchWithClock starts the binary with a clock that can be set.
func launchWithClock(tb testing.TB, config string) (*process, *clock) {
	tb.Helper()
	return launchWithClockAt(tb, config, 0)
}

// launchWithClockAt starts the binary with a clock that is wrong from the start.
func launchWithClockAt(tb testing.TB, config string, wrong time.Duration) (*process, *clock) {
	tb.Helper()
	c := &clock{}
	p := launchWith(tb, config, func(cmd *exec.Cmd) error {
		// All of ptrace must come from the thread that started the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd.SysProcAttr.Ptrace = true
		if err := cmd.Start(); err != nil {
			return err
		}
		return errors.Join(c.patch(cmd.Process.Pid), c.add(wrong), syscall.PtraceDetach(cmd.Process.Pid))
	})
	tb.Cleanup(func() { _ = c.memory.Close() })
	return p, c
}

// patch changes a process that stands before its first instruction.
func (c *clock) patch(pid int) error {
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || !status.Stopped() {
		return fmt.Errorf("the process does not stand at its start: %v %w", status, err)
	}
	var err error
	if c.memory, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0); err != nil {
		return err
	}
	base, err := vdso(pid)
	if err != nil {
		return err
	}
	image := make([]byte, 8<<10)
	n, err := c.memory.ReadAt(image, base)
	if n == 0 {
		return fmt.Errorf("read the vDSO: %w", err)
	}
	at, err := entry(image[:n])
	if err != nil {
		return err
	}
	c.offset = base + at + int64(len(gettime))
	_, err = c.memory.WriteAt(append(bytes.Clone(gettime), make([]byte, 8)...), base+at)
	return err
}

// vdso gives the address of the vDSO of a process.
func vdso(pid int) (int64, error) {
	const sysinfoEHDR = 33
	aux, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", pid))
	if err != nil {
		return 0, err
	}
	for ; len(aux) >= 16; aux = aux[16:] {
		if binary.LittleEndian.Uint64(aux) == sysinfoEHDR {
			return int64(binary.LittleEndian.Uint64(aux[8:])), nil
		}
	}
	return 0, errors.New("the process has no vDSO")
}

// entry gives the place of clock_gettime in the vDSO.
func entry(image []byte) (int64, error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return 0, fmt.Errorf("vDSO: %w", err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return 0, fmt.Errorf("vDSO: %w", err)
	}
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" && s.Size >= uint64(len(gettime)+8) {
			return int64(s.Value), nil
		}
	}
	return 0, errors.New("the vDSO has no clock_gettime")
}

// add makes the clock differ from the machine's.
func (c *clock) add(d time.Duration) error {
	_, err := c.memory.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(int64(d/time.Second))), c.offset)
	return err
}

// set makes the clock jump.
func (c *clock) set(tb testing.TB, d time.Duration) {
	tb.Helper()
	if err := c.add(d); err != nil {
		tb.Fatalf("set the clock: %v", err)
	}
}
