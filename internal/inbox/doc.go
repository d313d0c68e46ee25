// Package inbox is the terminal screen on which a person decides pending requests: a
// list, the plan of each request, and a form that asks for confirmation. It knows
// neither Temporal nor keys; a [Backend] reads requests and sends decisions.
package inbox
