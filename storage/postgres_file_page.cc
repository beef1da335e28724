#include "storage/postgres_file_page.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "base/error.h"
#include "storage/row_framing.h"

namespace letterbox::storage {

namespace {

// The first files, as many as make four full rows (FilePage::kPageRows), or one; with the row of
// those that have one alone. No row at all if the delivery can't be seen, nulls if there is no
// file.
constexpr const char* kReadPage = R"SQL(
  SELECT page.id, page.header, page.nonce, page.payload_length, r.content
    FROM live_delivery AS d
    LEFT JOIN LATERAL (
      SELECT *, sum(least(payload_length, 1048832)) OVER (ORDER BY id) AS so_far
        FROM (SELECT f.tenant_id, f.id, f.payload_id, f.header, f.nonce, f.payload_length
                FROM file AS f
               WHERE f.tenant_id = d.tenant_id AND f.delivery_id = d.id AND f.id > $3
                 AND f.payload_length <= $4::text::bigint
               ORDER BY f.id
               LIMIT 64) AS next) AS page
      ON page.so_far <= 4 * 1048832
      OR page.so_far = least(page.payload_length, 1048832)
    LEFT JOIN payload_row AS r
      ON r.tenant_id = page.tenant_id AND r.payload_id = page.payload_id AND r.row_no = 0
     AND page.payload_length <= 16 + 1048832
   WHERE d.tenant_id = $1 AND d.id = $2 AND d.state = 'closed'
   ORDER BY page.id)SQL";

}  // namespace

FilePage read_file_page(Pool& pool, TenantId tenant, const Uuid& delivery, const Uuid& after,
                        std::uint64_t up_to) {
  const std::string most =
      std::to_string(std::min<std::uint64_t>(up_to, std::numeric_limits<std::int64_t>::max()));
  const auto found = std::make_shared<const BinaryResult>(pool.run([&](Connection& connection) {
    return connection.execute(kReadPage, {tenant.uuid, delivery, after, as_bytes(most)});
  }));
  if (found->rows() == 0) {
    throw Error(ErrorCode::kNotFound, "there is no such delivery any more: " + delivery.text());
  }
  FilePage page{{}, found};
  for (int i = 0; i < found->rows() && !found->is_null(i, 0); ++i) {
    const FilePage::File file{found->uuid(i, 0), found->bytes(i, 1), found->array<16>(i, 2),
                              found->number(i, 3), found->bytes(i, 4)};
    if (file.payload_length <= kNonceSize + kFullRow &&
        file.row.size() + kNonceSize != file.payload_length) {
      throw Error(ErrorCode::kIntegrity,
                  "the only row is missing or misplaced in " + file.id.text());
    }
    page.files.push_back(file);
  }
  return page;
}

}  // namespace letterbox::storage
