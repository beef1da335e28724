-- Studies as a PACS sends them, sealed indexes, and deliveries that were taken back.
--
-- The rules of 0001 hold. A MAC of a DICOM UID says nothing to whoever has the database alone: its
-- key lies outside. It dies with its file or delivery.


-- How quiet a study must have been before it is delivered, in seconds; 0: with each request.
ALTER TABLE mailbox
  ADD COLUMN closes_after int NOT NULL DEFAULT 60 CHECK (closes_after BETWEEN 0 AND 1800);


-- A study's delivery says which study, what for (the mailbox may change or go) and how it closes.
-- While it is joinable, requests of the same study join it.
ALTER TABLE delivery
  ADD COLUMN revoked       timestamptz,
  ADD COLUMN study_mac     bytea CHECK (octet_length(study_mac) = 32),
  ADD COLUMN mailbox       text COLLATE "C",
  ADD COLUMN closes_after  int,
  ADD COLUMN joinable      boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT delivery_of_a_study_knows_all_of_it
    CHECK (num_nulls(study_mac, mailbox, closes_after) IN (0, 3)),
  ADD CONSTRAINT delivery_is_joinable_while_open
    CHECK (NOT joinable OR (study_mac IS NOT NULL AND closed IS NULL AND revoked IS NULL));
-- Requests that open one for the same study at the same moment meet here, and one wins.
CREATE UNIQUE INDEX delivery_joinable ON delivery (tenant_id, study_mac) WHERE joinable;
-- Small whatever the shelf holds: it is what is looked through for what is to be closed.
CREATE INDEX delivery_of_open_study ON delivery (tenant_id, id)
  WHERE study_mac IS NOT NULL AND closed IS NULL;

-- Those that anybody may still see or change.
CREATE VIEW live_delivery AS
  SELECT * FROM delivery WHERE revoked IS NULL AND expires > now();


-- Of a sealed index everything but its one row is here, beside what is known of its file: who
-- shares a file on rewrites both headers.
ALTER TABLE file
  ADD COLUMN stored        timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN instance_mac  bytea CHECK (octet_length(instance_mac) = 32),
  ADD COLUMN content_mac   bytea CHECK (octet_length(content_mac) = 32),
  ADD COLUMN index_header  bytea CHECK (octet_length(index_header) > 0),
  ADD COLUMN index_nonce   bytea CHECK (octet_length(index_nonce) = 16),
  ADD COLUMN index_length  int   CHECK (index_length >= 32),
  ADD COLUMN index_sha256  bytea CHECK (octet_length(index_sha256) = 32),
  ADD CONSTRAINT file_of_an_instance_knows_its_content
    CHECK ((instance_mac IS NULL) = (content_mac IS NULL)),
  ADD CONSTRAINT file_has_a_whole_index_or_none
    CHECK (num_nulls(index_header, index_nonce, index_length, index_sha256) IN (0, 4));
ALTER TABLE file ALTER COLUMN index_header SET STORAGE EXTERNAL;
-- Where an instance is; and in one delivery it is once.
CREATE UNIQUE INDEX file_of_instance ON file (tenant_id, instance_mac, delivery_id)
  WHERE instance_mac IS NOT NULL;

-- When the last file of a study came.
CREATE INDEX file_of_study ON file (tenant_id, delivery_id, stored)
  WHERE instance_mac IS NOT NULL;

-- It comes before its file does, so it hangs on the payload, as the rows do.
CREATE TABLE sealed_index (
  tenant_id   uuid  NOT NULL,
  payload_id  uuid  NOT NULL,
  content     bytea NOT NULL CHECK (octet_length(content) BETWEEN 16 AND 65552),
  PRIMARY KEY (tenant_id, payload_id),
  FOREIGN KEY (tenant_id, payload_id) REFERENCES payload ON DELETE CASCADE
);
ALTER TABLE sealed_index ALTER COLUMN content SET STORAGE EXTERNAL;
