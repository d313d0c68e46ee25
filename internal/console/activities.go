package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

const (
	activitiesPath    = "/activities"
	activityTypesPath = "/activities/types"

	// ActivityPermission is what the token's role needs to read the activity feed (verified: the vendor's API
	// description of 2026).
	ActivityPermission = "Activity Page.view"

	// mostActivityTypes bounds the list of types; a console of 2026 has 711.
	mostActivityTypes = 10_000
	// maxActivityText bounds each text of an activity that is kept, in bytes: some thousand entries are held at once.
	maxActivityText = 512
)

// Activity is one entry of the console's activity feed. Fields that an entry lacks, or has in a form that no
// console is known to send, are empty: one odd entry does not make the feed unreadable.
type Activity struct {
	ID        string
	Type      int // such as 23, user added; 0 if it is not a number
	CreatedAt time.Time
	// UserID is the user or service user that the entry is about, for entries about principals (verified in captures);
	// for others it is who acted.
	UserID string
	// By is the name of who acted; "" if the entry does not say. Names are not unique.
	By string
	// Username and Email are from the entry's data: by type of the person who acted, or of the one it is about.
	Username string
	Email    string
}

// In implements [access.Entity]. Activities are no collection of a sync.
func (Activity) In() access.Collection { return "" }

// Key implements [access.Entity].
func (a Activity) Key() string { return a.ID }

// ActivityQuery selects a page of the activity feed.
type ActivityQuery struct {
	Types  []int     // at least one; a console may answer 400 to a type that it does not know
	Since  time.Time // entries created at that time or later, by the console's clock; zero: all
	Newest bool      // the newest first; else the oldest
	Limit  int       // entries per page, 1 to PageLimit; 0 means PageLimit
	Cursor string    // Next of the page before, unchanged; "" for the first page
}

// Activities returns a page of the activity feed, in the order of creation. Two entries may have the same time,
// so go on by the cursor and not by the time. Total may be capped (seen: 50,000), so it proves nothing.
//
//s1:operation GET /web/api/v2.1/activities
func (c *Client) Activities(ctx context.Context, q ActivityQuery) (Page[Activity], error) {
	r := request{method: http.MethodGet, path: activitiesPath, query: url.Values{}}
	if q.Limit == 0 {
		q.Limit = PageLimit
	}
	switch {
	case len(q.Types) == 0:
		return Page[Activity]{}, r.failed(KindNotSent, errors.New("the types of the activities are missing"))
	case q.Limit < 1 || q.Limit > PageLimit:
		return Page[Activity]{}, r.failed(KindNotSent, errors.New("invalid limit: a console accepts 1 to 1000"))
	}
	types := make([]string, len(q.Types))
	for i, t := range q.Types {
		types[i] = strconv.Itoa(t)
	}
	r.query.Set("activityTypes", strings.Join(types, ","))
	r.query.Set("limit", strconv.Itoa(q.Limit))
	r.query.Set("sortBy", "createdAt")
	r.query.Set("sortOrder", map[bool]string{false: "asc", true: "desc"}[q.Newest])
	if !q.Since.IsZero() {
		r.query.Set("createdAt__gte", q.Since.UTC().Format("2006-01-02T15:04:05.000000Z"))
	}
	if q.Cursor != "" {
		r.query.Set("cursor", q.Cursor)
	}
	var page Page[Activity]
	err := c.stream(ctx, r, func(body io.Reader) error {
		var err error
		page, err = decodePage[activityRow](body, c.bounds(q.Limit))
		if err == nil && page.Next != "" && page.Next == q.Cursor {
			err = errors.New("the next cursor is the one that was sent, so the list would never end")
		}
		return err
	})
	if err != nil {
		return Page[Activity]{}, err
	}
	return page, nil
}

// ActivityTypes returns the types of activities that the console knows, sorted.
//
//s1:operation GET /web/api/v2.1/activities/types
func (c *Client) ActivityTypes(ctx context.Context) ([]int, error) {
	r := request{method: http.MethodGet, path: activityTypesPath, query: url.Values{}}
	var types []int
	err := c.stream(ctx, r, func(body io.Reader) error {
		s := newPageScan(body, c.bounds(mostActivityTypes))
		types = nil
		present := false
		err := s.whole(func() (err error) {
			present, err = s.list("data", func() error {
				var row struct {
					ID whole `json:"id"`
				}
				_, err := s.row("data", &row)
				if err == nil && row.ID != 0 {
					types = append(types, int(row.ID))
				}
				return err
			})
			return err
		})
		switch {
		case err != nil:
			return err
		case s.faulty():
			return errWithErrors
		case !present:
			return errNoData
		}
		return nil
	})
	slices.Sort(types)
	return slices.Compact(types), err
}

type activityRow struct {
	ID           lenientText  `json:"id"`
	ActivityType whole        `json:"activityType"`
	CreatedAt    stamp        `json:"createdAt"`
	UserID       lenientText  `json:"userId"`
	Data         activityData `json:"data"`
}

// activityData is the part of an entry that differs by type: only these fields are used, in any form.
type activityData struct {
	ByUser, Username, Email lenientText
}

// UnmarshalJSON implements [json.Unmarshaler]. Anything but an object counts as an empty one.
func (d *activityData) UnmarshalJSON(raw []byte) error {
	*d = activityData{}
	if raw[0] != '{' {
		return nil
	}
	var in struct {
		ByUser   lenientText `json:"byUser"`
		Username lenientText `json:"username"`
		Email    lenientText `json:"email"`
	}
	err := json.Unmarshal(raw, &in)
	*d = activityData(in)
	return err
}

func (r activityRow) item() (Activity, int) {
	a := Activity{
		ID: string(r.ID), Type: int(r.ActivityType), By: string(r.Data.ByUser),
		Username: string(r.Data.Username), Email: string(r.Data.Email),
	}
	if checkID(string(r.UserID)) == nil && len(r.UserID) <= maxID {
		a.UserID = string(r.UserID)
	}
	if r.CreatedAt.value != nil {
		a.CreatedAt = *r.CreatedAt.value
	}
	return a, 0
}

// lenientText is a text or a number; "" for anything else and for a text that is too long to be kept.
type lenientText string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *lenientText) UnmarshalJSON(raw []byte) error {
	var strict text
	if len(raw) > maxActivityText || strict.UnmarshalJSON(raw) != nil {
		strict = ""
	}
	*t = lenientText(strings.ReplaceAll(string(strict), "\x00", "")) // which PostgreSQL refuses
	return nil
}

// whole is a whole number, also in a text; 0 for anything else.
type whole int

// UnmarshalJSON implements [json.Unmarshaler].
func (w *whole) UnmarshalJSON(raw []byte) error {
	var n count
	*w = 0
	if err := n.UnmarshalJSON(raw); err == nil && n.value != nil {
		*w = whole(*n.value)
	}
	return nil
}
