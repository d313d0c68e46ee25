package accounts

import (
	"cmp"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
)

// Fields of the form for a new account, as its profile has them.
const (
	emailField       = "email"
	firstNameField   = "first_name"
	lastNameField    = "last_name"
	nameField        = "name"
	descriptionField = "description"
	roleField        = "role"
	scopeField       = "scope"
	levelField       = "level"
	tokenLifeField   = "token_life"
	reasonField      = "reason"
)

// formField is a field of the form.
type formField struct {
	order                    int32
	label                    string
	description, placeholder string
	required                 bool
}

// fields are those of users and service users in one form: ConductorOne has one for both.
var fields = map[string]formField{
	emailField: {
		order: 1, label: "E-mail", placeholder: "ana@example.com",
		description: "Address of the new user, also the login name; of users only",
	},
	firstNameField: {
		order: 2, label: "First name", placeholder: "Ana",
		description: "First name of the new user; of users only",
	},
	lastNameField: {
		order: 3, label: "Last name", placeholder: "Roy",
		description: "Last name of the new user; of users only",
	},
	nameField: {
		order: 4, label: "Name", placeholder: "ci builds",
		description: "Name of the new service user, which no other one on the console may have; " +
			"of a user the full name, instead of first and last name",
	},
	descriptionField: {
		order: 5, label: "Description", placeholder: "nightly builds",
		description: "Purpose of the new service user",
	},
	roleField: {
		order: 6, label: "Role", placeholder: "Viewer", required: true,
		description: "Name or id of the role that the account gets; ids are unique, names may not be",
	},
	scopeField: {
		order: 7, label: "Scope", placeholder: "Acme / Berlin", required: true,
		description: `Where the role holds: "tenant", or the name or id of an account or site; ` +
			`of a site also "Account / Site"`,
	},
	levelField: {
		order: 8, label: "Level", placeholder: "site",
		description: "Level of the scope: tenant, account or site; only needed where the scope could be either",
	},
	tokenLifeField: {
		order: 9, label: "Life of the token", placeholder: "90d",
		description: "How long the API token of the new service user is valid; of service users only",
	},
	reasonField: {
		order: 10, label: "Reason", placeholder: "CHG-7",
		description: "Reason for the account, which approvers see",
	},
}

// CreationSchema is the form for a new account, which ConductorOne shows.
func CreationSchema() *v2.ConnectorAccountCreationSchema {
	out := map[string]*v2.ConnectorAccountCreationSchema_Field{}
	for name, f := range fields {
		out[name] = v2.ConnectorAccountCreationSchema_Field_builder{
			DisplayName: f.label, Description: f.description, Placeholder: f.placeholder, Required: f.required,
			Order: f.order, StringField: &v2.ConnectorAccountCreationSchema_StringField{},
		}.Build()
	}
	return v2.ConnectorAccountCreationSchema_builder{FieldMap: out}.Build()
}

// profile is what ConductorOne knows of an account to create.
type profile struct {
	fields map[string]string
	mail   string // outside of the profile
}

// profileOf reads the profile. Values that are no text count as absent.
func profileOf(info *v2.AccountInfo) profile {
	p := profile{fields: map[string]string{}}
	for name, v := range info.GetProfile().GetFields() {
		p.fields[name] = strings.TrimSpace(v.GetStringValue())
	}
	for _, e := range info.GetEmails() {
		if p.mail == "" || e.GetIsPrimary() {
			p.mail = strings.TrimSpace(e.GetAddress())
		}
	}
	if p.mail == "" && strings.Contains(info.GetLogin(), "@") {
		p.mail = strings.TrimSpace(info.GetLogin())
	}
	return p
}

func (p profile) text(field string) string { return p.fields[field] }

func (p profile) email() string { return cmp.Or(p.text(emailField), p.mail) }

func (p profile) fullName() string {
	parts := strings.TrimSpace(p.text(firstNameField) + " " + p.text(lastNameField))
	return cmp.Or(parts, p.text(nameField))
}

func (p profile) reason() string { return cmp.Or(p.text(reasonField), "requested in ConductorOne") }
