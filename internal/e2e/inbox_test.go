package e2e

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// screen is a program on a terminal of its own.
type screen struct {
	t       *testing.T
	s       *roles
	cmd     *exec.Cmd
	tty     *os.File
	seen    *vt.SafeEmulator
	printed *testbed.Output // as it came
	drawn   chan struct{}   // something was drawn since it was last looked at
	exit    chan error
}

// onScreen starts starter on a terminal of 80 by 24.
func (r *roles) onScreen(environment []string, args ...string) *screen {
	r.t.Helper()
	out := &screen{
		t: r.t, s: r, seen: vt.NewSafeEmulator(80, 24), printed: &testbed.Output{},
		drawn: make(chan struct{}, 1), exit: make(chan error, 1),
	}
	cmd := exec.CommandContext(r.ctx(), programs.Starter, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.t.TempDir(), "TERM=xterm-256color"}, r.env()...)
	cmd.Env = append(cmd.Env, environment...)
	out.cmd = cmd
	var err error
	out.tty, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	require.NoError(r.t, err)
	r.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = out.tty.Close()
		_ = out.seen.Close()
	})
	go func() { _, _ = io.Copy(out.tty, out.seen) }() // what a terminal answers when it is asked
	go out.draw()
	return out
}

// draw shows what comes until there is no more.
func (s *screen) draw() {
	buffer := make([]byte, 4096)
	for {
		n, err := s.tty.Read(buffer)
		_, _ = s.printed.Write(buffer[:n])
		_, _ = s.seen.Write(buffer[:n])
		select {
		case s.drawn <- struct{}{}:
		default:
		}
		if err != nil {
			s.exit <- s.cmd.Wait()
			return
		}
	}
}

// text is what is on the screen, with one space between words: lines break where they must.
func (s *screen) text() string { return squeeze(ansi.Strip(s.seen.Render())) }

func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }

// until waits until a text is on the screen.
func (s *screen) until(text string) {
	s.t.Helper()
	for !strings.Contains(s.text(), text) {
		select {
		case <-s.drawn:
		case err := <-s.exit:
			require.Fail(s.t, "it has ended", "before %q: %v\n%s", text, err, s.printed.String())
		case <-s.s.ctx().Done():
			require.Fail(s.t, "not on the screen", "%q:\n%s", text, s.text())
		}
	}
}

func (s *screen) press(keys string) {
	s.t.Helper()
	_, err := io.WriteString(s.tty, keys)
	require.NoError(s.t, err)
}

func (s *screen) ended() error {
	s.t.Helper()
	select {
	case err := <-s.exit:
		return err
	case <-s.s.ctx().Done():
		require.Fail(s.t, "it has not ended", s.text())
		return nil
	}
}

// A person decides two requests at once on a real terminal; another one, who comes too
// late for a third, is told who was first.
func TestInbox_OnATerminal(t *testing.T) {
	t.Parallel()
	s := newAsked(t)
	first, second := s.startGrant("1", s.input("")), s.startGrant("2", s.input("4h"))
	s.untilRequest(first, asks)
	s.untilRequest(second, asks)

	carol := s.onScreen(nil, "inbox", "--by", "carol@example.com")
	carol.until("Inbox of carol@example.com")
	carol.until("2 pending")
	carol.until("not signed: no ssh-agent is running here")
	carol.press("*a")
	carol.until("Approve 2 requests as carol@example.com")
	carol.until("grant user ana@example.com")
	carol.until("type yes to confirm, then press enter")
	carol.press("on call\r\ryes") // nothing in the second field
	carol.until("comment on call")
	carol.until("type yes yes")
	require.Zero(t, s.decisions(first.GetID()), "nothing is sent before enter")
	carol.press("\r")
	carol.until("Approve: 2 sent")
	carol.until(first.GetID() + ": approve by carol@example.com (unsigned)")
	require.Equal(t, 1, s.decisions(first.GetID()))
	require.Equal(t, 1, s.decisions(second.GetID()))
	carol.press("\r")
	carol.until("No request is pending for carol@example.com.")
	require.NoError(t, pty.Setsize(carol.tty, &pty.Winsize{Rows: 10, Cols: 40}))
	carol.seen.Resize(40, 10)
	carol.press("?")
	carol.until("press any key to go back")
	carol.press("xq")
	require.NoError(t, carol.ended())
	require.False(t, carol.seen.IsAltScreen(), "the screen is given back")
	_, after, _ := strings.Cut(carol.printed.String(), "\x1b[?1049l")
	require.Contains(t, ansi.Strip(after), second.GetID()+": approve by carol@example.com (unsigned)")

	third := s.startGrant("3", s.input("2h"))
	s.untilRequest(third, asks)
	dave := s.onScreen([]string{"NO_COLOR=yes"}, "inbox", "--by", "dave@example.com")
	dave.until("3 pending")
	dave.press("/" + first.GetID() + "\r\r")
	dave.until("1. open: 1 of 2 from leads; may decide: dave@example.com")
	dave.until("approve by carol@example.com")
	dave.press("\x1b")
	dave.until("/" + first.GetID())
	dave.press("\x1b")
	dave.until("for 2h")
	dave.press("/for 2h\ra")
	dave.until("Approve 1 request")
	dave.until("type yes to confirm, then press enter") // what is typed before that counts for nothing
	dave.press("\r\ryes")
	dave.until("type yes yes")
	got := s.starter("deny", third.GetID(), "--by", "carol@example.com", "--yes")
	require.Zero(t, got.code, got.stderr)
	dave.press("\r")
	dave.until("1 failed")
	dave.until("by carol@example.com")
	dave.press("\x03")
	require.NoError(t, dave.ended())
	require.NotRegexp(t, `\x1b\[[0-9;]*(3[0-7]|9[0-7])m`, dave.printed.String(), "no colour where NO_COLOR is set")
}

// A passphrase is asked for before the screen comes up; what is decided on it is signed.
func TestInbox_Signed(t *testing.T) {
	t.Parallel()
	key, bob := sshtest.New(t), newSignerKey(t)
	own, signers := key.Save(t, "open sesame"), filepath.Join(t.TempDir(), "signers")
	lines := "carol@example.com " + key.Public() + "\nbob@example.com " + bob.public() + "\n"
	require.NoError(t, os.WriteFile(signers, []byte(lines), 0o600))
	s := newAsked(t, "ALLOWED_SIGNERS="+signers)
	asked := signedDesk{roles: s, keys: map[string]signerKey{"bob@example.com": bob}}
	run := asked.ask("1")

	carol := s.onScreen(nil, "inbox", "--by", "carol@example.com", "--key", own)
	carol.until("Passphrase of " + own)
	require.False(t, carol.seen.IsAltScreen())
	carol.press("open sesame\n")
	carol.until("1 pending")
	require.NotContains(t, carol.text(), "not signed")
	carol.press("d")
	carol.until("type yes to confirm, then press enter")
	carol.press("not this week\ryes\r")
	carol.until("deny by carol@example.com (" + ssh.FingerprintSHA256(key.PublicKey()))
	carol.press("q")
	require.NoError(t, carol.ended())
	got := s.ended(run)
	require.Equal(t, wire.StateDenied, got.State)
	require.Equal(t, ssh.FingerprintSHA256(key.PublicKey()), got.Receipt.Decisions[0].Signed)
	require.Equal(t, "not this week", got.Receipt.Decisions[0].Comment)

	// Without a key it does not even begin: the worker would refuse every decision.
	without := s.onScreen(nil, "inbox", "--by", "carol@example.com")
	require.Error(t, without.ended())
	require.Contains(t, without.printed.String(), "a signature is needed")
	require.Equal(t, 2, without.cmd.ProcessState.ExitCode())
}

// Somebody edits the principal while the form is open, and people are asked anew: the yes
// was for what is on the screen, so it is not sent.
func TestInbox_PlanChanged(t *testing.T) {
	t.Parallel()
	s := newAsked(t)
	run := s.startGrant("1", s.input(""))
	s.untilRequest(run, asks)
	carol := s.onScreen(nil, "inbox", "--by", "carol@example.com")
	carol.until("1 pending")
	carol.press("a")
	carol.until("type yes to confirm, then press enter")

	other := s.wanted
	other.ScopeID = s.console.Truth().Sites[2].ID
	s.byHand(s.viewer, other)
	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		_, err := s.decide(run, "approve", by)
		require.NoError(t, err)
	}
	s.untilRequest(run, func(got wire.RequestStatus) bool { return asks(got) && len(got.Plan.Before.Held) == 2 })

	carol.press("\r\ryes\r")
	carol.until("the plan has changed since you read it, and nothing was sent: read the new plan")
	require.Zero(t, s.decisions(run.GetID()))
	carol.press("\ra")
	carol.until("type yes to confirm, then press enter")
	carol.press("\r\ryes\r")
	carol.until("Approve: 1 sent")
	require.Equal(t, 1, s.decisions(run.GetID()))
}

// decisions counts those on the plan of a request.
func (r *roles) decisions(id string) int {
	r.t.Helper()
	value, err := r.client.QueryWorkflow(r.ctx(), id, "", wire.StatusQuery)
	require.NoError(r.t, err)
	var status wire.RequestStatus
	require.NoError(r.t, value.Get(&status))
	if status.Approval == nil {
		return 0
	}
	return len(status.Approval.Decisions)
}

// Signals end it as ctrl+c ends other commands, with the terminal as it was.
func TestInbox_Terminated(t *testing.T) {
	t.Parallel()
	s := newAsked(t)
	s.untilRequest(s.startGrant("1", s.input("")), asks)
	own := s.onScreen(nil, "inbox", "--by", "carol@example.com")
	own.until("1 pending")
	require.True(t, own.seen.IsAltScreen())
	require.NoError(t, own.cmd.Process.Signal(syscall.SIGTERM))
	require.Error(t, own.ended())
	require.False(t, own.seen.IsAltScreen())
	require.Contains(t, own.printed.String(), "stopped")
}
