// Package describe puts plans, outcomes, names and times into words for people. Its texts
// are safe to print to a terminal and to send by mail and chat: names come from a console
// that others write to. It is pure: it reads no clock, file, network or configuration,
// and every client (commands, the inbox, workflows, notifications) uses the same words.
package describe
