package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// print shows one result as it comes: to people in a line, and in the table at the end.
func (b *batch) print(r lineResult) {
	if b.output.json {
		_ = json.NewEncoder(b.out).Encode(r) // nobody is left to tell
		return
	}
	b.remark("line %d: %s", r.Line, describe.Text(r.text()))
}

// text is the result in words.
func (r lineResult) text() string {
	text := r.State
	switch {
	case r.Already && r.State == wire.StateActive:
		text = "already " + text
	case r.Already:
		text = "already done: " + text
	}
	if r.State == wire.StatePlanned && r.OK {
		text = describe.Expected(r.Outcome)
	}
	if r.State == wire.StatePlanned && !r.OK {
		return r.Message
	}
	if r.EndsAt != nil {
		text += " until " + describe.Second(*r.EndsAt)
	}
	if r.Message != "" {
		text += ", " + strings.TrimPrefix(r.Message, r.State+": ")
	}
	return text
}

func resultTable(results []*lineResult) (header []string, lines [][]string) {
	for _, r := range results {
		if r != nil {
			lines = append(lines, []string{
				strconv.Itoa(r.Line), r.Action, r.Principal, r.Role, r.Scope, r.ID, r.text(),
			})
		}
	}
	return []string{"line", "action", "principal", "role", "scope", "id", "result"}, lines
}

// inOrder joins faults of lines in the order of the lines.
func inOrder(joined ...error) error {
	var all []error
	for _, err := range joined {
		if err != nil {
			all = append(all, faults(err)...)
		}
	}
	slices.SortStableFunc(all, func(a, b error) int { return cmp.Compare(lineOf(a), lineOf(b)) })
	return errors.Join(all...)
}

// lineOf is the line that a fault names; what names none comes last.
func lineOf(err error) int {
	_, rest, _ := strings.Cut(err.Error(), "line ")
	number, _, _ := strings.Cut(rest, ":")
	if n, err := strconv.Atoi(number); err == nil {
		return n
	}
	return int(^uint(0) >> 1)
}
