// Package tokenfile replaces the token in the file from which this process reads its own API token
// (SENTINELONE_API_TOKEN_FILE), so that each reader finds the old token or the new one, whole.
package tokenfile
