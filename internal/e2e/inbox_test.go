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

// terminal is a program with a terminal of its own.
type terminal struct {
	t       *testing.T
	env     *grantEnv
	cmd     *exec.Cmd
	tty     *os.File
	display *vt.SafeEmulator
	raw     *testbed.Output // the bytes of the program
	updated chan struct{}   // there is output since text was last called
	exited  chan error
}

// startOnTerminal starts starter on a terminal of 80 columns and 24 rows.
func (r *grantEnv) startOnTerminal(environment []string, args ...string) *terminal {
	r.t.Helper()
	out := &terminal{
		t: r.t, env: r, display: vt.NewSafeEmulator(80, 24), raw: &testbed.Output{},
		updated: make(chan struct{}, 1), exited: make(chan error, 1),
	}
	cmd := exec.CommandContext(r.t.Context(), programs.Starter, args...) // as long as the test: each wait has a limit
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.t.TempDir(), "TERM=xterm-256color"}, r.env()...)
	cmd.Env = append(cmd.Env, environment...)
	out.cmd = cmd
	var err error
	out.tty, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	require.NoError(r.t, err)
	r.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = out.tty.Close()
		_ = out.display.Close()
	})
	go func() { _, _ = io.Copy(out.tty, out.display) }() // the terminal answers queries of the program
	go out.copyOutput()
	return out
}

// copyOutput displays the output of the program until it ends.
func (s *terminal) copyOutput() {
	buffer := make([]byte, 4096)
	for {
		n, err := s.tty.Read(buffer)
		_, _ = s.raw.Write(buffer[:n])
		_, _ = s.display.Write(buffer[:n])
		select {
		case s.updated <- struct{}{}:
		default:
		}
		if err != nil {
			s.exited <- s.cmd.Wait()
			return
		}
	}
}

// text is what the terminal shows, with single spaces: lines may break anywhere.
func (s *terminal) text() string { return singleSpaced(ansi.Strip(s.display.Render())) }

func singleSpaced(text string) string { return strings.Join(strings.Fields(text), " ") }

// untilShows waits until the terminal shows a text.
func (s *terminal) untilShows(text string) {
	s.t.Helper()
	ctx := s.env.ctx() // one for all: a screen that changes all the time is no reason to wait on
	for !strings.Contains(s.text(), text) {
		select {
		case <-s.updated:
		case err := <-s.exited:
			require.Fail(s.t, "it has ended", "before %q: %v\n%s", text, err, s.raw.String())
		case <-ctx.Done():
			require.Fail(s.t, "not on the screen", "%q:\n%s\nall output:\n%q", text, s.text(), s.raw.String())
		}
	}
}

func (s *terminal) press(keys string) {
	s.t.Helper()
	_, err := io.WriteString(s.tty, keys)
	require.NoError(s.t, err)
}

func (s *terminal) exitError() error {
	s.t.Helper()
	select {
	case err := <-s.exited:
		return err
	case <-s.env.ctx().Done():
		require.Fail(s.t, "it has not ended", s.text())
		return nil
	}
}

// Carol decides two requests at once on a terminal. Dave is too late for a third and sees
// who decided it.
func TestInbox_OnATerminal(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	first, second := s.startGrant("1", s.input("")), s.startGrant("2", s.input("4h"))
	s.untilStatus(first, isAwaitingApproval)
	s.untilStatus(second, isAwaitingApproval)

	carol := s.startOnTerminal(nil, "inbox", "--by", "carol@example.com")
	carol.untilShows("Inbox of carol@example.com")
	carol.untilShows("2 pending")
	carol.untilShows("not signed: no ssh-agent found")
	carol.press("*a")
	carol.untilShows("Approve 2 requests as carol@example.com")
	carol.untilShows("grant user ana@example.com")
	carol.untilShows("type yes to confirm, then press enter")
	carol.press("on call\r\ryes") // the second field stays empty
	carol.untilShows("comment on call")
	carol.untilShows("type yes yes")
	require.Zero(t, s.decisionCount(first.GetID()), "nothing is sent before enter")
	carol.press("\r")
	carol.untilShows("Approve: 2 sent")
	carol.untilShows(first.GetID() + ": approve by carol@example.com (unsigned)")
	require.Equal(t, 1, s.decisionCount(first.GetID()))
	require.Equal(t, 1, s.decisionCount(second.GetID()))
	carol.press("\r")
	carol.untilShows("No request is pending for carol@example.com.")
	carol.display.Resize(40, 10) // first: what the program draws for that size must meet it
	require.NoError(t, pty.Setsize(carol.tty, &pty.Winsize{Rows: 10, Cols: 40}))
	carol.press("?")
	carol.untilShows("press any key to go back")
	carol.press("xq")
	require.NoError(t, carol.exitError())
	require.False(t, carol.display.IsAltScreen(), "the screen is restored")
	_, after, _ := strings.Cut(carol.raw.String(), "\x1b[?1049l")
	require.Contains(t, ansi.Strip(after), second.GetID()+": approve by carol@example.com (unsigned)")

	third := s.startGrant("3", s.input("2h"))
	s.untilStatus(third, isAwaitingApproval)
	dave := s.startOnTerminal([]string{"NO_COLOR=yes"}, "inbox", "--by", "dave@example.com")
	dave.untilShows("3 pending")
	dave.press("/" + first.GetID() + "\r\r")
	dave.untilShows("1. open: 1 of 2 from leads; may decide: dave@example.com")
	dave.untilShows("approve by carol@example.com")
	dave.press("\x1b")
	dave.untilShows("/" + first.GetID())
	dave.press("\x1b")
	dave.untilShows("for 2h")
	dave.press("/for 2h\ra")
	dave.untilShows("Approve 1 request")
	dave.untilShows("type yes to confirm, then press enter") // keys pressed before that are ignored
	dave.press("\r\ryes")
	dave.untilShows("type yes yes")
	got := s.starter("deny", third.GetID(), "--by", "carol@example.com", "--yes")
	require.Zero(t, got.code, got.stderr)
	dave.press("\r")
	dave.untilShows("1 failed")
	dave.untilShows("by carol@example.com")
	dave.press("\x03")
	require.NoError(t, dave.exitError())
	require.NotRegexp(t, `\x1b\[[0-9;]*(3[0-7]|9[0-7])m`, dave.raw.String(), "no colour where NO_COLOR is set")
}

// The passphrase of a key is asked for before the screen opens, and decisions made there
// are signed.
func TestInbox_Signed(t *testing.T) {
	t.Parallel()
	key, bob := sshtest.New(t), newSignerKey(t)
	own, signers := key.Save(t, "open sesame"), filepath.Join(t.TempDir(), "signers")
	lines := "carol@example.com " + key.Public() + "\nbob@example.com " + bob.Public() + "\n"
	require.NoError(t, os.WriteFile(signers, []byte(lines), 0o600))
	s := newApprovalEnv(t, "ALLOWED_SIGNERS="+signers)
	asked := signedEnv{grantEnv: s, keys: map[string]signerKey{"bob@example.com": bob}}
	run := asked.startSigned("1")

	carol := s.startOnTerminal(nil, "inbox", "--by", "carol@example.com", "--key", own)
	carol.untilShows("Passphrase of " + own)
	require.False(t, carol.display.IsAltScreen())
	carol.press("open sesame\n")
	carol.untilShows("1 pending")
	require.NotContains(t, carol.text(), "not signed")
	carol.press("d")
	carol.untilShows("type yes to confirm, then press enter")
	carol.press("not this week\ryes\r")
	carol.untilShows("deny by carol@example.com (" + ssh.FingerprintSHA256(key.PublicKey()))
	carol.press("q")
	require.NoError(t, carol.exitError())
	got := s.result(run)
	require.Equal(t, wire.StateDenied, got.State)
	require.Equal(t, ssh.FingerprintSHA256(key.PublicKey()), got.Receipt.Decisions[0].Signed)
	require.Equal(t, "not this week", got.Receipt.Decisions[0].Comment)

	// Without a key it does not open: the worker would refuse each decision.
	without := s.startOnTerminal(nil, "inbox", "--by", "carol@example.com")
	require.Error(t, without.exitError())
	require.Contains(t, without.raw.String(), "a signature is required")
	require.Equal(t, 2, without.cmd.ProcessState.ExitCode())
}

// Somebody edits the principal while the form is open, and the request needs approval anew.
// The approval was for the plan on the screen, so it is not sent.
func TestInbox_PlanChanged(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	run := s.startGrant("1", s.input(""))
	s.untilStatus(run, isAwaitingApproval)
	carol := s.startOnTerminal(nil, "inbox", "--by", "carol@example.com")
	carol.untilShows("1 pending")
	carol.press("a")
	carol.untilShows("type yes to confirm, then press enter")

	s.setRolesByHand(s.viewer, s.world.AtSite("Admin", 1))
	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		_, err := s.decide(run, "approve", by)
		require.NoError(t, err)
	}
	s.untilStatus(run, isPlannedAgain)

	carol.press("\r\ryes\r")
	carol.untilShows("the plan has changed since you read it, and nothing was sent: read the new plan")
	require.Zero(t, s.decisionCount(run.GetID()))
	carol.press("\ra")
	carol.untilShows("type yes to confirm, then press enter")
	carol.press("\r\ryes\r")
	carol.untilShows("Approve: 1 sent")
	require.Equal(t, 1, s.decisionCount(run.GetID()))
}

// decisionCount counts the decisions on the current plan of a request.
func (r *grantEnv) decisionCount(id string) int {
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

// A signal ends the inbox like ctrl+c, and restores the terminal.
func TestInbox_Terminated(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	s.untilStatus(s.startGrant("1", s.input("")), isAwaitingApproval)
	own := s.startOnTerminal(nil, "inbox", "--by", "carol@example.com")
	own.untilShows("1 pending")
	require.True(t, own.display.IsAltScreen())
	require.NoError(t, own.cmd.Process.Signal(syscall.SIGTERM))
	require.Error(t, own.exitError())
	require.False(t, own.display.IsAltScreen())
	require.Contains(t, own.raw.String(), "stopped")
}
