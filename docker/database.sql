-- Run once, when the database container makes its cluster: the gateway's role, which is no superuser, and its database.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/database_gateway`
CREATE ROLE letterbox LOGIN PASSWORD :'password';
CREATE DATABASE letterbox OWNER letterbox;
REVOKE CONNECT ON DATABASE letterbox FROM PUBLIC;
