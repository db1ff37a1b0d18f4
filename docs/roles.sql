-- The database and its two roles: the owner migrates, the application's role serves and owns nothing.
-- Run once by a superuser:
--   OWNER_PASSWORD=… APP_PASSWORD=… psql --file docs/roles.sql
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\set ON_ERROR_STOP on

CREATE ROLE referralcrm_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'owner_password';
CREATE ROLE referralcrm_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'app_password';

CREATE DATABASE referralcrm OWNER referralcrm_owner;
REVOKE ALL ON DATABASE referralcrm FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE referralcrm TO referralcrm_app;
