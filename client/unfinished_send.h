// A delivery that this device sends, as it lies in the home from its first file on until it is
// closed: what `letterbox send --resume` goes on with.
//
//   outgoing/<delivery>/
//     send.json            what is sent: the signed cover, the signed manifest, and of each file
//                          what its sealed bytes must be. There once everything is sealed, and
//                          never before
//     <file>.age           sealed, and not known to be at the gateway
//     <file>.index.age     its sealed index, likewise
//     <file>.upload        where the gateway takes it: the target of an upload
//
// Nothing here opens anything: a file key lives in the memory of the process that draws it, and
// dies there. So what isn't sealed to its end can never be sealed on; it is thrown away.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "client/files.h"
#include "client/home.h"
#include "crypto/signing.h"
#include "records/cover.h"
#include "records/handle.h"
#include "records/manifest.h"

namespace letterbox::client {

/// An age file: what lies on the disk, and what the manifest says of it.
struct SealedBytes {
  std::uint64_t length;
  Digest sha256;
  records::ManifestEntry entry;
};

/// One file that is sent, and its index.
struct OutgoingFile {
  SealedBytes file;
  SealedBytes index;
  std::string type;
  bool checked;
  std::vector<std::string> dropped;  ///< of a photo

  const Uuid& id() const noexcept { return file.entry.id; }
};

/// Holds its folder: no other process goes on with it meanwhile. Several threads may ask, and do
/// something to different files; everything else is for one thread at a time. What touches the disk
/// throws Error kFile.
class UnfinishedSend {
 public:
  /// A new one. `held_for`: whom the letter is held for (client/held.h).
  UnfinishedSend(const Home& home, records::SignedCover cover,
                 std::optional<records::Handle> held_for);
  /// The folders of all, oldest first.
  static std::vector<std::filesystem::path> all(const Home& home);
  /// Nothing if another process holds it, or it is gone. Throws Error kMalformed for one that isn't
  /// sealed to its end, that `device` didn't sign, or that is damaged.
  static std::optional<UnfinishedSend> open(const std::filesystem::path& folder,
                                            const crypto::VerifyKey& device);
  /// Whether it is there, and no process holds it.
  static bool is_left_behind(const std::filesystem::path& folder);
  /// Throws away the folder of one whose sealing was cut off; whether it was that, and nobody's.
  static bool remove_if_cut(const std::filesystem::path& folder);
  /// Takes a folder away unopened, unless another process holds it.
  static void throw_away(const std::filesystem::path& folder);

  const records::SignedCover& cover() const noexcept { return cover_; }
  const Uuid& delivery() const noexcept { return cover_.cover.delivery; }
  const std::optional<records::Handle>& held_for() const noexcept { return held_for_; }
  const std::vector<OutgoingFile>& files() const noexcept { return files_; }
  /// Once all is sealed.
  const records::Envelope& manifest() const { return manifest_.value(); }

  const std::filesystem::path& folder() const noexcept { return folder_; }
  std::filesystem::path age_file(const Uuid& file) const;
  std::filesystem::path index_file(const Uuid& file) const;

  /// Its bytes lie where age_file() and index_file() say.
  void add(OutgoingFile file) { files_.push_back(std::move(file)); }
  /// Everything is sealed: from here on it can be gone on with.
  void seal(const crypto::SigningKey& device);

  /// Where the gateway takes a file, if it was asked.
  std::optional<std::string> upload_of(const Uuid& file) const;
  void set_upload(const Uuid& file, const std::string& target) const;
  void forget_upload(const Uuid& file) const;
  /// The gateway has it: its sealed bytes aren't needed any more.
  void is_there(const std::filesystem::path& sealed) const;

  /// Throws Error kIntegrity unless every file that still lies here is what it was when it was
  /// sealed. A machine that stopped may have lost the end of it.
  void check() const;

  /// Takes all of it away. This can't be used any more.
  void remove() const;

 private:
  UnfinishedSend(std::filesystem::path folder, FileDescriptor hold, records::SignedCover cover,
                 std::optional<records::Handle> held_for)
      : folder_(std::move(folder)),
        hold_(std::move(hold)),
        cover_(std::move(cover)),
        held_for_(std::move(held_for)) {}

  std::filesystem::path folder_;
  FileDescriptor hold_;
  records::SignedCover cover_;
  std::optional<records::Handle> held_for_;
  std::vector<OutgoingFile> files_;
  std::optional<records::Envelope> manifest_;
};

}  // namespace letterbox::client
