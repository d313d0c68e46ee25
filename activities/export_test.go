package activities

import "time"

// SetClock lets tests of the package's users skip time.
func (p *Principal) SetClock(now func() time.Time) { p.now = now }
