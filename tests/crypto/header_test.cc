#include "crypto/header.h"

#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

Stanza stanza(std::vector<std::string> arguments, std::size_t body) {
  return {std::move(arguments), some_bytes(body)};
}
// One stanza and a MAC of the right form.
std::string header_with(std::string_view stanza_lines) {
  return "age-encryption.org/v1\n" + std::string(stanza_lines) + "--- " + std::string(43, 'A') +
         "\n";
}

std::optional<ErrorCode> parse_code(std::string_view text) {
  return code_of([&] { parse_header(as_bytes(text)); });
}

TEST(Header, IsReadAsItWasWritten) {
  std::vector<Stanza> stanzas;
  // Bodies around one and two full lines: 48 bytes fill a line of 64 columns.
  for (const std::size_t body :
       std::initializer_list<std::size_t>{0, 1, 32, 47, 48, 49, 95, 96, 97, 1000})
    stanzas.push_back(stanza({"type", "!argument~"}, body));
  const Bytes bytes = format_header(test_file_key(), stanzas);
  const Header header = parse_header(bytes);
  EXPECT_EQ(header.stanzas, stanzas);
  EXPECT_EQ(header.bytes, bytes);
  EXPECT_NO_THROW(verify_mac(header, test_file_key()));
}

TEST(Header, IsReadInPiecesOfAnySizeAndLeavesThePayload) {
  const std::vector<Stanza> stanzas{stanza({"a"}, 32), stanza({"b", "c"}, 48)};
  const Bytes bytes = format_header(test_file_key(), stanzas);
  Bytes file = bytes;
  const Bytes payload = some_bytes(5000);
  file.insert(file.end(), payload.begin(), payload.end());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100}, SIZE_MAX}) {
    ViewSource source(file, piece);
    Bytes rest;
    EXPECT_EQ(read_header(source, rest).bytes, bytes);
    PrefixedSource behind(std::move(rest), source);
    EXPECT_EQ(read_all(behind, SIZE_MAX), payload) << piece;
  }
}

TEST(Header, CutAnywhereIsRefused) {
  const std::vector<Stanza> stanzas{stanza({"a"}, 32), stanza({"b", "c"}, 48)};
  const Bytes bytes = format_header(test_file_key(), stanzas);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(code_of([&] { parse_header(ByteView(bytes).first(size)); }), ErrorCode::kMalformed)
        << size;
}

TEST(Header, WithBytesBehindItIsNoHeaderAlone) {
  Bytes bytes = format_header(test_file_key(), std::vector{stanza({"a"}, 0)});
  bytes.push_back('\n');
  EXPECT_EQ(code_of([&] { parse_header(bytes); }), ErrorCode::kMalformed);
}

TEST(Header, OutsideTheGrammarIsRefused) {
  ASSERT_EQ(parse_code(header_with("-> a\n\n")), std::nullopt);
  const std::string full(64, 'A');
  for (const std::string& lines :
       std::vector<std::string>{"",  // no stanza
                                "-> \n\n",
                                "->\n\n",
                                "->a\n\n",  // no argument
                                "->  a\n\n",
                                "-> a \n\n",  // an empty argument
                                "-> a\tb\n\n",
                                "-> \x7f\n\n",
                                "-> \xc3\xa4\n\n",
                                "-> a\r\n\n",
                                "-> a\n\r\n",               // CR
                                "-> a\n",                   // no body line
                                "-> a\n" + full + "\n",     // no short line at its end
                                "-> a\n" + full + "A\n\n",  // a line too long
                                "-> a\nAAA\nAAA\n",         // two short lines
                                "-> a\nAAAA====\n",
                                "-> a\nAA==\n",  // padding
                                "-> a\nAB\n",
                                "-> a\nA\n",  // not canonical, no length of base64
                                " -> a\n\n",
                                "\n-> a\n\n",
                                "=> a\n\n"}) {
    EXPECT_EQ(parse_code(header_with(lines)), ErrorCode::kMalformed) << lines;
  }
}

TEST(Header, WithAMacLineOutsideTheGrammarIsRefused) {
  const std::string before = "age-encryption.org/v1\n-> a\n\n";
  const std::string mac(43, 'A');
  ASSERT_EQ(parse_code(before + "--- " + mac + "\n"), std::nullopt);
  for (const std::string& line :
       {"---" + mac, "--- " + mac + "=", "--- " + mac + " ", "---  " + mac, "--- " + mac + "\r",
        "--- " + mac.substr(1), "--- " + std::string(42, 'A') + "B", std::string("---"),
        std::string("--- "), "---- " + mac}) {
    EXPECT_EQ(parse_code(before + line + "\n"), ErrorCode::kMalformed) << line;
  }
}

TEST(Header, OfAnotherVersionOrKindIsRefused) {
  for (const char* text : {"age-encryption.org/v2\n-> a\n\n", "age-encryption.org/v1\r\n",
                           "Age-encryption.org/v1\n", "", "\n", "PK\x03\x04"}) {
    EXPECT_EQ(parse_code(text), ErrorCode::kMalformed) << text;
  }
}

// The version line, then the same text for ever.
class Endless final : public Source {
 public:
  explicit Endless(std::string text) : text_(std::move(text)) {}
  ByteView next() override {
    const std::string& piece = given_ == 0 ? version_ : text_;
    given_ += piece.size();
    return as_bytes(piece);
  }
  std::size_t given() const { return given_; }

 private:
  const std::string version_ = "age-encryption.org/v1\n";
  const std::string text_;
  std::size_t given_ = 0;
};

TEST(Header, ThatNeverEndsIsReadNoFurtherThanTheLimit) {
  for (const char* text : {"-> a\n\n", "-> a"}) {
    Endless endless(text);
    Bytes rest;
    EXPECT_EQ(code_of([&] { read_header(endless, rest); }), ErrorCode::kTooLarge) << text;
    EXPECT_LT(endless.given(), kMaxHeaderSize + 100);
  }
}

TEST(Header, NamesTheLineThatIsWrong) {
  try {
    parse_header(as_bytes("age-encryption.org/v1\n-> a\n\n-> b\n!\n"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("line 5"), std::string::npos) << error.what();
  }
}

TEST(Header, HasAMacOfItsFileKeyAlone) {
  const Header header = parse_header(format_header(test_file_key(), std::vector{stanza({"a"}, 0)}));
  EXPECT_EQ(code_of([&] { verify_mac(header, random_file_key()); }), ErrorCode::kIntegrity);
  Header changed = header;
  changed.mac[31] ^= 1;
  EXPECT_EQ(code_of([&] { verify_mac(changed, test_file_key()); }), ErrorCode::kIntegrity);
}

class Unwrap : public testing::Test {
 protected:
  Unwrap() { identities_.push_back(X25519Identity::generate()); }
  Stanza wrapped(const FileKey& file_key = test_file_key()) const {
    return identities_[0].recipient().wrap(file_key, secret_of<32>(some_bytes(32)));
  }
  static Header header_of(const std::vector<Stanza>& stanzas) {
    return parse_header(format_header(test_file_key(), stanzas));
  }
  std::optional<ErrorCode> code(const Header& header) const {
    return code_of([&] { unwrap(header, identities_); });
  }
  std::vector<X25519Identity> identities_;
};

TEST_F(Unwrap, FindsTheStanzaAmongOthers) {
  const Header header = header_of({stanza({"other"}, 5), wrapped(), stanza({"other"}, 50)});
  EXPECT_EQ(to_hex(unwrap(header, identities_).reveal()), to_hex(test_file_key().reveal()));
}

TEST_F(Unwrap, TriesEveryIdentity) {
  const Header header = header_of({wrapped()});
  identities_.insert(identities_.begin(), X25519Identity::generate());
  EXPECT_EQ(code(header), std::nullopt);
}

TEST_F(Unwrap, SaysThatNoKeyFits) {
  EXPECT_EQ(code(header_of({stanza({"other"}, 32)})), ErrorCode::kNoKeyFits);
  identities_.clear();
  EXPECT_EQ(code(header_of({stanza({"X25519"}, 32)})), ErrorCode::kNoKeyFits);
}

TEST_F(Unwrap, RefusesAFileKeyThatDidNotMakeTheHeader) {
  EXPECT_EQ(code(header_of({wrapped(random_file_key())})), ErrorCode::kIntegrity);
}

TEST_F(Unwrap, RefusesAScryptStanzaBesideAnother) {
  const Stanza scrypt = scrypt_wrap(test_file_key(), passphrase("p"), 1);
  EXPECT_EQ(code(header_of({wrapped(), scrypt})), ErrorCode::kMalformed);
  for (const auto& stanzas : {std::vector{scrypt, stanza({"x"}, 0)}, std::vector{scrypt, scrypt}})
    EXPECT_EQ(code_of([&] { unwrap(header_of(stanzas), passphrase("p")); }), ErrorCode::kMalformed);
  EXPECT_EQ(code_of([&] { unwrap(header_of({scrypt}), passphrase("p")); }), std::nullopt);
}

TEST_F(Unwrap, TellsAWrongPassphraseFromAFileWithoutOne) {
  const Stanza scrypt = scrypt_wrap(test_file_key(), passphrase("p"), 1);
  EXPECT_EQ(code_of([&] { unwrap(header_of({scrypt}), passphrase("q")); }),
            ErrorCode::kWrongPassphrase);
  EXPECT_EQ(code_of([&] { unwrap(header_of({wrapped()}), passphrase("p")); }),
            ErrorCode::kNoKeyFits);
}

TEST(FormatHeader, WritesNoArgumentThatWouldReadAsSomethingElse) {
  for (const char* argument : {"", "a b", "a\n-> b", "\x7f"})
    EXPECT_EQ(code_of([&] { format_header(test_file_key(), std::vector{stanza({argument}, 0)}); }),
              ErrorCode::kInternal);
}

}  // namespace
}  // namespace letterbox::crypto
