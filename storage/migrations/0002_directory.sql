-- The directory: who is who in a tenant, by which keys, and what they did.
--
-- The rules of 0001 hold. Two keys say less than "tenant first": a certificate and a machine token
-- are unique in the whole gateway, because they are what a caller's tenant is found by.


-- Where the next signed record goes. Raising it locks the tenant's row, so records take their
-- places in the order of their commits; people enrol seldom enough to wait for each other.
ALTER TABLE tenant ADD COLUMN next_position bigint NOT NULL DEFAULT 1;


CREATE TABLE principal (
  tenant_id  uuid        NOT NULL REFERENCES tenant,
  id         uuid        NOT NULL,
  handle     text        COLLATE "C" NOT NULL CHECK (handle <> ''),
  kind       text        NOT NULL CHECK (kind IN ('person', 'machine', 'administrator')),
  created    timestamptz NOT NULL DEFAULT now(),
  revoked    timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, handle)
);

-- Whoever has a device already is a person. The id is a UUIDv7: 48 bits of time, the version, and
-- the rest of a random one.
INSERT INTO principal (tenant_id, id, handle, kind)
SELECT tenant_id,
       overlay(gen_random_uuid()::text PLACING
                 regexp_replace(
                   lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0'),
                   '^(.{8})(.{4})$', '\1-\2-7')
               FROM 1 FOR 15)::uuid,
       handle, 'person'
  FROM (SELECT DISTINCT tenant_id, handle FROM device) AS holder;


-- A device belongs to a principal, which has the handle now.
ALTER TABLE device
  ADD COLUMN principal_id  uuid,
  ADD COLUMN key_id        text COLLATE "C",
  ADD COLUMN position      bigint,
  ADD COLUMN accepted      timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN not_before    timestamptz,
  ADD COLUMN revoked       timestamptz;

-- Version 1 kept no order. Rows lie in the order in which they came, unless one was removed before.
UPDATE device
   SET principal_id = principal.id,
       key_id = encode(sha256(decode(device.signing_key, 'base64')), 'hex'),
       position = placed.position
  FROM principal,
       (SELECT tenant_id, recipient,
               row_number() OVER (PARTITION BY tenant_id ORDER BY ctid) AS position
          FROM device) AS placed
 WHERE principal.tenant_id = device.tenant_id AND principal.handle = device.handle
   AND placed.tenant_id = device.tenant_id AND placed.recipient = device.recipient;
UPDATE tenant
   SET next_position = 1 + (SELECT count(*) FROM device WHERE device.tenant_id = tenant.id);

DROP INDEX device_by_handle;
ALTER TABLE device
  DROP COLUMN handle,
  ALTER COLUMN principal_id SET NOT NULL,
  ALTER COLUMN key_id SET NOT NULL,
  ALTER COLUMN position SET NOT NULL,
  ADD CONSTRAINT device_key_id_is_a_digest CHECK (key_id ~ '^[0-9a-f]{64}$'),
  ADD UNIQUE (tenant_id, key_id),
  ADD UNIQUE (tenant_id, position),
  ADD FOREIGN KEY (tenant_id, principal_id) REFERENCES principal;
CREATE INDEX device_by_principal ON device (tenant_id, principal_id, recipient);

-- What else was signed about a device: cosignatures, revocations.
CREATE TABLE device_record (
  tenant_id  uuid        NOT NULL,
  position   bigint      NOT NULL,
  recipient  text        COLLATE "C" NOT NULL,
  accepted   timestamptz NOT NULL DEFAULT now(),
  record     bytea       NOT NULL,
  PRIMARY KEY (tenant_id, position),
  FOREIGN KEY (tenant_id, recipient) REFERENCES device ON DELETE CASCADE
);
CREATE INDEX device_record_by_device ON device_record (tenant_id, recipient, position);


CREATE TABLE invitation (
  tenant_id     uuid        NOT NULL REFERENCES tenant,
  token_sha256  bytea       NOT NULL CHECK (octet_length(token_sha256) = 32),
  handle        text        COLLATE "C" NOT NULL CHECK (handle <> ''),
  kind          text        NOT NULL CHECK (kind IN ('person', 'machine', 'administrator')),
  made          timestamptz NOT NULL DEFAULT now(),
  made_by       uuid,
  expires       timestamptz NOT NULL,
  redeemed      timestamptz,
  redeemed_by   text        COLLATE "C",
  PRIMARY KEY (tenant_id, token_sha256),
  FOREIGN KEY (tenant_id, made_by) REFERENCES principal,
  CONSTRAINT invitation_is_redeemed_by_a_device CHECK ((redeemed IS NULL) = (redeemed_by IS NULL))
);


CREATE TABLE mailbox (
  tenant_id  uuid NOT NULL REFERENCES tenant,
  name       text COLLATE "C" NOT NULL CHECK (name <> ''),
  PRIMARY KEY (tenant_id, name)
);

-- By handle, because somebody may be written to before they have come.
CREATE TABLE mailbox_recipient (
  tenant_id  uuid NOT NULL,
  mailbox    text COLLATE "C" NOT NULL,
  handle     text COLLATE "C" NOT NULL CHECK (handle <> ''),
  PRIMARY KEY (tenant_id, mailbox, handle),
  FOREIGN KEY (tenant_id, mailbox) REFERENCES mailbox ON DELETE CASCADE
);

CREATE TABLE mailbox_depositor (
  tenant_id     uuid NOT NULL,
  mailbox       text COLLATE "C" NOT NULL,
  principal_id  uuid NOT NULL,
  PRIMARY KEY (tenant_id, mailbox, principal_id),
  FOREIGN KEY (tenant_id, mailbox) REFERENCES mailbox ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, principal_id) REFERENCES principal
);


-- Rows stay when they are revoked, so a key that was given up never comes back as somebody else's.
CREATE TABLE machine_certificate (
  tenant_id     uuid        NOT NULL,
  spki_sha256   bytea       NOT NULL CHECK (octet_length(spki_sha256) = 32),
  principal_id  uuid        NOT NULL,
  added         timestamptz NOT NULL DEFAULT now(),
  revoked       timestamptz,
  PRIMARY KEY (tenant_id, spki_sha256),
  CONSTRAINT machine_certificate_has_one_tenant UNIQUE (spki_sha256),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES principal
);

CREATE TABLE machine_token (
  tenant_id      uuid        NOT NULL,
  token_sha256   bytea       NOT NULL CHECK (octet_length(token_sha256) = 32),
  principal_id   uuid        NOT NULL,
  mailbox        text        COLLATE "C" NOT NULL,
  address_range  text        NOT NULL,
  added          timestamptz NOT NULL DEFAULT now(),
  revoked        timestamptz,
  PRIMARY KEY (tenant_id, token_sha256),
  CONSTRAINT machine_token_has_one_tenant UNIQUE (token_sha256),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES principal,
  FOREIGN KEY (tenant_id, mailbox) REFERENCES mailbox ON DELETE CASCADE
);


-- Logged: an unlogged table is emptied by a crash, and then what was sent in the last five minutes
-- could be sent once more.
CREATE TABLE nonce (
  tenant_id  uuid        NOT NULL REFERENCES tenant,
  key_id     text        COLLATE "C" NOT NULL,
  nonce      bytea       NOT NULL,
  expires    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, key_id, nonce)
);
CREATE INDEX nonce_by_expiry ON nonce (expires);


-- One row an event. Ids are ours; there is no column for a name, a file name or a DICOM UID.
CREATE TABLE audit (
  tenant_id     uuid        NOT NULL REFERENCES tenant,
  position      bigint      NOT NULL,
  id            uuid        NOT NULL,
  at            timestamptz NOT NULL DEFAULT now(),
  kind          text        NOT NULL CHECK (kind IN ('login', 'enrolment', 'revocation', 'deposit',
                                                     'collect', 'refusal', 'administration')),
  outcome       text        NOT NULL CHECK (outcome IN ('success', 'failure')),
  principal_id  uuid,
  device        text        COLLATE "C" CHECK (device ~ '^[0-9a-f]{64}$'),
  peer          inet,
  object_id     uuid,
  PRIMARY KEY (tenant_id, position),
  UNIQUE (tenant_id, id)
);

-- Positions are taken one after the other but committed in any order, and whoever reads on from the
-- last one would miss those that come late. So a writer shares a lock from before it takes its
-- position until it has committed, and a reader that takes this lock alone, for a moment, knows
-- that every position so far is decided (storage/postgres_audit.cc).
CREATE SEQUENCE audit_position;
CREATE FUNCTION audit_take_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(30510848294416249);
  NEW.position := nextval('audit_position');
  RETURN NEW;
END $$;
CREATE TRIGGER audit_takes_its_position BEFORE INSERT ON audit
  FOR EACH ROW EXECUTE FUNCTION audit_take_position();

-- What was written stays. The rights are the fence; the trigger also stops a superuser, who has
-- every right, and says why.
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM PUBLIC, CURRENT_USER;
