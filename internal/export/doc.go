// Package export writes the state of a console for other programs: JSON as one
// object, CSV as one flat table. The writers are sinks that the store streams
// into, in its sorted order, so the same state gives the same bytes.
//
// Neither writer keeps assignments or principals in memory. JSON keeps one row at a time; CSV keeps
// the names of sites, accounts and roles, and the store joins those of principals.
//
//	sink := export.NewJSON(w)
//	err := errors.Join(store.Export(ctx, console, nil, sink), sink.Close())
package export
