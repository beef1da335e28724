// A delivery of one file with an index, from Ada to Bob with a copy for herself, and what they make
// of it by sharing it on.
#pragma once

#include "crypto/header.h"
#include "records/cover_chain.h"
#include "records/delivery_headers.h"
#include "records/index.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {

class Sharing : public ::testing::Test {
 protected:
  static std::vector<records::CoverRecipient> recipients(const std::vector<const Device*>& to) {
    std::vector<records::CoverRecipient> list;
    for (const Device* device : to)
      list.push_back({device->handle, device->identity.recipient(), std::nullopt});
    return list;
  }
  // Whether or not that is allowed.
  static records::SignedCover next(const records::SignedCover& before,
                                   const std::vector<const Device*>& to, const Device& maker) {
    return records::sign_cover(records::next_cover(before, recipients(to), before.cover.created),
                               maker.key);
  }
  UnverifiedDelivery unverified(const std::vector<records::SignedCover>& covers) const {
    UnverifiedDelivery delivery{draft.delivery, {}, manifest_envelope};
    for (const auto& cover : covers) delivery.covers.push_back(cover.envelope);
    return delivery;
  }
  /// The code, if `action` is refused by the check of this name.
  template <typename Action>
  static std::optional<ErrorCode> refusal(const char* check, Action action) {
    try {
      action();
      ADD_FAILURE() << "nothing was refused; expected the check: " << check;
    } catch (const Refused& refused) {
      EXPECT_STREQ(refused.check(), check) << refused.what();
      return refused.code();
    }
    return std::nullopt;
  }

  static crypto::Header header_of(ByteView age_file) {
    ViewSource source(age_file);
    Bytes rest;
    return crypto::read_header(source, rest);
  }
  static Bytes payload_of(ByteView age_file) {
    const auto size = static_cast<long>(header_of(age_file).bytes.size());
    return {age_file.begin() + size, age_file.end()};
  }
  /// The only header that an age file under a cover that lists Ada may have under another cover.
  Bytes header_under(const records::SignedCover& cover, ByteView age_file) const {
    const auto key = crypto::unwrap(header_of(age_file), std::span(&ada.identity, 1));
    return crypto::seal_header(key, cover.hash, cover.cover.keys());
  }

  const Device ada{"ada@clinic.example"};
  const Device bob{"bob@clinic.example"};
  const Device carol{"carol@clinic.example"};
  const Device eve{"eve@elsewhere.example"};
  const crypto::SigningKey gateway = crypto::SigningKey::generate();
  const TrustedKeys trusted{gateway.verify_key(),
                            {ada.record(), bob.record(), carol.record(), eve.record()}};
  const records::Cover draft = cover_from(ada, {&ada, &bob});
  const records::SignedCover one = records::sign_cover(draft, ada.key);
  const Bytes plaintext = pattern(100'000);
  const SealedFile file = seal(one, plaintext);
  const records::Index index{.type = std::string(records::kUncheckedType),
                             .size = plaintext.size(),
                             .checked = false,
                             .name = "notes.txt"};
  const SealedFile sealed_index = seal(one, records::index_bytes(index), file.entry.id);
  const records::Manifest manifest = [this] {
    records::Manifest made = manifest_of(one, {file.entry});
    made.indexes.push_back(sealed_index.entry);
    return made;
  }();
  const records::Envelope manifest_envelope = records::sign_manifest(manifest, ada.key);
};

}  // namespace letterbox::client
