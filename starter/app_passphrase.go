package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"sentinelone-provisioner/internal/describe"
)

// askPassphrase asks on the terminal itself, so that standard input may be anything.
func (p *app) askPassphrase(path string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, errors.New("no terminal to prompt for the passphrase: add the key to ssh-agent")
	}
	defer func() { _ = tty.Close() }()
	return readPassphrase(tty, path)
}

// readPassphrase asks once the terminal shows no more what is typed, so that nothing of it
// is seen however early it comes. Ctrl-C gives up.
func readPassphrase(tty *os.File, path string) ([]byte, error) {
	before, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		return nil, fmt.Errorf("cannot turn off echo on the terminal: %w", err)
	}
	defer func() { _ = term.Restore(int(tty.Fd()), before) }()
	passphrase, err := term.NewTerminal(tty, "").ReadPassword(fmt.Sprintf("Passphrase of %s: ", describe.Text(path)))
	if errors.Is(err, io.EOF) {
		fmt.Fprint(tty, "\r\n")
		return nil, errors.New("no passphrase entered")
	}
	return []byte(passphrase), err
}
