package inbox

import "charm.land/bubbles/v2/key"

// keys of the list and of a detail. A form takes most keys as input.
var keys = struct {
	up, down, pageUp, pageDown, top, bottom          key.Binding
	show, back, mark, markAll, approve, deny, filter key.Binding
	refresh, help, quit, kill, suspend               key.Binding
	next, previous, enter                            key.Binding
}{
	up:       bind("up", "up", "k"),
	down:     bind("down", "down", "j"),
	pageUp:   bind("page up", "pgup", "ctrl+b"),
	pageDown: bind("page down", "pgdown", "ctrl+f"),
	top:      bind("first", "home", "g"),
	bottom:   bind("last", "end", "G"),
	show:     bind("show", "enter", "right", "l"),
	back:     bind("back", "esc", "left", "h", "backspace"),
	mark:     bind("select", "space"),
	markAll:  bind("select all", "*"),
	approve:  bind("approve", "a"),
	deny:     bind("deny", "d"),
	filter:   bind("filter", "/"),
	refresh:  bind("reload", "r"),
	help:     bind("help", "?"),
	quit:     bind("quit", "q"),
	kill:     bind("quit at once", "ctrl+c"),
	suspend:  bind("suspend", "ctrl+z"),
	next:     bind("next field", "tab"),
	previous: bind("previous field", "shift+tab"),
	enter:    bind("continue", "enter"),
}

func bind(what string, names ...string) key.Binding {
	return key.NewBinding(key.WithKeys(names...), key.WithHelp(names[0], what))
}

// helpText is the screen of `?`: pairs of key and effect.
var helpText = [][2]string{
	{"up, down", "move (also k, j, page up, page down, home, end)"},
	{"enter", "show the plan, the decisions so far and who may decide"},
	{"space", "select; you decide all selected requests together"},
	{"*", "select all listed requests, or none"},
	{"a", "approve the selected requests, or the one under the cursor"},
	{"d", "deny them; one denial ends a request"},
	{"/", "filter: list only requests with these words; esc lists all"},
	{"r", "reload now"},
	{"esc", "back"},
	{"q", "quit (ctrl+c at once, ctrl+z suspends)"},
	{"", ""},
	{"", "Before anything is sent you see the plan and confirm. A decision refers to the plan that you have " +
		"seen: if the plan changes in between, the decision is not sent."},
}
