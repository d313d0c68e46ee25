package workflows

import (
	"fmt"
	"strings"
	"time"
)

func blank(text string) bool { return strings.TrimSpace(text) == "" }

func days(d time.Duration) string { return fmt.Sprintf("%d days", d/(24*time.Hour)) }
