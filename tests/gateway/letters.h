// A gateway's heart without HTTP and SQL, and two people of one hospital: radiology sends.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "crypto/stream.h"
#include "gateway/collect.h"
#include "gateway/deliveries.h"
#include "gateway/directory/recipients.h"
#include "records/manifest.h"
#include "storage/store.h"
#include "tests/gateway/identity/people.h"

namespace letterbox::gateway {

// A body that ends the way a broken connection does.
class Broken final : public Source {
 public:
  explicit Broken(Bytes first) : first_(std::move(first)) {}
  ByteView next() override {
    if (given_ || first_.empty()) throw Error(ErrorCode::kTruncatedBody, "the peer left");
    given_ = true;
    return first_;
  }

 private:
  Bytes first_;
  bool given_ = false;
};

// What `action` is refused with.
template <typename Action>
ErrorCode refusal_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "was taken";
  return ErrorCode::kInternal;
}

class LetterTest : public ::testing::Test {
 protected:
  LetterTest() {
    shelf_->tenants().make("hospital.example");
    surgeon_.enrol(*shelf_, gateway_key_.verify_key());
    radiology_.enrol(*shelf_, gateway_key_.verify_key());
    sender_ = caller(radiology_);
  }

  // As authentication finds it.
  Caller caller(const TestDevice& device) {
    const auto holder = shelf_->devices().find_key(device.key_id());
    Caller made{.role = Role::kPerson,
                .tenant = holder->tenant,
                .principal = holder->device.principal,
                .handle = device.handle,
                .address = "192.0.2.1"};
    made.device = {.hash = device.hash(), .record = records::verify_device_record(device.record_)};
    return made;
  }

  std::vector<records::Device> resolved(const std::vector<std::string>& names) {
    return resolve({shelf_->devices(), sender_.tenant, gateway_key_.verify_key()}, names);
  }

  void open(const Uuid& id, const records::Envelope& cover) {
    open_delivery(*shelf_, gateway_key_.verify_key(), sender_, id, cover);
  }

  records::SignedCover gateway_cover() {
    return records::sign_cover(draft_cover(radiology_.handle, records::SealedBy::kGateway,
                                           resolved({surgeon_.handle.text()}), std::nullopt),
                               gateway_key_);
  }

  // A delivery that radiology's device opened for the surgeon and itself.
  records::SignedCover opened() {
    records::SignedCover cover = records::sign_cover(
        draft_cover(radiology_.handle, records::SealedBy::kDevice,
                    resolved({surgeon_.handle.text(), radiology_.handle.text()}), std::nullopt),
        radiology_.key);
    open(cover.cover.delivery, cover.envelope);
    return cover;
  }

  struct Sealed {
    Uuid id = Uuid::v7();
    Bytes bytes;
  };

  static Sealed seal(const records::SignedCover& cover, ByteView plaintext) {
    Sealed sealed;
    const crypto::FileKey key = crypto::random_file_key();
    const crypto::PayloadNonce nonce = crypto::payload_nonce(key, sealed.id);
    sealed.bytes = crypto::seal_header(key, cover.hash, cover.cover.keys());
    sealed.bytes.insert(sealed.bytes.end(), nonce.begin(), nonce.end());
    ViewSource source(plaintext);
    crypto::Sealer rows(key, nonce, source);
    while (const auto row = rows.next()) {
      sealed.bytes.insert(sealed.bytes.end(), row->view().begin(), row->view().end());
    }
    return sealed;
  }

  // Closes the delivery of `cover` with these files, and no indexes.
  void close(const records::SignedCover& cover, std::vector<records::ManifestEntry> files) {
    close_delivery(*shelf_, sender_, cover.cover.delivery,
                   records::sign_manifest(
                       {cover.cover.delivery, cover.hash, records::now(), std::move(files), {}},
                       radiology_.key));
  }

  Bytes stored(const Uuid& id) {
    std::optional<Letter> letter = collect(*shelf_, sender_.tenant, id);
    return letter ? read_all(*letter->content, SIZE_MAX) : Bytes();
  }

  std::unique_ptr<storage::Store> shelf_ = storage::open_memory();
  crypto::SigningKey gateway_key_ = crypto::SigningKey::generate();
  TestDevice surgeon_{"surgeon@hospital.example"};
  TestDevice radiology_{"radiology@hospital.example"};
  Caller sender_;
};

}  // namespace letterbox::gateway
