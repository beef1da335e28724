// What parses as a receipt or a deletion receipt writes back to one form, which parses to the same.
// The first byte says which of them it is.
#include "base/error.h"
#include "records/deletion_receipt.h"
#include "records/receipt.h"

using namespace letterbox;

namespace {

const crypto::SigningKey& key() {
  static const crypto::SigningKey one{Secret<32>()};
  return one;
}

records::Envelope again(std::string_view type, ByteView payload) {
  const records::Envelope envelope = records::sign(type, payload, key());
  if (type == records::kReceiptType)
    return records::sign_receipt(records::verify_receipt(envelope, key().verify_key()), key());
  return records::sign_deletion_receipt(
      records::verify_deletion_receipt(envelope, key().verify_key()), key());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view type =
      data[0] == 'D' ? records::kDeletionReceiptType : records::kReceiptType;
  try {
    const records::Envelope once = again(type, {data + 1, size - 1});
    if (again(type, once.payload).payload != once.payload) __builtin_trap();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) __builtin_trap();
  }
  return 0;
}
