-- Who sent a delivery, and signing keys that find their tenant.
--
-- The rules of 0001 hold. A device's signing key says less than "tenant first", as certificates and
-- tokens do in 0002, and for their reason: it is what a caller's tenant is found by.


-- Until now everything was in one tenant, and nobody was asked who they were. Whose that is now
-- can't be known, and guessing would show it to somebody. The SQLSTATE is one that the program
-- takes for a configuration error (storage/postgres_error.cc).
DO $$
BEGIN
  IF EXISTS (SELECT FROM delivery)
     OR EXISTS (SELECT FROM principal WHERE tenant_id = '00000000-0000-7000-8000-000000000001')
     OR EXISTS (SELECT FROM invitation WHERE tenant_id = '00000000-0000-7000-8000-000000000001')
     OR EXISTS (SELECT FROM mailbox WHERE tenant_id = '00000000-0000-7000-8000-000000000001') THEN
    RAISE EXCEPTION 'this database holds deliveries or devices from before senders and tenants were known, and they can''t be told whose they are: collect them with the version that took them in, then start this one with an empty database'
      USING ERRCODE = 'LB001';
  END IF;
END $$;

-- Nobody's: for what concerns no tenant. A handle's tenant can't begin with a dot.
UPDATE tenant SET name = '.gateway' WHERE id = '00000000-0000-7000-8000-000000000001';
ALTER TABLE principal ADD CONSTRAINT principal_has_a_tenant
  CHECK (tenant_id <> '00000000-0000-7000-8000-000000000001');


ALTER TABLE delivery
  ADD COLUMN sender_id uuid NOT NULL,
  ADD FOREIGN KEY (tenant_id, sender_id) REFERENCES principal;


ALTER TABLE device
  DROP CONSTRAINT device_tenant_id_key_id_key,
  DROP CONSTRAINT device_tenant_id_signing_key_key,
  ADD CONSTRAINT device_key_id_has_one_tenant UNIQUE (key_id),
  ADD CONSTRAINT device_signing_key_has_one_tenant UNIQUE (signing_key);
