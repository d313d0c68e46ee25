// Package export writes the state of a console for other programs: JSON as one
// object, CSV as one flat table. The writers are sinks that the store streams
// into, in its sorted order, so the same state gives the same bytes.
//
// Neither writer keeps assignments in memory. JSON keeps one row at a time; CSV keeps
// the names it joins, one short entry per principal, site, account and role.
//
//	sink := export.NewJSON(w)
//	err := errors.Join(store.Export(ctx, console, nil, sink), sink.Close())
package export
