package workflows

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/describe"
)

func blank(text string) bool { return strings.TrimSpace(text) == "" }

func days(d time.Duration) string { return fmt.Sprintf("%d days", d/(24*time.Hour)) }

// at is a time for people, to the second.
func at(t time.Time) string { return describe.Second(t) }
