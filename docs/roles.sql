-- The database and its roles: the owner migrates, the application's role serves and owns nothing, and a third
-- reads every practice's rows for backups (docs/backup.md); give its password to nothing else.
-- Run once by a superuser:
--   OWNER_PASSWORD=… APP_PASSWORD=… BACKUP_PASSWORD=… psql --file docs/roles.sql
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\getenv backup_password BACKUP_PASSWORD
\set ON_ERROR_STOP on

CREATE ROLE referralcrm_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'owner_password';
CREATE ROLE referralcrm_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'app_password';
CREATE ROLE referralcrm_backup LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS
    PASSWORD :'backup_password';
GRANT pg_read_all_data TO referralcrm_backup;

CREATE DATABASE referralcrm OWNER referralcrm_owner;
REVOKE ALL ON DATABASE referralcrm FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE referralcrm TO referralcrm_app;
GRANT CONNECT ON DATABASE referralcrm TO referralcrm_backup;
