package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// separator stands between the names of an account and its site.
const separator = " / "

// deleted is the state of a scope that is no more, but may still be listed.
const deleted = "deleted"

func (r *Request) findScope(ctx context.Context, s access.ScopeSelector) (place, error) {
	switch s.Level {
	case access.AccountLevel:
		return r.findAccount(ctx, s)
	case access.SiteLevel:
		return r.findSite(ctx, s)
	default:
		return place{ScopeRef: access.ScopeRef{Level: access.Tenant}}, nil
	}
}

func (r *Request) findAccount(ctx context.Context, s access.ScopeSelector) (place, error) {
	if s.ID != "" {
		a, err := r.console.AccountByID(ctx, s.ID)
		if isNotFound(err) || err == nil && a.State == deleted {
			return place{}, noScope(s, err == nil)
		}
		return accountPlace(a), err
	}
	all, err := r.console.AllAccounts(ctx)
	if err != nil {
		return place{}, err
	}
	listed := all
	all = slices.DeleteFunc(slices.Clone(all), func(a access.Account) bool { return a.State == deleted })
	found := access.Named(all, s.Name, func(a access.Account) []string { return []string{a.Name} })
	if len(found) == 1 {
		return accountPlace(found[0]), nil
	}
	text := func(a access.Account) string { return fmt.Sprintf("%s (%s)", access.Quoted(a.Name), a.ID) }
	if len(found) > 1 {
		return place{}, &access.NoMatchError{What: s.String(), Matches: listTexts(found, text)}
	}
	similar := slices.DeleteFunc(all, func(a access.Account) bool { return !isSimilar(a.Name, s.Name) })
	none := noScope(s, slices.ContainsFunc(listed, func(a access.Account) bool {
		return a.State == deleted && access.SameLabel(a.Name, s.Name)
	}))
	none.Similar = listTexts(similar, text)
	return place{}, none
}

// noScope says that there is no such scope any more, or that there never was one.
func noScope(s access.ScopeSelector, wasDeleted bool) *access.NoMatchError {
	e := &access.NoMatchError{What: s.String()}
	if wasDeleted {
		e.Hint = "it was deleted"
	}
	return e
}

func accountPlace(a access.Account) place {
	return place{ScopeRef: access.ScopeRef{Level: access.AccountLevel, ID: a.ID, Name: a.Name}, accountID: a.ID}
}

func (r *Request) findSite(ctx context.Context, s access.ScopeSelector) (place, error) {
	if s.ID != "" {
		site, err := r.console.SiteByID(ctx, s.ID)
		if isNotFound(err) || err == nil && site.State == deleted {
			return place{}, noScope(s, err == nil)
		}
		return sitePlace(site), err
	}
	var found []access.Site
	var wasDeleted bool
	var spelling string
	for _, spelling = range access.Spellings(s.Name) {
		var err error
		if found, wasDeleted, err = r.sitesNamed(ctx, spelling); err != nil {
			return place{}, err
		}
		if len(found) > 0 || wasDeleted {
			break
		}
	}
	if len(found) == 1 {
		return sitePlace(found[0]), nil
	}
	if len(found) > 1 {
		return place{}, &access.NoMatchError{What: s.String(), Matches: listTexts(found, siteText)}
	}
	similar, err := r.console.SearchSites(ctx, sitePart(spelling))
	if err != nil { // for the message alone
		similar = nil
	}
	none := noScope(s, wasDeleted)
	none.Similar = listTexts(slices.DeleteFunc(similar, isDeleted), siteText)
	return place{}, none
}

func isDeleted(s access.Site) bool { return s.State == deleted }

// sitesNamed takes the whole text as a name and, where it can be taken apart, as
// "Account / Site" too: either may contain the separator. wasDeleted says that a deleted site has
// that name; it is not among those found.
func (r *Request) sitesNamed(ctx context.Context, text string) (found []access.Site, wasDeleted bool, err error) {
	found, err = r.console.SitesByName(ctx, text)
	if err != nil {
		return nil, false, err
	}
	for _, name := range siteNames(text) {
		account := strings.TrimSuffix(text, separator+name)
		more, err := r.console.SitesByName(ctx, name)
		if err != nil {
			return nil, false, err
		}
		found = append(found, access.Labelled(more, account, func(s access.Site) string { return s.AccountName })...)
	}
	return slices.DeleteFunc(slices.Clone(found), isDeleted), slices.ContainsFunc(found, isDeleted), nil
}

// siteNames lists what stands behind each separator of the text.
func siteNames(text string) []string {
	var out []string
	for {
		_, rest, found := strings.Cut(text, separator)
		if !found {
			return out
		}
		out = append(out, rest)
		text = rest
	}
}

func sitePlace(s access.Site) place {
	return place{
		ScopeRef: access.ScopeRef{Level: access.SiteLevel, ID: s.ID, Name: fullName(s)}, accountID: s.AccountID,
	}
}

func fullName(s access.Site) string {
	if s.AccountName == "" {
		return s.Name
	}
	return s.AccountName + separator + s.Name
}

func siteText(s access.Site) string { return fmt.Sprintf("%s (%s)", access.Quoted(fullName(s)), s.ID) }

// sitePart is the site's part of "Account / Site".
func sitePart(text string) string {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[i+len(separator):]
	}
	return text
}

// isSimilar is for suggestions: one name is in the other, in any case and with any blanks.
func isSimilar(a, b string) bool {
	a, b = access.FoldLabel(a), access.FoldLabel(b)
	return a != "" && b != "" && (strings.Contains(a, b) || strings.Contains(b, a))
}
