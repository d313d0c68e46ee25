package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// yesNo is a yes or no as people write it into a file; in JSON it may be true or false.
type yesNo string

// UnmarshalJSON takes true and false beside texts.
func (y *yesNo) UnmarshalJSON(data []byte) error {
	var yes bool
	if json.Unmarshal(data, &yes) == nil {
		*y = yesNo(fmt.Sprint(yes))
		return nil
	}
	return json.Unmarshal(data, (*string)(y))
}

// said reads it; nothing is a no.
func (y yesNo) said() (bool, error) {
	switch strings.ToLower(strings.TrimSpace(string(y))) {
	case "yes", "true":
		return true, nil
	case "", "no", "false":
		return false, nil
	}
	return false, fmt.Errorf("it is %q: write yes or no", string(y))
}

// glassOf says whether a line asks to start at once, to be reviewed afterwards.
func glassOf(row fileRow) (bool, error) {
	yes, err := row.BreakGlass.said()
	switch {
	case err != nil:
		return false, fmt.Errorf("breakGlass: %w", err)
	case !yes:
		return false, nil
	case row.Action == actionRevoke:
		return false, errors.New("breakGlass is given for a revoke, which only a grant can have: leave it out")
	case strings.TrimSpace(row.Reason) == "":
		return false, errors.New("breakGlass needs a reason: say what cannot wait")
	}
	return true, nil
}

// actionRevoke is the action of a line that takes a role away.
const actionRevoke = "revoke"
