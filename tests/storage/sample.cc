#include "tests/storage/sample.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/stream.h"

namespace letterbox::storage::testing {

using namespace std::chrono_literals;

Bytes SealedFile::payload() const {
  Bytes all;
  for (const Ciphertext& row : rows) all.insert(all.end(), row.view().begin(), row.view().end());
  return all;
}

std::uint64_t room_of(const SealedFile& file) {
  return file.record.header.size() + file.record.payload_length;
}

SealedFile sealed_file(const Uuid& delivery, std::size_t plaintext) {
  const Uuid id = Uuid::v7();
  const crypto::FileKey key = crypto::random_file_key();
  const crypto::PayloadNonce nonce = crypto::payload_nonce(key, id);
  const Bytes plain(plaintext, Byte{0x5a});
  ViewSource source(plain);
  crypto::Sealer sealer(key, nonce, source);

  SealedFile file{{id, delivery, {}, nonce, nonce.size(), {}}, {}};
  const std::string header = "age-encryption.org/v1\n-> a header of " + id.text() + "\n";
  file.record.header.assign(header.begin(), header.end());
  crypto::Sha256 digest;
  digest.update(nonce);
  while (auto row = sealer.next()) {
    digest.update(row->view());
    file.record.payload_length += row->size();
    file.rows.push_back(std::move(*row));
  }
  file.record.payload_sha256 = digest.finish();
  return file;
}

SealedIndex some_index(const Uuid& file, std::size_t plaintext) {
  const SealedFile sealed = sealed_file(file, plaintext);
  return {sealed.record.header,
          {sealed.record.nonce, sealed.rows.at(0), sealed.record.payload_sha256}};
}

std::string some_recipient() {
  return "age1" + to_hex(Uuid::v7().bytes());
}

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

NewDelivery some_delivery(const Uuid& sender) {
  const auto made = now();
  return {Uuid::v7(), sender, false, R"({"payload":"cover"})", made, made + 1h, {some_recipient()}};
}

NewDelivery expired_delivery(const Uuid& sender) {
  NewDelivery delivery = some_delivery(sender);
  delivery.created -= 2h;
  delivery.expires -= 2h;
  return delivery;
}

NewDevice some_device(const std::string& handle) {
  const Digest key = some_digest();
  return {handle, some_recipient(), to_hex(key), to_hex(crypto::sha256(key)),
          R"({"payload":"record"})"};
}

Digest some_digest() {
  return crypto::sha256(Uuid::v7().bytes());
}

AuditEvent some_event() {
  return {.kind = AuditKind::kAdministration, .object = Uuid::v7()};
}

TenantId some_tenant(Store& store) {
  return store.tenants().make(Uuid::v7().text());
}

Principal some_principal(Store& store, TenantId tenant, const std::string& handle,
                         PrincipalKind kind) {
  if (auto known = store.principals().find_handle(tenant, handle)) return *std::move(known);
  return store.principals().make(tenant, handle, kind, some_event());
}

std::unique_ptr<BlobWriter> staged(Store& store, TenantId tenant, const SealedFile& file) {
  auto writer = store.blobs().begin(tenant, file.record.id);
  for (const Ciphertext& row : file.rows) writer->append(row);
  return writer;
}

void deliver(Store& store, TenantId tenant, const SealedFile& file, const NewDelivery& delivery) {
  staged(store, tenant, file)
      ->commit_as_delivery(file.record, nullptr, delivery, "a manifest", some_event());
}

NewStudy some_study(const Uuid& sender) {
  NewDelivery delivery = some_delivery(sender);
  delivery.sealed_by_gateway = true;
  return {delivery, "ward", 60s};
}

void add(RequestWriter& request, const SealedFile& file) {
  request.begin_file(file.record.id);
  for (const Ciphertext& row : file.rows) request.append(row);
  request.end_file(file.record.nonce, file.record.payload_sha256,
                   some_index(file.record.id).payload);
}

PlacedFile placed(const SealedFile& file) {
  const std::string header = "the header of the index of " + file.record.id.text();
  const ByteView view = as_bytes(header);
  return {
      file.record.id, file.record.header, {view.begin(), view.end()}, some_digest(), some_digest()};
}

CommitOutcome store_request(Store& store, TenantId tenant, const Mac& study,
                            const std::variant<Uuid, NewStudy>& into,
                            const std::vector<SealedFile>& files) {
  const auto request = store.studies().begin(tenant);
  StudyCommit commit{study, into, {}};
  for (const SealedFile& file : files) {
    add(*request, file);
    commit.files.push_back(placed(file));
  }
  return request->commit({commit}, some_event());
}

std::map<Uuid, std::string> read_indexes(Store& store, TenantId tenant, const Uuid& delivery) {
  const auto reader = store.blobs().read_indexes(tenant, delivery);
  std::map<Uuid, std::string> all;
  std::optional<Uuid> last;
  while (const auto index = reader->next()) {
    EXPECT_TRUE(!last || *last < index->file) << "in the order of file ids";
    last = index->file;
    all[index->file] = std::string(as_text(index->header)) + to_hex(index->nonce) +
                       std::string(as_text(index->row));
  }
  return all;
}

Bytes read_payload(Store& store, TenantId tenant, const Uuid& file,
                   std::vector<std::size_t>* pieces) {
  const auto source = store.blobs().read(tenant, file, 0);
  Bytes all;
  for (ByteView piece = source->next(); !piece.empty(); piece = source->next()) {
    all.insert(all.end(), piece.begin(), piece.end());
    if (pieces != nullptr) pieces->push_back(piece.size());
  }
  EXPECT_TRUE(source->next().empty()) << "the end of a source is its end";
  return all;
}

}  // namespace letterbox::storage::testing
