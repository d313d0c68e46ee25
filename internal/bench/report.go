package main

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

const mebi = 1 << 20

// report prints one column per size and database.
func report(w io.Writer, o options, rows []row) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	header := table.Row{""}
	columns := []table.ColumnConfig{}
	for i, r := range rows {
		header = append(header, r.size+", "+r.database)
		columns = append(columns, table.ColumnConfig{Number: i + 2, Align: text.AlignRight})
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(columns)
	line := func(name string, value func(row) string) {
		cells := table.Row{name}
		for _, r := range rows {
			cells = append(cells, value(r))
		}
		t.AppendRow(cells)
	}
	line("rows on the console", func(r row) string { return fmt.Sprint(r.rows) })
	line("bare loop", func(r row) string { return seconds(r.bare) })
	line("Temporal's fixed cost", func(r row) string { return seconds(r.fixed) })
	t.AppendSeparator()
	lines(line, "first sync", func(r row) sample { return r.first })
	line("  rows per second", func(r row) string { return fmt.Sprintf("%.0f", float64(r.rows)/r.first.wall.Seconds()) })
	t.AppendSeparator()
	lines(line, "unchanged sync", func(r row) sample { return r.second })
	line("  database time / first one's", func(r row) string { return ratio(r.second.database, r.first.database) })
	t.AppendSeparator()
	line("worker's peak memory", func(r row) string { return fmt.Sprintf("%d MiB", r.memory/mebi) })
	fmt.Fprintf(w, "medians of %d rounds; console latency %s\n%s\n", o.rounds, o.latency, t.Render())
}

func lines(line func(string, func(row) string), title string, of func(row) sample) {
	line(title+": wall", func(r row) string { return seconds(of(r).wall) })
	line("  / bare loop", func(r row) string { return ratio(of(r).wall, r.bare) })
	line("  less fixed cost, / bare loop", func(r row) string { return ratio(of(r).wall-r.fixed, r.bare) })
	line("  requests", func(r row) string { return fmt.Sprint(of(r).requests) })
	line("  state", func(r row) string { return of(r).state })
	line("  assignment rows written", func(r row) string { return fmt.Sprint(of(r).written) })
	line("  database time", func(r row) string { return seconds(of(r).database) })
	line("  history events", func(r row) string { return fmt.Sprint(of(r).events) })
	line("  actions: activities started", func(r row) string { return fmt.Sprint(of(r).activities) })
	line("  actions: heartbeats recorded", func(r row) string { return fmt.Sprint(of(r).heartbeats) })
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func ratio(a, b time.Duration) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f ×", float64(a)/float64(b))
}
