// The stock `age` opens what we seal, and we open what it seals.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "crypto/hash.h"
#include "crypto/passphrase_file.h"
#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

// A directory that is gone with the test.
class Directory {
 public:
  Directory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "letterbox-age-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

void write_file(const std::string& path, ByteView bytes) {
  std::ofstream(path, std::ios::binary)
      .write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
}

Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

class FileSource final : public Source {
 public:
  explicit FileSource(const std::string& path) : in_(path, std::ios::binary) {}
  ByteView next() override {
    in_.read(reinterpret_cast<char*>(buffer_.data()), static_cast<std::streamsize>(buffer_.size()));
    return ByteView(buffer_).first(static_cast<std::size_t>(in_.gcount()));
  }

 private:
  std::ifstream in_;
  Bytes buffer_ = Bytes(1 << 20);
};

// Every part of a command is ours, and no other thread is about.
int run(const std::string& command) {
  return std::system(command.c_str());  // NOLINT(cert-env33-c,concurrency-mt-unsafe)
}

Digest digest_of(Source& source) {
  Sha256 hash;
  for (ByteView piece = source.next(); !piece.empty(); piece = source.next()) hash.update(piece);
  return hash.finish();
}

struct Case {
  const char* name;
  std::uint64_t size;
  std::size_t recipients = 1;
};

std::vector<Case> cases() {
  constexpr std::uint64_t kPlainRow = kChunksPerRow * kChunkSize;
  std::vector<Case> all{{"Empty", 0},
                        {"OneByte", 1},
                        {"OneByteLessThanAChunk", kChunkSize - 1},
                        {"OneChunk", kChunkSize},
                        {"OneByteMoreThanAChunk", kChunkSize + 1},
                        {"OneRow", kPlainRow},
                        {"OneByteMoreThanARow", kPlainRow + 1},
                        {"TwoRows", 2 * kPlainRow},
                        {"TwentyRecipients", 100'000, 20}};
  const char* full = std::getenv("LETTERBOX_FULL");  // NOLINT(concurrency-mt-unsafe)
  if (full != nullptr && std::string_view(full) == "1")
    all.push_back({"OneGibibyte", std::uint64_t{1} << 30});
  return all;
}

class AgeInterop : public testing::TestWithParam<Case> {
 protected:
  AgeInterop() {
    for (std::size_t i = 0; i < GetParam().recipients; ++i) {
      identities_.push_back(X25519Identity::generate());
      recipients_.push_back(identities_.back().recipient());
    }
    // Whoever opens is the last in the list.
    write_file(directory_ / "identity", identities_.back().text().reveal());
    write_plaintext();
  }

  void write_plaintext() const {
    const Bytes block = some_bytes(1 << 20);
    std::ofstream out(directory_ / "plain", std::ios::binary);
    for (std::uint64_t left = GetParam().size; left > 0;) {
      const auto count = std::min<std::uint64_t>(left, block.size());
      out.write(as_text(block).data(), static_cast<std::streamsize>(count));
      left -= count;
    }
  }

  Digest digest(const char* name) const {
    FileSource source(directory_ / name);
    return digest_of(source);
  }

  void open_and_compare() const {
    FileSource source(directory_ / "sealed");
    Dearmor binary(source);
    Bytes rest;
    const Header header = read_header(binary, rest);
    const FileKey file_key = unwrap(header, std::span(&identities_.back(), 1));
    PrefixedSource payload(std::move(rest), binary);
    Opener opener(file_key, payload, nullptr, 2);
    EXPECT_EQ(digest_of(opener), digest("plain"));
  }

  const Directory directory_;
  std::vector<X25519Identity> identities_;
  std::vector<X25519Recipient> recipients_;
};

TEST_P(AgeInterop, AgeOpensWhatWeSeal) {
  const FileKey file_key = random_file_key();
  const PayloadNonce nonce = payload_nonce(file_key, Uuid::v7());
  {
    const Bytes header = seal_header(file_key, sha256(as_bytes("a cover")), recipients_);
    std::ofstream out(directory_ / "sealed", std::ios::binary);
    const auto put = [&](ByteView bytes) {
      out.write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
    };
    put(header);
    put(nonce);
    FileSource plaintext(directory_ / "plain");
    Sealer sealer(file_key, nonce, plaintext, 2);
    while (const auto row = sealer.next()) put(row->view());
  }
  ASSERT_EQ(run("age -d -i " + directory_ / "identity" + " -o " + directory_ / "opened" + " " +
                directory_ / "sealed"),
            0);
  EXPECT_EQ(digest("opened"), digest("plain"));
}

TEST_P(AgeInterop, WeOpenWhatAgeSeals) {
  std::string list;
  for (const X25519Recipient& recipient : recipients_) list += recipient.text() + '\n';
  write_file(directory_ / "recipients", as_bytes(list));
  for (const char* form : {"", "-a "}) {
    ASSERT_EQ(run("age " + std::string(form) + "-R " + directory_ / "recipients" + " -o " +
                  directory_ / "sealed" + " " + directory_ / "plain"),
              0);
    open_and_compare();
  }
}

INSTANTIATE_TEST_SUITE_P(, AgeInterop, testing::ValuesIn(cases()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(AgePassphrase, AgeOpensOurPassphraseFile) {
  const Directory directory;
  const Bytes plaintext = some_bytes(100);
  write_file(directory / "sealed",
             seal_with_passphrase(SecretBytes(plaintext), passphrase("open sesame"), 12));
  ASSERT_EQ(run(LETTERBOX_ON_A_TERMINAL " 'open sesame' age -d -o " + directory / "opened" + " " +
                directory / "sealed"),
            0);
  EXPECT_EQ(read_file(directory / "opened"), plaintext);
}

TEST(AgePassphrase, WeOpenAgesPassphraseFile) {
  const Directory directory;
  const Bytes plaintext = some_bytes(100);
  write_file(directory / "plain", plaintext);
  for (const char* form : {"", "-a "}) {
    ASSERT_EQ(run(LETTERBOX_ON_A_TERMINAL " 'open sesame' age -p " + std::string(form) + "-o " +
                  directory / "sealed" + " " + directory / "plain"),
              0);
    const SecretBytes opened =
        open_with_passphrase(read_file(directory / "sealed"), passphrase("open sesame"));
    EXPECT_TRUE(std::equal(plaintext.begin(), plaintext.end(), opened.reveal().begin(),
                           opened.reveal().end()));
  }
}

}  // namespace
}  // namespace letterbox::crypto
