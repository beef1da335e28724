// The header follows from key and cover, and every reader finds out when it doesn't.
#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

class CoveredHeader : public testing::Test {
 protected:
  CoveredHeader() {
    for (int i = 0; i < 3; ++i) {
      identities_.push_back(X25519Identity::generate());
      recipients_.push_back(identities_.back().recipient());
    }
    bytes_ = seal_header(file_key_, cover_, recipients_);
    header_ = parse_header(bytes_);
  }

  // What a reader does with bytes that claim to be a header under this cover. Nothing if it is
  // content.
  std::optional<ErrorCode> read(ByteView bytes) const {
    return code_of([&] {
      const Header header = parse_header(bytes);
      const FileKey file_key = unwrap(header, identities_);
      verify_header(header, file_key, cover_, recipients_);
    });
  }

  // The same for a header whose maker knows the file key: its MAC is right.
  std::optional<ErrorCode> read(const std::vector<Stanza>& stanzas) const {
    return read(format_header(file_key_, stanzas));
  }

  std::optional<ErrorCode> screen(const std::vector<Stanza>& stanzas) const {
    return code_of([&] {
      screen_header(parse_header(format_header(file_key_, stanzas)), cover_, recipients_.size());
    });
  }

  Stanza stranger() const {
    return X25519Identity::generate().recipient().wrap(file_key_, secret_of<32>(some_bytes(32, 9)));
  }

  const FileKey file_key_ = random_file_key();
  const CoverHash cover_ = sha256(as_bytes("a cover"));
  std::vector<X25519Identity> identities_;
  std::vector<X25519Recipient> recipients_;
  Bytes bytes_;
  Header header_;
};

const Stanza kSshStanza{{"ssh-ed25519", "xJ6lwA", base64_encode(some_bytes(32), Padding::kNone)},
                        some_bytes(32)};

TEST_F(CoveredHeader, IsThatOfKeyAndCoverAndReaderAgrees) {
  EXPECT_EQ(seal_header(file_key_, cover_, recipients_), bytes_) << "equal arguments, equal bytes";
  EXPECT_EQ(read(bytes_), std::nullopt);
}

TEST_F(CoveredHeader, HoldsTheCoverStanzaThenOneStanzaPerRecipientInOrder) {
  ASSERT_EQ(header_.stanzas.size(), 4U);
  EXPECT_EQ(
      header_.stanzas[0].arguments,
      (std::vector<std::string>{"letterbox/cover/v1", base64_encode(cover_, Padding::kNone)}));
  EXPECT_TRUE(header_.stanzas[0].body.empty());
  EXPECT_EQ(named_cover(header_), cover_);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_TRUE(identities_[i].unwrap(header_.stanzas[i + 1])) << i;
}

TEST_F(CoveredHeader, DependsOnKeyAndCoverInEveryStanza) {
  const auto shares_with = [&](const Bytes& other) {
    const Header header = parse_header(other);
    for (std::size_t i = 1; i < 4; ++i)
      if (header.stanzas[i] == header_.stanzas[i]) return true;
    return false;
  };
  EXPECT_FALSE(shares_with(seal_header(random_file_key(), cover_, recipients_)));
  EXPECT_FALSE(shares_with(seal_header(file_key_, sha256(as_bytes("another")), recipients_)));
}

TEST_F(CoveredHeader, WithAnyByteFlippedIsRefused) {
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    for (const Byte bit : std::initializer_list<Byte>{0x01, 0x20, 0x80}) {
      Bytes changed = bytes_;
      changed[i] ^= bit;
      EXPECT_NE(read(changed), std::nullopt) << "byte " << i << ", bit " << int{bit};
    }
  }
}

TEST_F(CoveredHeader, WithAStanzaAddedIsRefused) {
  for (std::size_t at = 0; at <= 4; ++at) {
    for (const Stanza& added : {stranger(), kSshStanza, header_.stanzas[1], header_.stanzas[0]}) {
      std::vector<Stanza> stanzas = header_.stanzas;
      stanzas.insert(stanzas.begin() + static_cast<std::ptrdiff_t>(at), added);
      EXPECT_EQ(read(stanzas), ErrorCode::kIntegrity) << added.arguments[0] << " at " << at;
      EXPECT_EQ(screen(stanzas), ErrorCode::kCoverMismatch) << added.arguments[0] << " at " << at;
    }
  }
}

TEST_F(CoveredHeader, WithAStanzaReplacedIsRefused) {
  for (std::size_t at = 1; at < 4; ++at) {
    for (const Stanza& other : {stranger(), kSshStanza, header_.stanzas[at == 1 ? 2 : 1]}) {
      std::vector<Stanza> stanzas = header_.stanzas;
      stanzas[at] = other;
      EXPECT_EQ(read(stanzas), ErrorCode::kIntegrity) << other.arguments[0] << " at " << at;
    }
  }
}

TEST_F(CoveredHeader, WithAStanzaForTheRightKeyUnderAnotherEphemeralIsRefused) {
  std::vector<Stanza> stanzas = header_.stanzas;
  stanzas[2] = recipients_[1].wrap(file_key_, secret_of<32>(some_bytes(32)));
  EXPECT_EQ(read(stanzas), ErrorCode::kIntegrity);
}

TEST_F(CoveredHeader, WithAStanzaLeftOutIsRefused) {
  for (std::size_t at = 0; at < 4; ++at) {
    std::vector<Stanza> stanzas = header_.stanzas;
    stanzas.erase(stanzas.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_EQ(read(stanzas), ErrorCode::kIntegrity) << at;
    EXPECT_EQ(screen(stanzas), ErrorCode::kCoverMismatch) << at;
  }
}

TEST_F(CoveredHeader, InAnotherOrderIsRefused) {
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      std::vector<Stanza> stanzas = header_.stanzas;
      std::swap(stanzas[i], stanzas[j]);
      EXPECT_EQ(read(stanzas), ErrorCode::kIntegrity) << i << " and " << j;
    }
  }
}

TEST_F(CoveredHeader, UnderAnotherCoverIsRefused) {
  const CoverHash other = sha256(as_bytes("another cover"));
  EXPECT_EQ(code_of([&] { verify_header(header_, file_key_, other, recipients_); }),
            ErrorCode::kIntegrity);
  EXPECT_EQ(code_of([&] { screen_header(header_, other, 3); }), ErrorCode::kCoverMismatch);
  // The other cover's name on this header's stanzas.
  std::vector<Stanza> stanzas = header_.stanzas;
  stanzas[0].arguments[1] = base64_encode(other, Padding::kNone);
  EXPECT_EQ(read(stanzas), ErrorCode::kIntegrity);
}

TEST_F(CoveredHeader, ForOtherRecipientsThanTheCoverListsIsRefused) {
  recipients_.push_back(X25519Identity::generate().recipient());
  EXPECT_EQ(read(bytes_), ErrorCode::kIntegrity);
  recipients_.erase(recipients_.begin() + 2, recipients_.end());
  EXPECT_EQ(read(bytes_), ErrorCode::kIntegrity);
}

TEST_F(CoveredHeader, PassesTheScreenOfWhoHasNoKey) {
  EXPECT_EQ(screen(header_.stanzas), std::nullopt);
  EXPECT_EQ(code_of([&] { screen_header(header_, cover_, 2); }), ErrorCode::kCoverMismatch);
  EXPECT_EQ(code_of([&] { screen_header(header_, cover_, 4); }), ErrorCode::kCoverMismatch);
}

TEST_F(CoveredHeader, ScreenRefusesStanzasOfAnotherTypeOrForm) {
  std::vector<Stanza> stanzas = header_.stanzas;
  stanzas[2] = kSshStanza;
  EXPECT_EQ(screen(stanzas), ErrorCode::kCoverMismatch);
  stanzas[2] = header_.stanzas[2];
  stanzas[2].body.pop_back();
  EXPECT_EQ(screen(stanzas), ErrorCode::kMalformed);
  stanzas[2] = header_.stanzas[2];
  stanzas[2].arguments.emplace_back("x");
  EXPECT_EQ(screen(stanzas), ErrorCode::kMalformed);
  stanzas[2] = header_.stanzas[2];
  stanzas[2].arguments[1] = base64_encode(Bytes(32), Padding::kNone);
  EXPECT_EQ(screen(stanzas), ErrorCode::kMalformed) << "a share of low order";
}

TEST_F(CoveredHeader, NamesNoCoverUnlessItsFirstStanzaIsAWellFormedCoverStanza) {
  const auto named = [&](Stanza first) {
    return named_cover(parse_header(format_header(file_key_, std::vector{std::move(first)})));
  };
  const std::string hash = base64_encode(cover_, Padding::kNone);
  EXPECT_EQ(named({{"letterbox/cover/v1", hash}, {}}), cover_);
  EXPECT_FALSE(named({{"letterbox/cover/v2", hash}, {}}));
  EXPECT_FALSE(named({{"letterbox/cover/v1", hash, "x"}, {}}));
  EXPECT_FALSE(named({{"letterbox/cover/v1"}, {}}));
  EXPECT_FALSE(named({{"letterbox/cover/v1", hash}, some_bytes(1)}));
  EXPECT_FALSE(named({{"letterbox/cover/v1", hash + "="}, {}}));
  EXPECT_FALSE(named({{"letterbox/cover/v1", hash.substr(4)}, {}}));
}

TEST_F(CoveredHeader, NeedsARecipientAndEndsAtTheSizeThatReadersTake) {
  EXPECT_EQ(code_of([&] { seal_header(file_key_, cover_, {}); }), ErrorCode::kNoRecipient);
  const std::vector<X25519Recipient> many(2700, recipients_[0]);
  EXPECT_EQ(code_of([&] { seal_header(file_key_, cover_, many); }), ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace letterbox::crypto
