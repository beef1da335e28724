-- An index that is for one question alone must not be able to answer another one badly.
--
-- The rules of 0001 hold.


-- While nobody has counted a new table's rows, the planner takes an index on any of the columns that
-- are asked for to be as good as one on all of them. So an instance was looked for among all files of
-- its tenant, by this index, whose condition now isn't one that instance_mac says something about.
DROP INDEX file_of_study;
CREATE INDEX file_of_study ON file (tenant_id, delivery_id, stored)
  WHERE content_mac IS NOT NULL;
