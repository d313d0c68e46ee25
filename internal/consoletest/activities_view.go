package consoletest

import (
	"fmt"
	"net/http"
	"slices"
)

// Feed are the oddities of the activity feed. The zero value is a feed that shows every edit at once.
type Feed struct {
	LoseEvery   int `json:"loseEvery,omitempty"`   // every so many edits write no entry
	DoubleEvery int `json:"doubleEvery,omitempty"` // every so many edits write each entry twice, with ids of their own
	LateEvery   int `json:"lateEvery,omitempty"`   // entries of every so many edits show late
	LateBy      int `json:"lateBy,omitempty"`      // by so many further entries
	CountCap    int `json:"countCap,omitempty"`    // totalItems is at most that; 0: not capped
	// MissingTypes are types that the console does not know: it writes no entry of them, and answers 400 to their ids.
	MissingTypes []int `json:"missingTypes,omitempty"`
	NamesOnly    bool  `json:"namesOnly,omitempty"` // entries name people, but have no userId
	// NumericData writes ids within data as numbers, as seen of data.accountId.
	NumericData bool `json:"numericData,omitempty"`
}

// SetFeed sets the oddities of the activity feed, for the edits that follow. CountCap, MissingTypes and NamesOnly hold
// for entries that were written before, too.
func (c *Console) SetFeed(f Feed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.feed.rules = f
}

// ReleaseFeed shows all entries that are late.
func (c *Console) ReleaseFeed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.feed.entries {
		c.feed.entries[i].visible = 0
	}
}

// EntryCount is the number of entries of the activity feed, late ones included.
func (c *Console) EntryCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.feed.entries)
}

func (c *Console) putFeed(w http.ResponseWriter, r *http.Request) {
	var f Feed
	if read(w, r, &f) {
		c.SetFeed(f)
		w.WriteHeader(http.StatusNoContent)
	}
}

// activityRow is an entry as the API writes it. Most fields are null where they do not apply.
type activityRow struct {
	AccountID            *string        `json:"accountId"`
	AccountName          *string        `json:"accountName"`
	ActivityType         int            `json:"activityType"`
	ActivityUUID         string         `json:"activityUuid"`
	AgentID              *string        `json:"agentId"`
	AgentUpdatedVersion  *string        `json:"agentUpdatedVersion"`
	Comments             *string        `json:"comments"`
	CreatedAt            *string        `json:"createdAt"`
	Data                 map[string]any `json:"data"`
	Description          *string        `json:"description"`
	GroupID              *string        `json:"groupId"`
	GroupName            *string        `json:"groupName"`
	Hash                 *string        `json:"hash"`
	ID                   string         `json:"id"`
	OSFamily             *string        `json:"osFamily"`
	PrimaryDescription   string         `json:"primaryDescription"`
	SecondaryDescription *string        `json:"secondaryDescription"`
	SiteID               *string        `json:"siteId"`
	SiteName             *string        `json:"siteName"`
	ThreatID             *string        `json:"threatId"`
	UpdatedAt            *string        `json:"updatedAt"`
	UserID               *string        `json:"userId"`
}

func (c *Console) activityView(a activity) activityRow {
	data := map[string]any{
		"byUser": a.by, "fullScopeDetails": "Global", "scopeLevel": "Global", "source": "mgmt", "siteName": nil,
	}
	v := activityRow{
		ActivityType: a.kind, ActivityUUID: fmt.Sprintf("%08x-0000-4000-8000-%012x", a.kind, a.id&(1<<48-1)),
		CreatedAt: a.created.micros(), UpdatedAt: a.created.micros(), ID: text(a.id), Data: data,
		PrimaryDescription: "The management user " + a.by + " made a change.",
	}
	about := a.userID != 0
	if about {
		data["username"] = a.name
		if a.email != "" {
			data["email"] = a.email
		}
	}
	if about && !c.feed.rules.NamesOnly {
		v.UserID = optional(a.userID)
	}
	if !about {
		data["username"] = a.by
		if p := c.own(); p != nil { // other types name who acted
			v.UserID = optional(p.id)
		}
	}
	if c.feed.rules.NumericData && len(c.accounts.records) > 0 {
		data["accountId"] = c.accounts.records[0].id
	}
	if slices.Contains([]int{activityUserAdded}, a.kind) {
		v.Description = &a.by
	}
	return v
}
