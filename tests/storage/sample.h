// Sealed files, deliveries and devices to store.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "storage/store.h"

namespace letterbox::storage::testing {

/// Length of a plaintext that fills one row.
inline constexpr std::size_t kPlainRow = 16 * 64 * 1024;

struct SealedFile {
  FileRecord record;
  std::vector<Ciphertext> rows;

  Bytes payload() const;  ///< of all rows, without the nonce
};

/// More than anybody's uploads come to.
inline constexpr std::uint64_t kAnyAmount = std::uint64_t{1} << 40;

/// What counts of it against a quota.
std::uint64_t room_of(const SealedFile& file);

/// A file of `plaintext` bytes, really sealed.
SealedFile sealed_file(const Uuid& delivery, std::size_t plaintext);

/// An index of so many bytes, really sealed.
SealedIndex some_index(const Uuid& file, std::size_t plaintext = 300);

/// An age1… look-alike that nothing else uses.
std::string some_recipient();

/// In whole seconds, as the stores' callers tell it.
std::chrono::sys_seconds now();

/// For one fresh recipient, from now on for an hour.
NewDelivery some_delivery(const Uuid& sender);
NewDelivery expired_delivery(const Uuid& sender);
NewDevice some_device(const std::string& handle);
/// 32 bytes that nothing else uses.
Digest some_digest();
AuditEvent some_event();
/// A fresh one.
TenantId some_tenant(Store& store);
/// The principal with this handle, made if there is none.
Principal some_principal(Store& store, TenantId tenant, const std::string& handle,
                         PrincipalKind kind = PrincipalKind::kPerson);

/// A writer that holds all rows of `file`.
std::unique_ptr<BlobWriter> staged(Store& store, TenantId tenant, const SealedFile& file);
/// A delivery of this one file, closed.
void deliver(Store& store, TenantId tenant, const SealedFile& file, const NewDelivery& delivery);

/// A delivery to be opened for a study, for one fresh recipient.
NewStudy some_study(const Uuid& sender);
/// Puts `file` and some index of it into a request.
void add(RequestWriter& request, const SealedFile& file);
/// Where it goes. Instance and content are ones that nothing else has.
PlacedFile placed(const SealedFile& file);
/// A whole request, of these files.
CommitOutcome store_request(Store& store, TenantId tenant, const Mac& study,
                            const std::variant<Uuid, NewStudy>& into,
                            const std::vector<SealedFile>& files);
/// The indexes of a delivery, as text, by the file's id.
std::map<Uuid, std::string> read_indexes(Store& store, TenantId tenant, const Uuid& delivery);

/// What read() yields; the size of each piece goes to `pieces` if given.
Bytes read_payload(Store& store, TenantId tenant, const Uuid& file,
                   std::vector<std::size_t>* pieces = nullptr);

/// The code of the Error that `call` throws; anything else fails the test.
template <typename Call>
std::optional<ErrorCode> error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

}  // namespace letterbox::storage::testing

namespace letterbox {
/// So that a failed expectation says "NotFound" and not a number.
inline void PrintTo(ErrorCode code, std::ostream* out) {
  *out << to_string(code);
}
}  // namespace letterbox
