package access

import "time"

// Extension is one time that somebody moved the end of a grant.
type Extension struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`       // as claimed
	Duration Duration  `json:"duration"` // added
	EndsAt   time.Time `json:"endsAt"`   // the end from then on
}
