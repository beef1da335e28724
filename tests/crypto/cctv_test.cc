// The CCTV test vectors of the age format, each a test of its own name.
//
// https://github.com/C2SP/CCTV/tree/main/age says what a vector's keys mean. Here run all that need
// no other key than X25519 and scrypt.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/passphrase_file.h"
#include "crypto/stream.h"

namespace letterbox::crypto {
namespace {

// How many there are in cctv-age 0.2.0. The others have post-quantum identities alone.
constexpr std::size_t kVectors = 143;
constexpr std::size_t kVectorsInReach = 125;

struct Vector {
  std::string name;
  std::string expect;
  std::string payload;
  std::vector<std::string> identities;
  std::vector<std::string> passphrases;
  bool armored = false;
  bool compressed = false;
  bool has_hybrid_identity = false;
  Bytes file;

  bool in_reach() const {
    return !has_hybrid_identity || !identities.empty() || !passphrases.empty();
  }
};

void PrintTo(const Vector& vector, std::ostream* out) {
  *out << vector.name;
}

Vector parse_vector(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  Vector vector;
  vector.name = path.filename().string();
  for (std::string line; std::getline(in, line) && !line.empty();) {
    const std::size_t colon = line.find(": ");
    const std::string key = line.substr(0, colon);
    const std::string value = line.substr(colon + 2);
    if (key == "expect") vector.expect = value;
    if (key == "payload") vector.payload = value;
    if (key == "passphrase") vector.passphrases.push_back(value);
    if (key == "armored") vector.armored = true;
    if (key == "compressed") vector.compressed = true;
    if (key == "identity") {
      if (value.starts_with("AGE-SECRET-KEY-PQ-")) {
        vector.has_hybrid_identity = true;
      } else {
        vector.identities.push_back(value);
      }
    }
  }
  vector.file.assign(std::istreambuf_iterator<char>(in), {});
  return vector;
}

std::vector<Vector> all_vectors() {
  std::vector<Vector> vectors;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(LETTERBOX_CCTV_DIRECTORY, missing))
    vectors.push_back(parse_vector(entry.path()));
  return vectors;
}

std::vector<Vector> vectors_in_reach() {
  std::vector<Vector> vectors = all_vectors();
  std::erase_if(vectors, [](const Vector& vector) { return !vector.in_reach(); });
  return vectors;
}

Bytes inflate_all(const Bytes& compressed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit(&stream), Z_OK);
  stream.next_in = const_cast<Byte*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  Bytes out;
  int status = Z_OK;
  while (status == Z_OK) {
    Bytes piece(1 << 20);
    stream.next_out = piece.data();
    stream.avail_out = static_cast<uInt>(piece.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.insert(out.end(), piece.begin(),
               piece.end() - static_cast<std::ptrdiff_t>(stream.avail_out));
  }
  EXPECT_EQ(status, Z_STREAM_END);
  inflateEnd(&stream);
  return out;
}

struct Outcome {
  std::string what;
  std::string payload;  // the digest of what came out before the outcome
};

FileKey unwrap_with_what_it_names(const Vector& vector, const Header& header) {
  if (vector.passphrases.empty()) {
    std::vector<X25519Identity> identities;
    for (const std::string& text : vector.identities)
      identities.push_back(X25519Identity::parse(text).value());
    return unwrap(header, identities);
  }
  std::optional<Error> last;
  for (const std::string& passphrase : vector.passphrases) {
    try {
      return unwrap(header, SecretBytes(as_bytes(passphrase)));
    } catch (const Error& error) {
      last = error;
    }
  }
  throw Error(*last);
}

// The vectors count a missing nonce to the header.
Outcome open_payload(const FileKey& file_key, Source& payload, unsigned threads) {
  Sha256 hash;
  std::optional<Opener> opener;
  try {
    opener.emplace(file_key, payload, nullptr, threads);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIntegrity);
    return {"header failure", ""};
  }
  try {
    for (ByteView piece = opener->next(); !piece.empty(); piece = opener->next())
      hash.update(piece);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIntegrity);
    return {"payload failure", to_hex(hash.finish())};
  }
  return {"success", to_hex(hash.finish())};
}

Outcome open_binary(const Vector& vector, const Bytes& file, std::size_t piece, unsigned threads) {
  ViewSource source(file, piece);
  Bytes rest;
  Header header;
  FileKey file_key;
  try {
    header = read_header(source, rest);
    file_key = unwrap_with_what_it_names(vector, header);
  } catch (const Error& error) {
    switch (error.code()) {
      case ErrorCode::kMalformed:
      case ErrorCode::kTooLarge:
      case ErrorCode::kFieldsTooLarge:
        return {"header failure", ""};
      case ErrorCode::kNoKeyFits:
      case ErrorCode::kWrongPassphrase:
        return {"no match", ""};
      case ErrorCode::kIntegrity:
        return {"HMAC failure", ""};
      default:
        throw;
    }
  }
  PrefixedSource payload(std::move(rest), source);
  return open_payload(file_key, payload, threads);
}

Outcome open_vector(const Vector& vector, std::size_t piece, unsigned threads) {
  const Bytes file = vector.compressed ? inflate_all(vector.file) : vector.file;
  if (!vector.armored) return open_binary(vector, file, piece, threads);
  Bytes binary;
  try {
    ViewSource source(file, piece);
    Dearmor dearmor(source);
    binary = read_all(dearmor, SIZE_MAX);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMalformed);
    return {"armor failure", ""};
  }
  return open_binary(vector, binary, piece, threads);
}

TEST(CctvVectors, AreAllThere) {
  ASSERT_EQ(all_vectors().size(), kVectors)
      << "The vectors aren't in " LETTERBOX_CCTV_DIRECTORY
         ": run `npm ci` in tests/vectors (scripts/bootstrap does) and build again.";
  EXPECT_EQ(vectors_in_reach().size(), kVectorsInReach);
}

class CctvVector : public testing::TestWithParam<Vector> {};
// AreAllThere speaks for the case that there are none.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CctvVector);

TEST_P(CctvVector, GivesItsExpectedOutcome) {
  const Vector& vector = GetParam();
  const Outcome outcome = open_vector(vector, SIZE_MAX, 1);
  EXPECT_EQ(outcome.what, vector.expect);
  EXPECT_EQ(outcome.payload, vector.payload);
}

TEST_P(CctvVector, GivesItInSmallPiecesAndWithTwoThreadsToo) {
  const Vector& vector = GetParam();
  const Outcome outcome = open_vector(vector, 1009, 2);
  EXPECT_EQ(outcome.what, vector.expect);
  EXPECT_EQ(outcome.payload, vector.payload);
}

TEST_P(CctvVector, HasAHeaderThatIsWrittenAsItWasRead) {
  const Vector& vector = GetParam();
  if (vector.armored || vector.expect == "header failure") return;
  const Bytes file = vector.compressed ? inflate_all(vector.file) : vector.file;
  ViewSource source(file);
  Bytes rest;
  const Header header = read_header(source, rest);
  const Bytes written = format_header(FileKey(), header.stanzas);
  // All but the MAC, which is of another key.
  EXPECT_TRUE(std::equal(header.authenticated.begin(), header.authenticated.end(), written.begin(),
                         written.begin() + static_cast<std::ptrdiff_t>(std::min(
                                               header.authenticated.size(), written.size()))));
  EXPECT_EQ(parse_header(header.bytes).stanzas, header.stanzas);
}

INSTANTIATE_TEST_SUITE_P(, CctvVector, testing::ValuesIn(vectors_in_reach()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace letterbox::crypto
