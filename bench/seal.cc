// What bench/seal measures: sealing and opening, file to file and in memory.
//
//   bench_seal seal RECIPIENT IN OUT THREADS
//   bench_seal open IDENTITY-FILE IN OUT THREADS
//   bench_seal memory MEBIBYTES         prints "seal RATE" and "open RATE", bytes a CPU second
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/stream.h"

using namespace letterbox;
using namespace letterbox::crypto;

namespace {

class Descriptor {
 public:
  Descriptor(const char* path, int flags) : fd_(::open(path, flags | O_CLOEXEC, 0600)) {
    if (fd_ < 0) throw Error(ErrorCode::kFile, "can't open a file");
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  std::size_t read(std::span<Byte> into) const {
    const ssize_t count = ::read(fd_, into.data(), into.size());
    if (count < 0) throw Error(ErrorCode::kFile, "can't read");
    return static_cast<std::size_t>(count);
  }
  void write(ByteView bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
      if (count < 0) throw Error(ErrorCode::kFile, "can't write");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

 private:
  int fd_;
};

class FileSource final : public Source {
 public:
  explicit FileSource(const char* path) : file_(path, O_RDONLY) {}
  ByteView next() override { return ByteView(buffer_).first(file_.read(buffer_)); }

 private:
  Descriptor file_;
  Bytes buffer_ = Bytes(std::size_t{256} * 1024);
};

// The same piece again and again, as `openssl speed` seals the same block again and again.
class RepeatingSource final : public Source {
 public:
  RepeatingSource(Bytes piece, std::size_t times) : piece_(std::move(piece)), times_(times) {}
  ByteView next() override {
    if (times_ == 0) return {};
    --times_;
    return piece_;
  }

 private:
  const Bytes piece_;
  std::size_t times_;
};

// Gives a payload's rows out in order.
class RowSource final : public Source {
 public:
  explicit RowSource(const std::vector<Bytes>& rows) : rows_(rows) {}
  ByteView next() override { return at_ < rows_.size() ? ByteView(rows_[at_++]) : ByteView(); }

 private:
  const std::vector<Bytes>& rows_;
  std::size_t at_ = 0;
};

void seal_file(const char* recipient, const char* in, const char* out, unsigned threads) {
  const std::vector<X25519Recipient> recipients{X25519Recipient::parse(recipient).value()};
  const FileKey file_key = random_file_key();
  const PayloadNonce nonce = payload_nonce(file_key, Uuid::v7());
  FileSource source(in);
  const Descriptor file(out, O_WRONLY | O_CREAT | O_TRUNC);
  file.write(seal_header(file_key, sha256({}), recipients));
  file.write(nonce);
  Sealer sealer(file_key, nonce, source, threads);
  while (const auto row = sealer.next()) file.write(row->view());
}

std::vector<X25519Identity> read_identities(const char* path) {
  FileSource file(path);
  std::vector<X25519Identity> identities;
  const Bytes content = read_all(file, 4096);
  std::string_view text = as_text(content);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (auto identity = X25519Identity::parse(line)) identities.push_back(std::move(*identity));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return identities;
}

void open_file(const char* identity_file, const char* in, const char* out, unsigned threads) {
  FileSource source(in);
  Bytes rest;
  const FileKey file_key = unwrap(read_header(source, rest), read_identities(identity_file));
  PrefixedSource payload(std::move(rest), source);
  const Descriptor file(out, O_WRONLY | O_CREAT | O_TRUNC);
  Opener opener(file_key, payload, nullptr, threads);
  for (ByteView piece = opener.next(); !piece.empty(); piece = opener.next()) file.write(piece);
}

// Runs `work`, which handles `bytes`, and prints the rate by the CPU's time: that is what
// `openssl speed` counts too, and what others do on the machine doesn't show in it.
template <typename Work>
void measure(const char* name, std::uint64_t bytes, Work work) {
  const std::clock_t begin = std::clock();
  work();
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  std::printf("%s %.0f\n", name, static_cast<double>(bytes) / seconds);
}

void measure_memory(std::uint64_t mebibytes) {
  const FileKey file_key = random_file_key();
  const PayloadNonce nonce = payload_nonce(file_key, Uuid::v7());
  measure("seal", mebibytes << 20, [&] {
    RepeatingSource source(Bytes(kChunkSize), mebibytes * 16);
    Sealer sealer(file_key, nonce, source);
    while (sealer.next()) {
    }
  });
  // No chunk can follow itself, so it is a payload that is repeated: of one row, near to the CPU
  // like the piece above.
  std::vector<Bytes> rows{Bytes(nonce.begin(), nonce.end())};
  RepeatingSource source(Bytes(kChunkSize), kChunksPerRow);
  Sealer sealer(file_key, nonce, source);
  while (const auto row = sealer.next()) rows.emplace_back(row->view().begin(), row->view().end());
  measure("open", mebibytes << 20, [&] {
    for (std::uint64_t i = 0; i < mebibytes; ++i) {
      RowSource payload(rows);
      Opener opener(file_key, payload);
      while (!opener.next().empty()) {
      }
    }
  });
}

int usage() {
  (void)std::fputs(
      "bench_seal seal RECIPIENT IN OUT THREADS\n"
      "bench_seal open IDENTITY-FILE IN OUT THREADS\n"
      "bench_seal memory MEBIBYTES\n",
      stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "memory" && argc == 3) {
      measure_memory(std::stoul(argv[2]));
    } else if (what == "seal" && argc == 6) {
      seal_file(argv[2], argv[3], argv[4], static_cast<unsigned>(std::stoul(argv[5])));
    } else if (what == "open" && argc == 6) {
      open_file(argv[2], argv[3], argv[4], static_cast<unsigned>(std::stoul(argv[5])));
    } else {
      return usage();
    }
    return 0;
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "bench_seal: %s\n", error.what());
    return 1;
  }
}
