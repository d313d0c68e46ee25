// Package explain puts the errors of this connector into what ConductorOne shows of them: one sentence with the
// connector's name that says what happened, to what, and what to do next, and a gRPC code by which the SDK knows
// whether to try again.
//
// ConductorOne shows the message of a failed task under "logs", and nothing else. So every error that leaves the
// connector passes through [Error] or, where a sync lists something, [Read].
package explain

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/conductorone/baton-sdk/pkg/types/grant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

const (
	prefix = settings.Name + ": "
	// maxSentence is the length of a sentence in bytes. gRPC sends it in a header, which a proxy may limit to 8 KiB.
	maxSentence = 3000
)

// SentenceError is an error as it leaves the connector. It has no "rpc error: code = …" in its text, since ConductorOne
// shows the text of the whole chain.
type SentenceError struct {
	code     codes.Code
	sentence string
	details  []protoadapt.MessageV1
	cause    error
}

// Error returns the sentence, which begins with the connector's name.
func (f *SentenceError) Error() string { return prefix + f.sentence }

// Unwrap returns the cause, or nil.
func (f *SentenceError) Unwrap() error { return f.cause }

// GRPCStatus makes the SDK send the code, the sentence and the details.
func (f *SentenceError) GRPCStatus() *status.Status {
	plain := status.New(f.code, f.Error())
	detailed, err := plain.WithDetails(f.details...)
	if err != nil {
		return plain
	}
	return detailed
}

// Newf makes a failure with the code and a sentence of the caller's, without the connector's name. The sentence has
// three parts: what happened, to what, what to do next. It may wrap a cause with %w.
func Newf(code codes.Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &SentenceError{code: code, sentence: tidy(err.Error()), cause: errors.Unwrap(err)}
}

// Settings explains faults of the settings, one line each: the connector does not start.
func Settings(faults error) error {
	return Newf(codes.InvalidArgument, "these settings do not hold; correct them and start again:\n%w", faults)
}

// Declinedf makes the error that ConductorOne takes as "declined", not as "failed": for grants only. The sentence
// names the request.
func Declinedf(format string, args ...any) error {
	return grant.NewErrGrantCancelled(prefix + tidy(fmt.Sprintf(format, args...)))
}

// Error explains an error that Validate, a grant, a revoke, an account or an action ends with. The SDK tries those
// again a few times at most, and only if the code says Unavailable or DeadlineExceeded. It returns nil for nil, and
// failures and declines as they are.
func Error(err error) error {
	if done(err) {
		return err
	}
	f := explain(err)
	if limit := rateLimit(err); limit != nil && f.code == codes.Unavailable {
		f.details = append(f.details, limit)
	}
	return f
}

// Read explains an error that a list of a sync ends with. The SDK's syncer takes two codes in its own way: it leaves
// out in silence what is NotFound, and tries what is Unavailable again for ever, so that nobody is told. So NotFound
// becomes FailedPrecondition, and an outage Aborted: that sync ends with the sentence, and ConductorOne starts the
// next one on its schedule. Where the console limits requests, the code stays Unavailable: the syncer waits for as
// long as the annotation says, and goes on.
func Read(err error) error {
	err = Error(err)
	f, is := errors.AsType[*SentenceError](err)
	if !is || rateLimit(err) != nil {
		return err
	}
	final := *f
	switch f.code {
	case codes.NotFound:
		final.code = codes.FailedPrecondition
	case codes.Unavailable, codes.DeadlineExceeded:
		final.code = codes.Aborted
	default:
		return err
	}
	return &final
}

// All explains several errors at once, of which any may be nil: each has its own sentence, and what to do about it. The
// code is that of the first.
func All(errs ...error) error {
	var all []*SentenceError
	var sentences []string
	for _, err := range errs {
		err = Error(err)
		f, is := errors.AsType[*SentenceError](err)
		switch {
		case err == nil:
			continue
		case !is:
			return err
		}
		all = append(all, f)
		sentences = append(sentences, fmt.Sprintf("(%d) %s", len(all), strings.TrimRight(f.sentence, ".")))
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return &SentenceError{
		code: all[0].code, details: all[0].details, cause: errors.Join(errs...),
		sentence: tidy(fmt.Sprintf("%d faults: %s", len(all), strings.Join(sentences, "; "))),
	}
}

// done reports whether there is nothing to explain.
func done(err error) bool {
	if err == nil {
		return true
	}
	if _, declined := grant.IsErrGrantCancelled(err); declined {
		return true
	}
	_, is := err.(*SentenceError) //nolint:errorlint // one that is wrapped has a text of its own
	return is
}

// nested is what gRPC writes before the text of a status, and this package before a sentence.
var nested = regexp.MustCompile(`rpc error: code = \w+ desc = |` + regexp.QuoteMeta(prefix))

// signs replaces what a person at a terminal does about a missing signature by what a connector needs.
var signs = func() *strings.Replacer {
	const starter = " with `starter`, which signs with ssh-agent or --key"
	const connector = "have --signing-key name the connector's key, and ALLOWED_SIGNERS of the worker allow it"
	return strings.NewReplacer("send the request"+starter, connector, "request again"+starter, connector)
}()

// tidy makes a text safe to show, without what gRPC and this package put into it, and not too long.
func tidy(text string) string {
	text = signs.Replace(describe.Lines(nested.ReplaceAllString(text, "")))
	if len(text) <= maxSentence {
		return text
	}
	cut := maxSentence
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.TrimSpace(text[:cut]) + " …"
}
