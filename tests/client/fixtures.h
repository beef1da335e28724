// People with keys, a directory that cleans up, and deliveries as an honest sender makes them.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/reading.h"
#include "client/sealed_upload.h"
#include "crypto/recipient.h"
#include "crypto/signing.h"
#include "records/cover.h"
#include "records/device_record.h"
#include "records/manifest.h"

namespace letterbox::client {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "letterbox-client-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, ByteView content) {
  std::ofstream(path, std::ios::binary) << as_text(content);
}

inline Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline Bytes drain(Source& source) {
  return read_all(source, SIZE_MAX);
}

/// Bytes that differ from place to place.
inline Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<Byte>(i * 7 + i / 251);
  return bytes;
}

/// Somebody's device.
struct Device {
  explicit Device(const std::string& handle_text) : handle(*records::Handle::parse(handle_text)) {}

  records::DeviceRecord record() const {
    return {handle, identity.recipient(), key.verify_key(), *records::parse_time(kCreated)};
  }
  records::Envelope envelope() const { return records::sign_device_record(record(), key); }

  static constexpr const char* kCreated = "2026-11-23T17:30:00Z";
  records::Handle handle;
  crypto::X25519Identity identity = crypto::X25519Identity::generate();
  crypto::SigningKey key = crypto::SigningKey::generate();
};

inline records::Cover cover_from(const Device& sender, const std::vector<const Device*>& to) {
  records::Cover cover{.delivery = Uuid::v7(),
                       .version = 1,
                       .previous = std::nullopt,
                       .random = {1, 2, 3},
                       .sender = sender.handle,
                       .sealed_by = records::SealedBy::kDevice,
                       .created = *records::parse_time("2026-11-23T17:30:00Z"),
                       .expires = *records::parse_time("2026-12-23T17:30:00Z"),
                       .recipients = {}};
  for (const Device* device : to)
    cover.recipients.push_back({device->handle, device->identity.recipient(), std::nullopt});
  return cover;
}

/// One sealed file: the age file, and what its manifest entry says.
struct SealedFile {
  Bytes age_file;
  records::ManifestEntry entry;
};

inline SealedFile seal(const records::SignedCover& cover, ByteView plaintext,
                       const Uuid& file = Uuid::v7()) {
  ViewSource source(plaintext);
  SealedUpload sealed(file, cover, source);
  Bytes age_file = drain(sealed);
  return {std::move(age_file), sealed.entry()};
}

inline records::Manifest manifest_of(const records::SignedCover& cover,
                                     std::vector<records::ManifestEntry> entries) {
  return {cover.cover.delivery,
          cover.hash,
          *records::parse_time("2026-11-23T17:31:00Z"),
          std::move(entries),
          {}};
}

/// The code that `action` throws, or nothing.
template <typename Action>
std::optional<ErrorCode> thrown_by(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

}  // namespace letterbox::client
