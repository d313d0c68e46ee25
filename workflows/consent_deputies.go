package workflows

import "time"

// Deputy is somebody to whom a person of the open step has handed their decisions.
type Deputy struct {
	By    string    `json:"by"` // whose decisions
	To    string    `json:"to"`
	Until time.Time `json:"until"`
}
