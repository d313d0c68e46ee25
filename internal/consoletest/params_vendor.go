package consoletest

// The query parameters of each list, from the vendor's description (Swagger 2.0,
// version 2.1 of the API). Anything else draws 400 "<x>: Unknown field". Parameters
// of newer descriptions (predefinedRole on roles, and others) are left out: older
// consoles reject them.

// paging are the parameters of all lists.
var paging = map[string]param{
	"cursor":    word(),
	"countOnly": flag(),
	"skipCount": flag(),
	"sortOrder": oneOf("asc", "desc"),
	"limit":     within(1, 1000),
	"skip":      within(0, 1000),
}

var accountsParams = params(map[string]param{
	"accountIds":     idList(5000),
	"accountType":    oneOf("Trial", "Paid"),
	"activeLicenses": whole(),
	"billingMode":    oneOf("subscription", "consumption"),
	"createdAt":      moment(),
	"expiration":     moment(),
	"features":       anyOf("firewall-control", "device-control", "ioc"),
	"ids":            idList(5000),
	"isDefault":      flag(),
	"name":           word(),
	"query":          word(),
	"sortBy": oneOf(
		"id", "name", "totalLicenses", "expiration", "accountType", "state", "createdAt", "updatedAt",
		"activeLicenses", "activeAgents", "numberOfSites", "usageType", "billingMode",
	),
	"states":        words(),
	"totalLicenses": whole(),
	"updatedAt":     moment(),
	"usageType":     oneOf("customer", "mssp"),
})

var sitesParams = params(map[string]param{
	"accountId":             oneID(),
	"accountIds":            idList(500),
	"accountName__contains": parts(10),
	"activeLicenses":        whole(),
	"adminOnly":             flag(),
	"availableMoveSites":    flag(),
	"createdAt":             moment(),
	"description":           word(),
	"description__contains": parts(10),
	"expiration":            moment(),
	"externalId":            word(),
	"features":              anyOf("firewall-control", "device-control", "ioc"),
	"healthStatus":          flag(),
	"isDefault":             flag(),
	"module":                word(),
	"name":                  word(),
	"name__contains":        parts(10),
	"query":                 word(),
	"registrationToken":     word(),
	"siteIds":               idList(500),
	"siteType":              oneOf("Trial", "Paid"),
	"sku":                   word(),
	"sortBy": oneOf(
		"id", "name", "totalLicenses", "expiration", "siteType", "state", "suite", "createdAt", "updatedAt",
		"activeLicenses", "accountName", "sku", "description",
	),
	"state":         oneOf("active", "expired", "deleted"),
	"states":        words(),
	"suite":         oneOf("Core", "Control", "Complete"),
	"totalLicenses": whole(),
	"updatedAt":     moment(),
})

var rolesParams = params(map[string]param{
	"accountIds":      idList(500),
	"accountName":     word(),
	"createdAt":       moment(),
	"creator":         word(),
	"creatorId":       oneID(),
	"description":     word(),
	"groupIds":        idList(500),
	"ids":             idList(5000),
	"includeChildren": flag(),
	"includeParents":  flag(),
	"name":            word(),
	"query":           word(),
	"siteIds":         idList(500),
	"siteName":        word(),
	"sortBy": oneOf(
		"id", "description", "usersInRoles", "creator", "siteName", "createdAt", "updatedAt", "updatedBy",
		"accountName", "name",
	),
	"tenancyIds":   idList(500),
	"tenant":       flag(),
	"updatedAt":    moment(),
	"updatedBy":    word(),
	"updatedById":  oneID(),
	"usersInRoles": whole(),
}, "createdAt", "updatedAt")

var usersParams = params(map[string]param{
	"accountIds":          idList(500),
	"canGenerateApiToken": flag(),
	"dateJoined":          moment(),
	"email":               email(),
	"emailReadOnly":       flag(),
	"emailVerified":       flag(),
	"email__contains":     parts(10),
	"firstLogin":          moment(),
	"fullName":            word(),
	"fullNameReadOnly":    flag(),
	"fullName__contains":  parts(5000),
	"groupsReadOnly":      flag(),
	"hasValidApiToken":    flag(),
	"ids":                 idList(5000),
	"lastLogin":           moment(),
	"primaryTwoFaMethod":  word(),
	"query":               word(),
	"roleIds":             idList(5000),
	"siteIds":             idList(500),
	"sortBy": oneOf(
		"id", "createdAt", "fullName", "firstLogin", "lastLogin", "source", "email", "emailVerified", "dateJoined",
		"roleId", "twoFaEnabled", "twoFaStatus", "apiTokenCreatedAt", "apiTokenExpiresAt", "canGenerateApiToken",
	),
	"source":        oneOf("mgmt", "sso_saml", "active_directory"),
	"sources":       anyOf("mgmt", "sso_saml", "active_directory"),
	"twoFaEnabled":  flag(),
	"twoFaStatus":   word(),
	"twoFaStatuses": words(),
}, "apiTokenExpiresAt", "createdAt", "lastActivation")

var serviceUsersParams = params(map[string]param{
	"accountIds": idList(500),
	"ids":        idList(5000),
	"query":      word(),
	"roleIds":    idList(5000),
	"siteIds":    idList(500),
	"sortBy": oneOf(
		"id", "createdAt", "updatedAt", "name", "fullName", "description", "firstLogin", "lastLogin", "dateJoined",
		"roleId", "apiTokenCreatedAt", "apiTokenExpiresAt", "lastActivation", "createdByName", "updatedByName",
	),
})

var userParams = map[string]param{
	"accountIds": idList(500),
	"groupIds":   idList(500),
	"siteIds":    idList(500),
	"tenant":     flag(),
}
