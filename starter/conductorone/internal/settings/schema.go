package settings

import "github.com/conductorone/baton-sdk/pkg/field"

// The fields of the schema, by the names that the stock connector gave them where it has them. None is required: the
// worker's variables may have it. No field has a rule for its values either, since the SDK checks those before ours,
// ends at the first fault, and prints the value; [Settings.Resolve] reports all faults at once.
var (
	consoleURL = field.StringField("management-console-url",
		field.WithDisplayName("Console URL"),
		field.WithDescription("Address of the SentinelOne console, such as https://acmeco.sentinelone.net "+
			"(else SENTINELONE_BASE_URL)"),
		field.WithPlaceholder("https://acmeco.sentinelone.net"))
	token = field.StringField("api-token", field.WithIsSecret(true),
		field.WithDisplayName("API token"),
		field.WithDescription("API token of a user or service user of the console, for --standalone only: "+
			"otherwise the worker alone has one (else SENTINELONE_API_TOKEN or SENTINELONE_API_TOKEN_FILE)"))
	databaseURL = field.StringField("database-url", field.WithIsSecret(true),
		field.WithDisplayName("Database URL"),
		field.WithDescription("Database of the worker: postgres://USER:PASSWORD@HOST/DATABASE or sqlite://FILE; the "+
			"connector only reads it (else DATABASE_URL)"))
	temporalAddress = field.StringField("temporal-address",
		field.WithDisplayName("Temporal address"),
		field.WithDescription("Host and port of the Temporal service (else TEMPORAL_ADDRESS; TEMPORAL_API_KEY and "+
			"TEMPORAL_TLS_… are read too)"),
		field.WithPlaceholder("localhost:7233"))
	temporalNamespace = field.StringField("temporal-namespace",
		field.WithDisplayName("Temporal namespace"),
		field.WithDescription("Temporal namespace of the worker (else TEMPORAL_NAMESPACE)"),
		field.WithPlaceholder("default"))
	taskQueue = field.StringField("task-queue",
		field.WithDisplayName("Task queue"),
		field.WithDescription("Temporal task queue of the worker (else TASK_QUEUE)"),
		field.WithPlaceholder("sentinelone"))
	maxAge = field.StringField("max-age", field.WithDefaultValue("1h"),
		field.WithDisplayName("Oldest snapshot"),
		field.WithDescription("How old the last proven sync of the console may be, such as 30m or 1h: an older one "+
			"makes the connector start a sync and wait for it"))
	syncWait = field.StringField("sync-wait", field.WithDefaultValue("15m"),
		field.WithDisplayName("Wait for a sync"),
		field.WithDescription("How long to wait for that sync before the task fails; the sync goes on"))
	wait = field.StringField("wait", field.WithDefaultValue("4m"),
		field.WithDisplayName("Wait for a request"),
		field.WithDescription("How long a grant, revoke or account waits for its request before the task fails, at "+
			"most 4m30s since ConductorOne gives up after 5m; the request goes on"))
	requester = field.StringField("requester", field.WithDefaultValue("conductorone"),
		field.WithDisplayName("Requester"),
		field.WithDescription("Name by which requests are made: rules of the policy and ALLOWED_SIGNERS refer to it"))
	signingKey = field.StringField("signing-key",
		field.WithDisplayName("Signing key"),
		field.WithDescription("File of the OpenSSH private key that signs requests, where the worker "+
			"has ALLOWED_SIGNERS"),
		field.WithExportTarget(field.ExportTargetCLIOnly))
	stockCompatible = field.BoolField("stock-compatible",
		field.WithDisplayName("Entitlements of the stock connector"),
		field.WithDescription("Also list the role entitlements by level that baton-sentinel-one has; access then "+
			"counts twice"))
	standalone = field.BoolField("standalone",
		field.WithDisplayName("Standalone"),
		field.WithDescription("Read the console directly, without worker, Temporal and database; read only"))
)

// Schema describes the settings to the SDK and to ConductorOne.
var Schema = field.NewConfiguration(
	[]field.SchemaField{
		consoleURL, token, standalone, stockCompatible,
		databaseURL, temporalAddress, temporalNamespace, taskQueue, maxAge, syncWait,
		requester, signingKey, wait,
	},
	field.WithConnectorDisplayName("SentinelOne"),
)
