-- Notices: that something happened to a delivery, for those whom it concerns.
--
-- The rules of 0001 hold. What happened and the notice of it are one transaction, by triggers, as in
-- 0005: no statement can forget it. A notice says which kind, which delivery, which device and when,
-- and nothing else.


-- The id is a UUIDv7: 48 bits of time, the version, and the rest of a random one.
CREATE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT overlay(gen_random_uuid()::text PLACING
                   regexp_replace(
                     lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0'),
                     '^(.{8})(.{4})$', '\1-\2-7')
                 FROM 1 FOR 15)::uuid
$$;

-- `made` counts them as they are made, which is before anybody sees them. A notice gets its place
-- after the commit of what it tells, from one gateway at a time. So whoever has read up to a place
-- has missed nothing before it, and nobody waits for anybody.
CREATE SEQUENCE notice_made;
CREATE SEQUENCE notice_place;
CREATE TABLE notice (
  tenant_id    uuid        NOT NULL,
  id           uuid        NOT NULL DEFAULT uuid_v7(),
  kind         text        NOT NULL CHECK (kind IN ('delivered', 'shared', 'collected', 'opened',
                                                    'expiring', 'expired', 'revoked')),
  at           timestamptz NOT NULL DEFAULT now(),
  delivery_id  uuid        NOT NULL,
  recipient    text        COLLATE "C",
  made         bigint      NOT NULL DEFAULT nextval('notice_made'),
  place        bigint,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT notice_of_a_device_names_it
    CHECK ((recipient IS NOT NULL) = (kind IN ('collected', 'opened')))
);
CREATE INDEX notice_without_a_place ON notice (made) WHERE place IS NULL;
CREATE UNIQUE INDEX notice_by_place ON notice (tenant_id, place) WHERE place IS NOT NULL;
CREATE INDEX notice_by_age ON notice (at);

-- Whom a notice concerned when it got its place.
CREATE TABLE notice_reader (
  tenant_id     uuid    NOT NULL,
  principal_id  uuid    NOT NULL,
  place         bigint  NOT NULL,
  by_mail       boolean NOT NULL,
  PRIMARY KEY (tenant_id, principal_id, place)
);
CREATE INDEX notice_reader_by_place ON notice_reader (place);
CREATE INDEX notice_reader_by_mail ON notice_reader (tenant_id, principal_id, place) WHERE by_mail;


-- --- What makes one -------------------------------------------------------------------------------

-- Of what was never visible nobody is told that it has gone.
CREATE FUNCTION delivery_makes_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO notice (tenant_id, kind, delivery_id)
  VALUES (NEW.tenant_id, CASE NEW.state WHEN 'closed' THEN 'delivered' ELSE NEW.state END, NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER delivery_that_comes_closed_makes_notice AFTER INSERT ON delivery
  FOR EACH ROW WHEN (NEW.state = 'closed') EXECUTE FUNCTION delivery_makes_notice();
CREATE TRIGGER delivery_makes_notice AFTER UPDATE OF state ON delivery
  FOR EACH ROW WHEN (OLD.state <> NEW.state AND (OLD.state = 'closed' OR NEW.state = 'closed'))
  EXECUTE FUNCTION delivery_makes_notice();

CREATE FUNCTION cover_makes_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO notice (tenant_id, kind, delivery_id) VALUES (NEW.tenant_id, 'shared', NEW.delivery_id);
  RETURN NULL;
END $$;
CREATE TRIGGER cover_makes_notice AFTER INSERT ON cover
  FOR EACH ROW WHEN (NEW.version > 1) EXECUTE FUNCTION cover_makes_notice();

CREATE FUNCTION progress_makes_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO notice (tenant_id, kind, delivery_id, recipient)
  SELECT NEW.tenant_id, made.kind, NEW.delivery_id, NEW.recipient
    FROM (VALUES ('collected', NEW.collected IS NOT NULL
                               AND (TG_OP = 'INSERT' OR OLD.collected IS NULL)),
                 ('opened', NEW.opened IS NOT NULL
                            AND (TG_OP = 'INSERT' OR OLD.opened IS NULL))) AS made (kind, is_new)
   WHERE made.is_new;
  RETURN NULL;
END $$;
CREATE TRIGGER progress_makes_notice AFTER INSERT OR UPDATE ON delivery_progress
  FOR EACH ROW EXECUTE FUNCTION progress_makes_notice();

-- Whether it was looked whether somebody still has to be told that it ends.
ALTER TABLE delivery ADD COLUMN warned boolean NOT NULL DEFAULT false;
CREATE INDEX delivery_not_warned ON delivery (expires) WHERE state = 'closed' AND NOT warned;


-- --- Ways out -------------------------------------------------------------------------------------

-- `told` is the place up to which somebody is told. A gateway that tells has the row until next_try,
-- and puts that off meanwhile: `holder` is its instance.
CREATE TABLE webhook (
  tenant_id  uuid        NOT NULL PRIMARY KEY REFERENCES tenant,
  url        text        NOT NULL CHECK (url LIKE 'https://%'),
  authority  text        NOT NULL,  -- PEM; empty: the system's
  told       bigint      NOT NULL,
  failures   int         NOT NULL DEFAULT 0,
  next_try   timestamptz NOT NULL DEFAULT '-infinity',
  holder     uuid
);

CREATE TABLE mail_address (
  tenant_id     uuid        NOT NULL,
  principal_id  uuid        NOT NULL,
  address       text        NOT NULL,
  told          bigint      NOT NULL,
  failures      int         NOT NULL DEFAULT 0,
  next_try      timestamptz NOT NULL DEFAULT '-infinity',
  holder        uuid,
  PRIMARY KEY (tenant_id, principal_id),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES principal
);
