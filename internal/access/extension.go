package access

import "time"

// Extension records that the end of a grant was moved to a later time.
type Extension struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`       // as claimed
	Duration Duration  `json:"duration"` // added
	EndsAt   time.Time `json:"endsAt"`   // the end from then on
}
