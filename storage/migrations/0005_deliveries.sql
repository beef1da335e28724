-- The life of a delivery: its states, limits, uploads that go on, recipients that change, receipts.
--
-- The rules of 0001 hold. What must never be half done is done by triggers here, so that no
-- statement can forget it: a delivery that ends loses its headers in that very statement, sealed
-- bytes that belong to nothing any more are left to the sweep, and what is stored is counted.


-- Sealed bytes that belong to nothing any more are staged by nobody: the nil UUID. An upload's are
-- staged by the upload.
CREATE INDEX payload_of_nobody ON payload (tenant_id, id)
  WHERE staged_by = '00000000-0000-0000-0000-000000000000';


-- --- Limits ---------------------------------------------------------------------------------------

ALTER TABLE tenant
  ADD COLUMN default_life       int    CHECK (default_life > 0),  -- days
  ADD COLUMN longest_life       int    CHECK (longest_life > 0),  -- days
  ADD COLUMN default_downloads  bigint CHECK (default_downloads > 0),
  ADD COLUMN most_downloads     bigint CHECK (most_downloads > 0),
  ADD COLUMN quota              bigint CHECK (quota >= 0);        -- bytes

-- What a tenant has stored is the sum of its shards. Who stores something holds one of them until
-- the commit, and no two backends that work at the same time are likely to have the same one. A
-- shard may be less than nothing: what one backend stored another one takes away.
CREATE TABLE tenant_usage (
  tenant_id  uuid   NOT NULL REFERENCES tenant,
  shard      int    NOT NULL,
  bytes      bigint NOT NULL,
  PRIMARY KEY (tenant_id, shard)
) WITH (fillfactor = 50);
INSERT INTO tenant_usage (tenant_id, shard, bytes)
SELECT tenant_id, 0, sum(payload_length + coalesce(index_length, 0)) FROM file GROUP BY tenant_id;

-- LB002 is what the program takes for an exceeded quota (storage/postgres_error.cc).
CREATE FUNCTION count_usage(whose uuid, added bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tenant_usage AS u (tenant_id, shard, bytes)
  VALUES (whose, pg_backend_pid() % 32, added)
  ON CONFLICT (tenant_id, shard) DO UPDATE SET bytes = u.bytes + excluded.bytes;
  IF added > 0 AND EXISTS (
       SELECT FROM tenant
        WHERE id = whose
          AND quota < (SELECT sum(bytes) FROM tenant_usage WHERE tenant_id = whose)) THEN
    RAISE EXCEPTION 'over the tenant''s quota' USING ERRCODE = 'LB002';
  END IF;
END $$;


-- --- States ---------------------------------------------------------------------------------------

-- How often each device may download each file. What was sent before there was a limit gets a
-- generous one.
ALTER TABLE delivery
  ADD COLUMN state             text   NOT NULL DEFAULT 'open',
  ADD COLUMN version           int    NOT NULL DEFAULT 1 CHECK (version >= 1),
  ADD COLUMN downloads         bigint NOT NULL DEFAULT 1000 CHECK (downloads >= 1),
  ADD COLUMN ended             timestamptz,
  ADD COLUMN final_files       bigint,
  ADD COLUMN final_bytes       bigint,
  ADD COLUMN deletion_receipt  bytea;

UPDATE delivery
   SET state = CASE WHEN revoked IS NOT NULL THEN 'revoked'
                    WHEN closed IS NOT NULL THEN 'closed'
                    ELSE 'open' END,
       ended = revoked,
       final_files = CASE WHEN revoked IS NOT NULL THEN 0 END,
       final_bytes = CASE WHEN revoked IS NOT NULL THEN 0 END;

DROP VIEW live_delivery;
ALTER TABLE delivery
  DROP CONSTRAINT delivery_is_joinable_while_open,
  DROP COLUMN revoked,
  ALTER COLUMN downloads DROP DEFAULT,
  ADD CONSTRAINT delivery_has_a_state CHECK (state IN ('open', 'closed', 'expired', 'revoked')),
  ADD CONSTRAINT delivery_has_a_manifest_once_closed
    CHECK (CASE state WHEN 'open' THEN manifest IS NULL
                      WHEN 'closed' THEN manifest IS NOT NULL
                      ELSE true END),
  ADD CONSTRAINT delivery_that_ended_knows_what_it_held
    CHECK (num_nulls(ended, final_files, final_bytes)
             = CASE WHEN state IN ('expired', 'revoked') THEN 0 ELSE 3 END),
  ADD CONSTRAINT delivery_has_a_deletion_receipt_once_revoked
    CHECK (deletion_receipt IS NULL OR state = 'revoked'),
  ADD CONSTRAINT delivery_is_joinable_while_open
    CHECK (NOT joinable OR (study_mac IS NOT NULL AND state = 'open'));

-- Those that anybody may still see or change.
CREATE VIEW live_delivery AS
  SELECT * FROM delivery WHERE state IN ('open', 'closed') AND expires > now();

-- What is looked through for what is over.
CREATE INDEX delivery_by_expiry ON delivery (expires) WHERE state IN ('open', 'closed');
CREATE INDEX delivery_never_closed ON delivery (created)
  WHERE state = 'open' AND NOT sealed_by_gateway;
CREATE INDEX delivery_by_end ON delivery (ended) WHERE ended IS NOT NULL;
-- What somebody sent.
CREATE INDEX delivery_by_sender ON delivery (tenant_id, sender_id, id);


-- --- Uploads --------------------------------------------------------------------------------------

-- Bytes of an age file that come in pieces. `received` are durable: the head, once it is there, full
-- rows, and the tail behind them. `writer` names who writes; it changes with each, so that one whose
-- hold was lost notices. A complete upload has neither payload nor bytes: its file has them.
CREATE TABLE upload (
  tenant_id    uuid        NOT NULL,
  id           uuid        NOT NULL,
  delivery_id  uuid        NOT NULL,
  file_id      uuid        NOT NULL,
  payload_id   uuid,
  device       text        COLLATE "C" NOT NULL,
  length       bigint      NOT NULL CHECK (length > 0),
  received     bigint      NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND length),
  header       bytea,
  nonce        bytea       CHECK (octet_length(nonce) = 16),
  rows         int         NOT NULL DEFAULT 0,
  tail         bytea       NOT NULL DEFAULT '',
  hash         bytea       NOT NULL DEFAULT '',
  writer       uuid,
  expires      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, delivery_id) REFERENCES delivery ON DELETE CASCADE,
  CONSTRAINT upload_has_a_payload_until_complete CHECK ((payload_id IS NULL) = (received = length)),
  CONSTRAINT upload_has_a_whole_head_or_none CHECK ((header IS NULL) = (nonce IS NULL)),
  CONSTRAINT upload_keeps_what_it_received
    CHECK (received = length
           OR received = coalesce(octet_length(header) + 16, 0) + rows * 1048832::bigint
                         + octet_length(tail)),
  CONSTRAINT upload_has_rows_behind_its_head CHECK (rows = 0 OR header IS NOT NULL)
);
ALTER TABLE upload ALTER COLUMN tail SET STORAGE EXTERNAL;
CREATE INDEX upload_by_delivery ON upload (tenant_id, delivery_id);
CREATE INDEX upload_by_expiry ON upload (expires);

-- An upload that isn't complete takes up its whole length, from when it is made.
CREATE FUNCTION upload_comes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(NEW.tenant_id, NEW.length);
  RETURN NULL;
END $$;
CREATE TRIGGER upload_comes AFTER INSERT ON upload
  FOR EACH ROW EXECUTE FUNCTION upload_comes();

CREATE FUNCTION upload_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.payload_id IS NULL THEN RETURN NULL; END IF;
  PERFORM count_usage(OLD.tenant_id, -OLD.length);
  UPDATE payload SET staged_by = '00000000-0000-0000-0000-000000000000'
   WHERE tenant_id = OLD.tenant_id AND id = OLD.payload_id AND staged_by = OLD.id;
  RETURN NULL;
END $$;
CREATE TRIGGER upload_goes AFTER DELETE ON upload
  FOR EACH ROW EXECUTE FUNCTION upload_goes();
-- Its file takes up its room, and has its payload by then.
CREATE TRIGGER upload_is_complete AFTER UPDATE OF payload_id ON upload
  FOR EACH ROW WHEN (OLD.payload_id IS NOT NULL AND NEW.payload_id IS NULL)
  EXECUTE FUNCTION upload_goes();


-- --- Files come and go ----------------------------------------------------------------------------

CREATE FUNCTION file_comes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, sum(payload_length + coalesce(index_length, 0))::bigint)
     FROM arrived GROUP BY tenant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER file_comes AFTER INSERT ON file REFERENCING NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION file_comes();

CREATE FUNCTION file_gets_its_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(NEW.tenant_id,
                      coalesce(NEW.index_length, 0)::bigint - coalesce(OLD.index_length, 0));
  RETURN NULL;
END $$;
CREATE TRIGGER file_gets_its_index AFTER UPDATE OF index_length ON file
  FOR EACH ROW EXECUTE FUNCTION file_gets_its_index();

CREATE FUNCTION file_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, -sum(payload_length + coalesce(index_length, 0))::bigint)
     FROM departed GROUP BY tenant_id;
  UPDATE payload AS p SET staged_by = '00000000-0000-0000-0000-000000000000'
    FROM departed AS f
   WHERE p.tenant_id = f.tenant_id AND p.id = f.payload_id;
  RETURN NULL;
END $$;
CREATE TRIGGER file_goes AFTER DELETE ON file REFERENCING OLD TABLE AS departed
  FOR EACH STATEMENT EXECUTE FUNCTION file_goes();


-- --- Changing states ------------------------------------------------------------------------------

-- The table of storage/delivery_state.h. A delivery that ends loses, in the statement that ends it,
-- whatever could open or find it again.
CREATE FUNCTION delivery_changes_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) NOT IN (('open', 'closed'), ('open', 'expired'), ('open', 'revoked'),
                                    ('closed', 'expired'), ('closed', 'revoked'),
                                    ('expired', 'revoked')) THEN
    RAISE EXCEPTION 'a delivery that is % doesn''t become %', OLD.state, NEW.state
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.state = 'closed' THEN
    DELETE FROM upload
     WHERE tenant_id = OLD.tenant_id AND delivery_id = OLD.id AND payload_id IS NOT NULL;
  ELSIF OLD.state IN ('open', 'closed') THEN
    SELECT count(*), coalesce(sum(payload_length + coalesce(index_length, 0)), 0)
      INTO NEW.final_files, NEW.final_bytes
      FROM file
     WHERE tenant_id = OLD.tenant_id AND delivery_id = OLD.id;
    DELETE FROM file WHERE tenant_id = OLD.tenant_id AND delivery_id = OLD.id;
    DELETE FROM upload WHERE tenant_id = OLD.tenant_id AND delivery_id = OLD.id;
    DELETE FROM former_version WHERE tenant_id = OLD.tenant_id AND delivery_id = OLD.id;
    DELETE FROM staged_headers WHERE tenant_id = OLD.tenant_id AND delivery_id = OLD.id;
    NEW.study_mac := NULL;
    NEW.mailbox := NULL;
    NEW.closes_after := NULL;
  END IF;
  NEW.joinable := false;
  RETURN NEW;
END $$;
CREATE TRIGGER delivery_changes_state BEFORE UPDATE OF state ON delivery
  FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION delivery_changes_state();

-- What was signed stays as it was, while the delivery is there.
CREATE FUNCTION delivery_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a delivery doesn''t begin ended, end without saying so, or change what was signed'
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER delivery_begins_open_or_closed BEFORE INSERT ON delivery
  FOR EACH ROW WHEN (NEW.state NOT IN ('open', 'closed')) EXECUTE FUNCTION delivery_refuses();
CREATE TRIGGER delivery_is_forgotten_once_ended BEFORE DELETE ON delivery
  FOR EACH ROW WHEN (OLD.state NOT IN ('expired', 'revoked')) EXECUTE FUNCTION delivery_refuses();
CREATE TRIGGER delivery_keeps_what_was_signed BEFORE UPDATE ON delivery
  FOR EACH ROW WHEN (OLD.manifest IS NOT NULL AND OLD.manifest IS DISTINCT FROM NEW.manifest
                     OR OLD.state = 'revoked'
                        AND OLD.deletion_receipt IS DISTINCT FROM NEW.deletion_receipt)
  EXECUTE FUNCTION delivery_refuses();


-- --- Recipients that change -----------------------------------------------------------------------

-- Headers on their way in. A crash may empty it: then the change is sent again.
CREATE UNLOGGED TABLE staged_headers (
  tenant_id     uuid        NOT NULL,
  change_id     uuid        NOT NULL,
  delivery_id   uuid        NOT NULL,
  file_id       uuid        NOT NULL,
  header        bytea       NOT NULL CHECK (octet_length(header) > 0),
  index_header  bytea       CHECK (octet_length(index_header) > 0),
  staged        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, change_id, file_id)
);
CREATE INDEX staged_headers_by_age ON staged_headers (staged);
CREATE INDEX staged_headers_by_delivery ON staged_headers (tenant_id, delivery_id);
ALTER TABLE staged_headers ALTER COLUMN header SET STORAGE EXTERNAL;
ALTER TABLE staged_headers ALTER COLUMN index_header SET STORAGE EXTERNAL;

-- A version of a delivery's cover that is no longer current, and whose headers are kept.
CREATE TABLE former_version (
  tenant_id    uuid        NOT NULL,
  delivery_id  uuid        NOT NULL,
  version      int         NOT NULL,
  since        timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, delivery_id, version),
  FOREIGN KEY (tenant_id, delivery_id) REFERENCES delivery ON DELETE CASCADE
);
CREATE INDEX former_version_by_age ON former_version (since) WHERE version > 1;

CREATE TABLE former_headers (
  tenant_id     uuid  NOT NULL,
  delivery_id   uuid  NOT NULL,
  version       int   NOT NULL,
  file_id       uuid  NOT NULL,
  header        bytea NOT NULL,
  index_header  bytea,
  PRIMARY KEY (tenant_id, delivery_id, version, file_id),
  FOREIGN KEY (tenant_id, delivery_id, version) REFERENCES former_version ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, file_id) REFERENCES file ON DELETE CASCADE
);
CREATE INDEX former_headers_by_file ON former_headers (tenant_id, file_id);
ALTER TABLE former_headers ALTER COLUMN header SET STORAGE EXTERNAL;
ALTER TABLE former_headers ALTER COLUMN index_header SET STORAGE EXTERNAL;


-- --- Receipts -------------------------------------------------------------------------------------

-- How often a device was counted with a file, and when last.
CREATE TABLE download (
  tenant_id  uuid        NOT NULL,
  file_id    uuid        NOT NULL,
  recipient  text        COLLATE "C" NOT NULL,
  count      bigint      NOT NULL DEFAULT 1,
  since      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, file_id, recipient),
  FOREIGN KEY (tenant_id, file_id) REFERENCES file ON DELETE CASCADE
);

-- How far a device came, even one that was dropped since.
CREATE TABLE delivery_progress (
  tenant_id    uuid  NOT NULL,
  delivery_id  uuid  NOT NULL,
  recipient    text  COLLATE "C" NOT NULL,
  collected    timestamptz,
  opened       bytea,
  PRIMARY KEY (tenant_id, delivery_id, recipient),
  FOREIGN KEY (tenant_id, delivery_id) REFERENCES delivery ON DELETE CASCADE
);
