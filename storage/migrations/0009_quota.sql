-- What counts against a quota, and when; and kinds of records in the audit trail.
--
-- The rules of 0001 hold.


-- --- Counting -------------------------------------------------------------------------------------

-- Only what somebody brings is refused. Who shares a delivery on, or drops somebody from it, is let:
-- a tenant that is full must still be able to take back.
DROP FUNCTION count_usage(uuid, bigint);
CREATE FUNCTION count_usage(whose uuid, added bigint, may_refuse boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF added = 0 THEN RETURN; END IF;
  INSERT INTO tenant_usage AS u (tenant_id, shard, bytes)
  VALUES (whose, pg_backend_pid() % 32, added)
  ON CONFLICT (tenant_id, shard) DO UPDATE SET bytes = u.bytes + excluded.bytes;
  IF may_refuse AND added > 0 AND EXISTS (
       SELECT FROM tenant
        WHERE id = whose
          AND quota < (SELECT sum(bytes) FROM tenant_usage WHERE tenant_id = whose)) THEN
    RAISE EXCEPTION 'over the tenant''s quota' USING ERRCODE = 'LB002';
  END IF;
END $$;


-- --- Headers --------------------------------------------------------------------------------------

-- For a thousand recipients a header has 98 kB, whatever is behind it.
CREATE FUNCTION room_of(f file) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT f.payload_length + coalesce(f.index_length, 0) + octet_length(f.header)
         + coalesce(octet_length(f.index_header), 0)
$$;

CREATE OR REPLACE FUNCTION file_comes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, sum(room_of(arrived))::bigint) FROM arrived GROUP BY tenant_id;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION file_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, -sum(room_of(departed))::bigint) FROM departed GROUP BY tenant_id;
  UPDATE payload AS p SET staged_by = '00000000-0000-0000-0000-000000000000'
    FROM departed AS f
   WHERE p.tenant_id = f.tenant_id AND p.id = f.payload_id;
  RETURN NULL;
END $$;

-- With its index a file brings something; with other headers it doesn't.
DROP TRIGGER file_gets_its_index ON file;
DROP FUNCTION file_gets_its_index();
CREATE FUNCTION file_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, sum(room)::bigint, bool_or(indexed))
     FROM (SELECT a.tenant_id, room_of(a) - room_of(d) AS room,
                  a.index_length IS DISTINCT FROM d.index_length AS indexed
             FROM arrived AS a JOIN departed AS d USING (tenant_id, id)) AS changed
    GROUP BY tenant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER file_changes AFTER UPDATE ON file
  REFERENCING OLD TABLE AS departed NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION file_changes();

CREATE FUNCTION former_headers_come() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, sum(octet_length(header)
                                     + coalesce(octet_length(index_header), 0))::bigint, false)
     FROM arrived GROUP BY tenant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER former_headers_come AFTER INSERT ON former_headers REFERENCING NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION former_headers_come();

CREATE FUNCTION former_headers_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, -sum(octet_length(header)
                                      + coalesce(octet_length(index_header), 0))::bigint)
     FROM departed GROUP BY tenant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER former_headers_go AFTER DELETE ON former_headers REFERENCING OLD TABLE AS departed
  FOR EACH STATEMENT EXECUTE FUNCTION former_headers_go();

INSERT INTO tenant_usage AS u (tenant_id, shard, bytes)
SELECT tenant_id, 0, sum(bytes)::bigint
  FROM (SELECT tenant_id, octet_length(header) + coalesce(octet_length(index_header), 0) AS bytes
          FROM file
        UNION ALL
        SELECT tenant_id, octet_length(header) + coalesce(octet_length(index_header), 0)
          FROM former_headers) AS headers
 GROUP BY tenant_id
ON CONFLICT (tenant_id, shard) DO UPDATE SET bytes = u.bytes + excluded.bytes;


-- --- What is on its way ---------------------------------------------------------------------------

-- What is staged takes up room once there is more of it than a little (storage/row_framing.h), until
-- it is somebody's file, which is counted then, or is dropped.
ALTER TABLE payload ADD COLUMN reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0);

CREATE FUNCTION payload_comes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, sum(reserved)::bigint) FROM arrived GROUP BY tenant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER payload_comes AFTER INSERT ON payload REFERENCING NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION payload_comes();

CREATE FUNCTION payload_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, sum(bytes)::bigint)
     FROM (SELECT tenant_id, reserved AS bytes FROM arrived
           UNION ALL
           SELECT tenant_id, -reserved FROM departed) AS changed
    GROUP BY tenant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER payload_changes AFTER UPDATE ON payload
  REFERENCING OLD TABLE AS departed NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION payload_changes();

CREATE FUNCTION payload_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_usage(tenant_id, -sum(reserved)::bigint) FROM departed GROUP BY tenant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER payload_goes AFTER DELETE ON payload REFERENCING OLD TABLE AS departed
  FOR EACH STATEMENT EXECUTE FUNCTION payload_goes();

-- Whose uploads they are: nobody may take up everybody's room by announcing lengths.
ALTER TABLE upload ADD COLUMN sender_id uuid;
UPDATE upload AS u SET sender_id = d.sender_id
  FROM delivery AS d WHERE d.tenant_id = u.tenant_id AND d.id = u.delivery_id;
ALTER TABLE upload ALTER COLUMN sender_id SET NOT NULL;
CREATE INDEX upload_unfinished ON upload (tenant_id, sender_id) INCLUDE (length)
  WHERE payload_id IS NOT NULL;


-- --- Tails of uploads -----------------------------------------------------------------------------

-- The bytes of an upload that aren't a row yet, in pieces as they came: each request adds what it
-- brings, and doesn't write again what is there.
CREATE TABLE upload_tail (
  tenant_id  uuid  NOT NULL,
  upload_id  uuid  NOT NULL,
  begins     int   NOT NULL CHECK (begins >= 0),  -- within the tail
  content    bytea NOT NULL CHECK (octet_length(content) > 0),
  PRIMARY KEY (tenant_id, upload_id, begins),
  FOREIGN KEY (tenant_id, upload_id) REFERENCES upload ON DELETE CASCADE
);
ALTER TABLE upload_tail ALTER COLUMN content SET STORAGE EXTERNAL;
INSERT INTO upload_tail (tenant_id, upload_id, begins, content)
SELECT tenant_id, id, 0, tail FROM upload WHERE octet_length(tail) > 0;

ALTER TABLE upload
  ADD COLUMN tail_size int NOT NULL DEFAULT 0 CHECK (tail_size >= 0),
  DROP CONSTRAINT upload_keeps_what_it_received;
UPDATE upload SET tail_size = octet_length(tail);
ALTER TABLE upload
  DROP COLUMN tail,
  ADD CONSTRAINT upload_keeps_what_it_received
    CHECK (received = length
           OR received = coalesce(octet_length(header) + 16, 0) + rows * 1048832::bigint + tail_size);


-- --- The audit trail ------------------------------------------------------------------------------

ALTER TABLE audit
  DROP CONSTRAINT audit_kind_check,
  ADD CONSTRAINT audit_kind_check
    CHECK (kind IN ('login', 'enrolment', 'revocation', 'upload', 'deposit', 'sharing', 'expiry',
                    'collect', 'refusal', 'administration'));
