"""What must hold of a gateway's database at any moment, whoever was killed when: nothing half there, nothing twice."""
import base64
import hashlib
import json
import re

USAGE = """
  SELECT 'usage is ' || counted || ', not ' || stored
    FROM (SELECT coalesce(sum(bytes), 0) AS counted FROM tenant_usage) AS u,
         (SELECT sum(bytes) AS stored
            FROM (SELECT payload_length + coalesce(index_length, 0) AS bytes FROM file
                  UNION ALL
                  SELECT length(header) + coalesce(length(index_header), 0) FROM file
                  UNION ALL
                  SELECT length(header) + coalesce(length(index_header), 0) FROM former_headers
                  UNION ALL
                  SELECT length FROM upload WHERE payload_id IS NOT NULL
                  UNION ALL
                  SELECT reserved FROM payload
                  UNION ALL
                  SELECT 0) AS parts) AS s
   WHERE counted <> stored"""

WHOLE_FILES = """
  SELECT 'file ' || f.id || ' isn''t what was sealed'
    FROM file AS f
    JOIN payload AS p ON p.tenant_id = f.tenant_id AND p.id = f.payload_id
   CROSS JOIN LATERAL (SELECT string_agg(r.content, ''::bytea ORDER BY r.row_no) AS content
                         FROM payload_row AS r
                        WHERE r.tenant_id = f.tenant_id AND r.payload_id = f.payload_id) AS rows
   WHERE p.staged_by IS NOT NULL OR sha256(f.nonce || rows.content) IS DISTINCT FROM f.payload_sha256
      OR octet_length(f.nonce || rows.content) IS DISTINCT FROM f.payload_length"""

PAYLOADS = """
  SELECT 'payload ' || p.id || ' is had by ' || count(f.id) || ' files'
    FROM payload AS p
    LEFT JOIN file AS f ON f.tenant_id = p.tenant_id AND f.payload_id = p.id
   GROUP BY p.tenant_id, p.id
  HAVING count(f.id) <> CASE WHEN p.staged_by IS NULL THEN 1 ELSE 0 END"""

UPLOADS = """
  SELECT 'upload ' || u.id || ' has ' || u.rows || ' rows, the database ' || count(r.row_no)
    FROM upload AS u
    LEFT JOIN payload_row AS r ON r.tenant_id = u.tenant_id AND r.payload_id = u.payload_id
   WHERE u.payload_id IS NOT NULL
   GROUP BY u.tenant_id, u.id
  HAVING count(r.row_no) <> u.rows OR coalesce(max(r.row_no), -1) <> u.rows - 1"""

ENDED = """
  SELECT 'delivery ' || d.id || ' ended and has ' || what
    FROM delivery AS d
    JOIN (SELECT tenant_id, delivery_id, 'a file' AS what FROM file
          UNION ALL SELECT tenant_id, delivery_id, 'an upload' FROM upload
          UNION ALL SELECT tenant_id, delivery_id, 'a former version' FROM former_version) AS t
      ON t.tenant_id = d.tenant_id AND t.delivery_id = d.id
   WHERE d.state IN ('expired', 'revoked')"""

VERSIONS = """
  SELECT 'delivery ' || d.id || ' is at version ' || d.version || ' and has covers ' || array_agg(c.version)::text
    FROM delivery AS d
    LEFT JOIN cover AS c ON c.tenant_id = d.tenant_id AND c.delivery_id = d.id
   GROUP BY d.tenant_id, d.id
  HAVING count(c.version) <> d.version OR max(c.version) <> d.version OR min(c.version) <> 1"""

# What happens once is recorded once: a file that comes (and its index, if that comes after it), a delivery that is taken
# back.
AUDIT = """
  SELECT count(*) || ' records of the ' || kind || ' of ' || object_id
    FROM audit
    LEFT JOIN file AS f ON f.tenant_id = audit.tenant_id AND f.id = object_id
   WHERE outcome = 'success' AND (kind = 'revocation' OR kind = 'deposit' AND f.id IS NOT NULL)
   GROUP BY kind, object_id, f.index_length
  HAVING count(*) > CASE WHEN f.index_length IS NULL THEN 1 ELSE 2 END"""

HEADERS = """
  SELECT json_build_object('file', f.id, 'header', encode(v.header, 'base64'), 'index', encode(v.index_header, 'base64'),
                           'envelope', convert_from(c.envelope, 'UTF8'), 'recipients',
                           CASE WHEN v.version = d.version
                                THEN (SELECT json_agg(r.recipient ORDER BY r.recipient)
                                        FROM delivery_recipient AS r
                                       WHERE r.tenant_id = d.tenant_id AND r.delivery_id = d.id) END)
    FROM file AS f
    JOIN delivery AS d ON d.tenant_id = f.tenant_id AND d.id = f.delivery_id
    JOIN (SELECT f.tenant_id, f.id, f.header, f.index_header, d.version
            FROM file AS f
            JOIN delivery AS d ON d.tenant_id = f.tenant_id AND d.id = f.delivery_id
          UNION ALL
          SELECT f.tenant_id, f.id, h.header, h.index_header, v.version
            FROM former_version AS v
            JOIN file AS f ON f.tenant_id = v.tenant_id AND f.delivery_id = v.delivery_id
            LEFT JOIN former_headers AS h ON h.tenant_id = f.tenant_id AND h.file_id = f.id
                                         AND h.version = v.version) AS v
      ON v.tenant_id = f.tenant_id AND v.id = f.id
    LEFT JOIN cover AS c ON c.tenant_id = d.tenant_id AND c.delivery_id = d.id AND c.version = v.version"""


def wrong_headers(line):
    """What is wrong with the headers of one file under one version."""
    one = json.loads(line)
    if one["header"] is None or one["envelope"] is None:
        yield f"file {one['file']} has no header or no cover of a version that is kept"
        return
    cover = base64.b64decode(json.loads(one["envelope"])["payload"])
    listed = sorted({recipient["recipient"] for recipient in json.loads(cover)["recipients"]})
    if one["recipients"] not in (None, listed):
        yield f"the delivery of file {one['file']} is for others than its cover says"
    for header in filter(None, (one["header"], one["index"])):
        text = base64.b64decode(header).decode()
        under = re.search(r"^-> letterbox/cover/v1 (\S+)$", text, re.M)[1]
        if base64.b64decode(under + "==") != hashlib.sha256(cover).digest():
            yield f"file {one['file']} has a header of another cover"
        if text.count("-> X25519 ") != len(listed):
            yield f"file {one['file']} has a header for another number of recipients"


def violations(sql):
    """Of what must hold, what doesn't; `sql(statement)` is what psql prints, one row a line."""
    checks = (USAGE, WHOLE_FILES, PAYLOADS, UPLOADS, ENDED, VERSIONS, AUDIT)
    found = sql(" UNION ALL ".join(f"({check})" for check in checks)).splitlines()
    for line in sql(HEADERS).splitlines():
        found += wrong_headers(line)
    return found
