package inbox

import "charm.land/bubbles/v2/key"

// keys of the list and of a sheet. Forms take what is typed, but for a few of them.
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
	refresh:  bind("read again", "r"),
	help:     bind("help", "?"),
	quit:     bind("quit", "q"),
	kill:     bind("quit at once", "ctrl+c"),
	suspend:  bind("suspend", "ctrl+z"),
	next:     bind("next field", "tab"),
	previous: bind("field before", "shift+tab"),
	enter:    bind("go on", "enter"),
}

func bind(what string, names ...string) key.Binding {
	return key.NewBinding(key.WithKeys(names...), key.WithHelp(names[0], what))
}

// helpText is what `?` shows.
var helpText = [][2]string{
	{"up, down", "move (also k, j, page up, page down, home, end)"},
	{"enter", "show the plan, who has decided, who is asked"},
	{"space", "select; several are decided together"},
	{"*", "select all that are shown, or none"},
	{"a", "approve what is selected, else the line you are on"},
	{"d", "deny it; one no ends a request"},
	{"/", "show only what has these words in it; esc shows all"},
	{"r", "read again now"},
	{"esc", "back"},
	{"q", "quit (ctrl+c at once, ctrl+z suspends)"},
	{"", ""},
	{"", "Before anything is sent you see the plan and are asked for a yes. A decision is about the plan " +
		"that you have seen: if it changes meanwhile, it is not sent."},
}
