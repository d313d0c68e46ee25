package activities

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
)

// slowReader is a console that takes a second for each request, and whose budget is spent unless it has room. Id 404 is
// in no list; the list refuses with listErr.
type slowReader struct {
	mu      sync.Mutex
	lists   [][]string
	singles []string
	listErr error
	name    string
	room    bool
}

func (s *slowReader) HasRoom(access.Kind) bool { return s.room }

func (s *slowReader) answer(kind access.Kind, id, name string) access.Principal {
	return access.Principal{Kind: kind, ID: id, Name: name}
}

func (s *slowReader) Principal(_ context.Context, kind access.Kind, id string) (access.Principal, error) {
	s.mu.Lock()
	s.singles = append(s.singles, id)
	name := s.name
	s.mu.Unlock()
	time.Sleep(time.Second)
	if id == "404" {
		return access.Principal{}, errGone
	}
	return s.answer(kind, id, name), nil
}

func (s *slowReader) PrincipalsByID(
	_ context.Context, kind access.Kind, ids []string,
) (found []access.Principal, err error) {
	s.mu.Lock()
	s.lists = append(s.lists, ids)
	name := s.name
	s.mu.Unlock()
	time.Sleep(time.Second)
	for _, id := range ids {
		if id != "404" {
			found = append(found, s.answer(kind, id, name))
		}
	}
	if s.listErr != nil {
		return nil, s.listErr
	}
	return found, nil
}

// batchedReads starts the reads of some ids at once, while as many as may wait for the console already do, and
// returns what each got.
func batchedReads(t *testing.T, s *slowReader, ids ...string) map[string]error {
	t.Helper()
	b := &principalBatcher{from: s}
	for i := range readsAtOnce {
		go func() { _, _ = b.find(t.Context(), access.User, fmt.Sprint(i)) }()
		synctest.Wait()
	}
	s.mu.Lock()
	s.name = "after"
	s.mu.Unlock()
	var (
		mu  sync.Mutex
		all sync.WaitGroup
		out = map[string]error{}
	)
	for _, id := range ids {
		all.Go(func() {
			p, err := b.find(t.Context(), access.User, id)
			if err == nil && (p.ID != id || p.Name != "after") {
				err = fmt.Errorf("read of %s returned %s, as it was %s", id, p.ID, p.Name)
			}
			mu.Lock()
			defer mu.Unlock()
			out[id] = err
		})
	}
	all.Wait()
	require.Empty(t, b.queued)
	synctest.Wait()
	require.Zero(t, b.active)
	return out
}

// Plans that wait for the console are read together, each after its caller came; one that is in no list is read on
// its own.
func TestBatch_WaitingReadsShareARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowReader{name: "before"}
		got := batchedReads(t, s, "10", "11", "12", "404")
		require.Equal(t, map[string]error{"10": nil, "11": nil, "12": nil, "404": errGone}, got)
		require.Len(t, s.lists, 1)
		require.ElementsMatch(t, []string{"10", "11", "12", "404"}, s.lists[0])
		require.ElementsMatch(t, []string{"0", "1", "2", "3", "404"}, s.singles)
	})
}

// A console that refuses the list, or answers it with what cannot be read, is asked for each principal.
func TestBatch_ListUnfit(t *testing.T) {
	t.Parallel()
	for name, unfit := range map[string]*console.Error{
		"refused":   {Kind: console.KindStatus, Status: http.StatusBadRequest},
		"too large": {Kind: console.KindTooLarge},
		"malformed": {Kind: console.KindMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &slowReader{listErr: unfit}
				require.Equal(t, map[string]error{"10": nil, "11": nil}, batchedReads(t, s, "10", "11"))
				require.Len(t, s.singles, readsAtOnce+2)
			})
		})
	}
}

// A console that is rate limited or down is not asked again for each principal: Temporal retries.
func TestBatch_NoAnswerIsShared(t *testing.T) {
	t.Parallel()
	for _, down := range []*console.Error{
		{Kind: console.KindNoAnswer}, {Kind: console.KindStatus, Status: http.StatusTooManyRequests},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &slowReader{listErr: down}
			got := batchedReads(t, s, "10", "11")
			require.ErrorIs(t, got["10"], down)
			require.ErrorIs(t, got["11"], down)
			require.Len(t, s.singles, readsAtOnce)
		})
	}
}

// A caller that gives up does not take the others of its batch along.
func TestBatch_CallerGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &principalBatcher{from: &slowReader{}}
		first, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := b.find(first, access.User, "1")
			left <- err
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-left, context.Canceled)
		p, err := b.find(t.Context(), access.User, "2")
		require.NoError(t, err)
		require.Equal(t, "2", p.ID)
	})
}

// While the budget has room, each principal is read by a request of its own.
func TestBatch_NotWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowReader{name: "after", room: true}
		require.Equal(t, map[string]error{"10": nil, "11": nil, "404": errGone}, batchedReads(t, s, "10", "11", "404"))
		require.Empty(t, s.lists)
	})
}
