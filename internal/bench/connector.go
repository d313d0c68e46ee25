package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sentinelone-provisioner/internal/scale"
)

const (
	connectorModule = "starter/conductorone"
	// connectorMemory bounds all processes of the connector together.
	connectorMemory = 350 << 20
	// connectorSlower is how many times the time of the rows from memory a sync may take.
	connectorSlower = 2
)

// connectorSize is the console that the connector lists.
func connectorSize(users int) scale.Size {
	return scale.Size{Accounts: 100, Sites: 10_000, Roles: 23, Users: users, ServiceUsers: users / 5}
}

// connectorRun is what a sync of ConductorOne took.
type connectorRun struct {
	took   []time.Duration
	memory int64 // the most that all processes had together, in bytes
}

// connectorRows compares a whole sync by the connector with one by a connector that makes the same rows out of
// nothing: the difference is ours, the rest the SDK's.
func (b *bench) connectorRows(ctx context.Context) error {
	ours, theirs := filepath.Join(b.dir, "connector"), filepath.Join(b.dir, "inmemory")
	for program, of := range map[string]string{ours: ".", theirs: "./internal/inmemory"} {
		build := exec.CommandContext( //nolint:gosec // ours
			ctx, "go", "build", "-C", connectorModule, "-o", program, of)
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", of, err, out)
		}
	}
	size := connectorSize(min(b.o.users, 100_000))
	url := "sqlite://" + filepath.Join(b.dir, "connector.db")
	fmt.Fprintf(os.Stderr, "filling a database with %d users…\n", size.Users)
	if err := fillStore(ctx, url, size); err != nil {
		return err
	}
	encoded, err := json.Marshal(size)
	if err != nil {
		return err
	}
	var store, memory connectorRun
	for range b.o.rounds {
		fmt.Fprintln(os.Stderr, "measuring a sync of ConductorOne…")
		if err := memory.sync(ctx, b.dir, theirs, []string{"BENCH_SIZE=" + string(encoded)}); err != nil {
			return err
		}
		err := store.sync(ctx, b.dir, ours, nil, "--database-url", url, "--max-age", "1000000h",
			"--management-console-url", "https://"+benchConsole)
		if err != nil {
			return err
		}
	}
	reportConnector(os.Stdout, b.o, size, store, memory)
	return nil
}

// sync runs a connector once, and measures it and its children.
func (r *connectorRun) sync(ctx context.Context, dir, program string, env []string, args ...string) error {
	file := filepath.Join(dir, "sync.c1z")
	defer func() { _ = os.Remove(file) }()
	args = append(args, "--storage-engine", "sqlite", "--file", file, "--log-level", "error")
	c := exec.CommandContext(ctx, program, args...) //nolint:gosec // our own program
	c.Env = append(os.Environ(), env...)
	c.Stderr = os.Stderr
	began := time.Now()
	if err := c.Start(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	peak := make(chan int64)
	go func() { peak <- watchTree(ctx, c.Process.Pid) }()
	err := c.Wait()
	stop()
	r.memory = max(r.memory, <-peak)
	r.took = append(r.took, time.Since(began))
	return err
}

// watchTree is the most memory that a process and its descendants had together, in bytes, until ctx ends.
func watchTree(ctx context.Context, pid int) (most int64) {
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for {
		most = max(most, treeMemory(pid))
		select {
		case <-every.C:
		case <-ctx.Done():
			return most
		}
	}
}

func treeMemory(pid int) int64 {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	total := rollup(filepath.Join(proc, "smaps_rollup"))
	tasks, _ := filepath.Glob(filepath.Join(proc, "task", "*", "children"))
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for child := range strings.FieldsSeq(string(children)) {
			if id, err := strconv.Atoi(child); err == nil {
				total += treeMemory(id)
			}
		}
	}
	return total
}

// rollup is the memory of one process, of which pages that it shares with others count in part.
func rollup(file string) int64 {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

func reportConnector(w io.Writer, o options, size scale.Size, store, memory connectorRun) {
	t, line := columnsOf("a sync of ConductorOne", []connectorRun{store}, func(connectorRun) string { return "sqlite" })
	ours, theirs := median(store.took), median(memory.took)
	line("time", func(connectorRun) string { return seconds(ours) })
	line("  same rows from memory", func(connectorRun) string { return seconds(theirs) })
	line("  allowed", func(connectorRun) string {
		return verdict(fmt.Sprintf("%d × that", connectorSlower), ours <= connectorSlower*theirs)
	})
	line("peak memory, all processes", func(connectorRun) string {
		return verdict(fmt.Sprintf("%d MiB", store.memory/mebi), store.memory <= connectorMemory)
	})
	line("  same rows from memory", func(connectorRun) string { return fmt.Sprintf("%d MiB", memory.memory/mebi) })
	fmt.Fprintf(w, "%d users, %d service users, %d sites; SQLite engine; medians of %d rounds\n%s\n",
		size.Users, size.ServiceUsers, size.Sites, o.rounds, t.Render())
}
