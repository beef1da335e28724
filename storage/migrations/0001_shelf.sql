-- The shelf: deliveries, their sealed files, and the directory of recipient devices.
--
-- Rules that hold for every table:
--   * tenant_id comes first in every key, so that tenants can be told apart, moved and sharded;
--   * ids are UUIDv7, made by those who seal or by the gateway; no sequence shows in an id;
--   * what was signed (covers, manifests, device records) is bytea: kept byte for byte;
--   * nothing here says who a patient is, and content is ciphertext.


CREATE TABLE tenant (
  id    uuid NOT NULL PRIMARY KEY,
  name  text COLLATE "C" NOT NULL UNIQUE CHECK (name <> '')
);

-- The one tenant there is until tenants can be made.
INSERT INTO tenant (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'default');


-- A delivery is open from its cover until its manifest closes it. Only then its recipients see it.
CREATE TABLE delivery (
  tenant_id          uuid        NOT NULL REFERENCES tenant,
  id                 uuid        NOT NULL,
  sealed_by_gateway  boolean     NOT NULL,
  created            timestamptz NOT NULL,
  expires            timestamptz NOT NULL,
  closed             timestamptz,
  manifest           bytea,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT delivery_expires_after_it_began CHECK (expires > created),
  CONSTRAINT delivery_is_closed_by_its_manifest CHECK ((closed IS NULL) = (manifest IS NULL))
);

-- The chain of covers, version 1 first.
CREATE TABLE cover (
  tenant_id    uuid  NOT NULL,
  delivery_id  uuid  NOT NULL,
  version      int   NOT NULL CHECK (version >= 1),
  envelope     bytea NOT NULL,
  PRIMARY KEY (tenant_id, delivery_id, version),
  FOREIGN KEY (tenant_id, delivery_id) REFERENCES delivery ON DELETE CASCADE
);

-- Whose inbox a delivery is in. The key's order is the order in which an inbox is listed.
CREATE TABLE delivery_recipient (
  tenant_id    uuid NOT NULL,
  recipient    text COLLATE "C" NOT NULL CHECK (recipient <> ''),
  delivery_id  uuid NOT NULL,
  PRIMARY KEY (tenant_id, recipient, delivery_id),
  FOREIGN KEY (tenant_id, delivery_id) REFERENCES delivery ON DELETE CASCADE
);
CREATE INDEX delivery_recipient_by_delivery ON delivery_recipient (tenant_id, delivery_id);


-- The sealed bytes of one file. They have an id of their own, which nobody outside learns: two
-- uploads that claim the same file id don't meet before they commit, and then only one does.
--
-- staged_by names the gateway instance that is still writing them; null once they belong to a file.
CREATE TABLE payload (
  tenant_id  uuid        NOT NULL,
  id         uuid        NOT NULL,
  staged_by  uuid,
  started    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
-- Small whatever the shelf holds: it is what a sweep looks through.
CREATE INDEX payload_staged ON payload (tenant_id, staged_by) WHERE staged_by IS NOT NULL;

-- Sixteen STREAM chunks of 65,552 bytes a row; the last row is shorter, and never less than one
-- tag. The foreign key keeps a writer whose payload was swept from leaving rows behind.
CREATE TABLE payload_row (
  tenant_id   uuid  NOT NULL,
  payload_id  uuid  NOT NULL,
  row_no      int   NOT NULL CHECK (row_no >= 0),
  content     bytea NOT NULL CHECK (octet_length(content) BETWEEN 16 AND 1048832),
  PRIMARY KEY (tenant_id, payload_id, row_no),
  FOREIGN KEY (tenant_id, payload_id) REFERENCES payload ON DELETE CASCADE
);
-- Ciphertext doesn't compress; trying costs a fifth of the throughput.
ALTER TABLE payload_row ALTER COLUMN content SET STORAGE EXTERNAL;

-- A file of a delivery: its age header here, small, so that sharing it on rewrites this row alone;
-- nonce || rows is its payload, and the digest is of exactly these bytes.
CREATE TABLE file (
  tenant_id       uuid   NOT NULL,
  id              uuid   NOT NULL,
  delivery_id     uuid   NOT NULL,
  payload_id      uuid   NOT NULL,
  header          bytea  NOT NULL CHECK (octet_length(header) > 0),
  nonce           bytea  NOT NULL CHECK (octet_length(nonce) = 16),
  payload_length  bigint NOT NULL CHECK (payload_length >= 32),
  payload_sha256  bytea  NOT NULL CHECK (octet_length(payload_sha256) = 32),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, payload_id),
  FOREIGN KEY (tenant_id, delivery_id) REFERENCES delivery,
  FOREIGN KEY (tenant_id, payload_id) REFERENCES payload
);
ALTER TABLE file ALTER COLUMN header SET STORAGE EXTERNAL;
CREATE INDEX file_by_delivery ON file (tenant_id, delivery_id, id);


-- The directory: one device, one age key, one signing key.
CREATE TABLE device (
  tenant_id    uuid  NOT NULL REFERENCES tenant,
  recipient    text  COLLATE "C" NOT NULL CHECK (recipient <> ''),
  signing_key  text  COLLATE "C" NOT NULL CHECK (signing_key <> ''),
  handle       text  COLLATE "C" NOT NULL CHECK (handle <> ''),
  record       bytea NOT NULL,
  PRIMARY KEY (tenant_id, recipient),
  UNIQUE (tenant_id, signing_key)
);
CREATE INDEX device_by_handle ON device (tenant_id, handle, recipient);
