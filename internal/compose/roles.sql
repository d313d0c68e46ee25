-- The roles and databases of docker-compose.yaml, for psql as superuser. It can run again: it then sets the passwords
-- that the environment has, so that a password is changed by changing it there.
--
-- Neither role is a superuser, and neither can connect to the database of the other: Temporal's server, and who reads
-- its password, cannot touch the ledger, and the worker cannot touch Temporal's histories.
\set ON_ERROR_STOP on
\getenv temporal_password TEMPORAL_DB_PASSWORD
\getenv ledger_password LEDGER_DB_PASSWORD

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['temporal', 'ledger']) AS name
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE temporal WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'temporal_password';
ALTER ROLE ledger WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'ledger_password';

SELECT format('CREATE DATABASE %I OWNER %I', name, owner)
    FROM (VALUES ('temporal', 'temporal'), ('temporal_visibility', 'temporal'), ('sentinelone', 'ledger')) AS d (name, owner)
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec

-- By default every role may connect to every database.
REVOKE ALL ON DATABASE temporal, temporal_visibility, sentinelone FROM PUBLIC;
