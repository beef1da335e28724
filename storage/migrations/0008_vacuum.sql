-- Rows of sealed bytes are left alone by autovacuum until many of them have gone.
--
-- By default PostgreSQL also vacuums a table that only grows: it reads again what was just written, a
-- fifth of its time while a study comes in, and marks it so that later vacuums and index-only scans are cheaper.
-- Nothing scans an index of these alone, they never change, and most go with their delivery before
-- anybody would have frozen them.
ALTER TABLE payload_row SET (autovacuum_vacuum_insert_threshold = -1,
                             toast.autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE sealed_index SET (autovacuum_vacuum_insert_threshold = -1,
                              toast.autovacuum_vacuum_insert_threshold = -1);
