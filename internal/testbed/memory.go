package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// memoryWatch follows the peak of a process's memory while it runs. What the system says of a process that has ended
// includes the memory of the process that has started it, if that was larger.
type memoryWatch struct {
	stop chan struct{}
	peak chan int64
}

// watchMemory looks at the process so often: the kernel keeps its peak, so only growth right before its end is missed.
func watchMemory(pid int, every time.Duration) memoryWatch {
	w := memoryWatch{stop: make(chan struct{}), peak: make(chan int64, 1)}
	go func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		var peak int64
		for {
			peak = max(peak, peakResident(pid))
			select {
			case <-w.stop:
				w.peak <- peak
				return
			case <-ticker.C:
			}
		}
	}()
	return w
}

// end returns the peak in bytes, once the process has ended.
func (w memoryWatch) end(state *os.ProcessState) int64 {
	close(w.stop)
	if peak := <-w.peak; peak > 0 {
		return peak
	}
	usage, ok := state.SysUsage().(*syscall.Rusage) // a system without /proc
	if !ok {
		return 0
	}
	return usage.Maxrss
}

// peakResident is the largest resident size of a running process so far, in bytes (VmHWM in proc(5)); 0 if it is not
// known.
func peakResident(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return 0
	}
	return kib << 10
}

// RunMeasured runs a command and returns the largest resident size that it had, in bytes.
func RunMeasured(c *exec.Cmd) (int64, error) {
	if err := c.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", c.Path, err)
	}
	watch := watchMemory(c.Process.Pid, time.Millisecond)
	err := c.Wait()
	return watch.end(c.ProcessState), err
}
