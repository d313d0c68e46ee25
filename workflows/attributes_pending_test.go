package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// pendingShown makes the server know our search attributes, and collects what they show as state
// and as pending decision, one text per change.
func (s *breakGlassEnv) pendingShown() *[]string {
	shown := new([]string)
	s.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(all temporal.SearchAttributes) bool {
		text, _ := all.GetKeyword(temporal.NewSearchAttributeKeyKeyword("SentinelOneState"))
		if p, ok := all.GetKeyword(temporal.NewSearchAttributeKeyKeyword("SentinelOnePending")); ok {
			text += " " + p
		}
		*shown = append(*shown, text)
		return true
	})).Return(nil)
	return shown
}

// version is what a change has, where the workflow asks for it.
func (s *breakGlassEnv) version(change string, v workflow.Version) {
	s.OnGetVersion(change, workflow.DefaultVersion, workflow.Version(1)).Return(v).Maybe()
}

func newIndexedBreakGlass(t *testing.T, long time.Duration) (*breakGlassEnv, *[]string) {
	t.Helper()
	s := newBreakGlass(t, long)
	shown := s.pendingShown()
	s.planned.Indexed = true
	s.applies(access.OpAcquire, access.Applied).Once()
	s.applies(access.OpRelease, access.Released).Once()
	return s, shown
}

// A review is among what is pending from the moment in which the access is in force until it is
// over, and not for the rest of the access.
func TestAttributes_ReviewIsPending(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		review time.Duration
		shown  []string
	}{
		"reviewed in time": { // the access ends before the review is due: no deadline moves
			30 * time.Minute, []string{"applying", "active review", "active none", "releasing", "expired"},
		},
		"reviewed after the end": {
			90 * time.Minute,
			[]string{"applying", "active review", "releasing review", "awaitingReview review", "expired"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, shown := newIndexedBreakGlass(t, time.Hour)
			if c.review > time.Hour {
				s.closes()
			}
			s.decides(c.review, wire.ApproveUpdate, carolMail)
			require.Equal(t, "expired", s.grant(s.in).State)
			require.Equal(t, c.shown, *shown)
		})
	}
}

// A grant in review since before this version leaves the attribute alone: its history has no
// update there.
func TestAttributes_ReviewBeforeThisVersion(t *testing.T) {
	t.Parallel()
	s, shown := newIndexedBreakGlass(t, time.Hour)
	s.version("reviews-leave-the-index", workflow.DefaultVersion)
	s.decides(30*time.Minute, wire.ApproveUpdate, carolMail)
	s.version(mock.Anything, 1)
	require.Equal(t, "expired", s.grant(s.in).State)
	require.Equal(t, []string{"applying", "active review", "releasing", "expired"}, *shown)
}
