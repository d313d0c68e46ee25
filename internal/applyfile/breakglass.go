package applyfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// YesNo is yes or no as a file has it; JSON may also have true or false.
type YesNo string

// UnmarshalJSON accepts true and false besides strings.
func (y *YesNo) UnmarshalJSON(data []byte) error {
	var yes bool
	if json.Unmarshal(data, &yes) == nil {
		*y = YesNo(fmt.Sprint(yes))
		return nil
	}
	return json.Unmarshal(data, (*string)(y))
}

// parse reads it; empty means no.
func (y YesNo) parse() (bool, error) {
	switch y {
	case "yes", "true":
		return true, nil
	case "", "no", "false":
		return false, nil
	}
	return false, fmt.Errorf("invalid value %q: write yes or no", string(y))
}

// breakGlassOf says whether a line requests emergency access, reviewed afterwards.
func breakGlassOf(row Row) (bool, error) {
	yes, err := row.BreakGlass.parse()
	switch {
	case err != nil:
		return false, fmt.Errorf("breakGlass: %w", err)
	case !yes:
		return false, nil
	case row.Action == ActionRevoke:
		return false, errors.New("breakGlass does not apply to a revoke: leave it empty")
	case strings.TrimSpace(row.Reason) == "":
		return false, errors.New("breakGlass needs a reason: state the emergency")
	}
	return true, nil
}
