// The home directory: everything that this device remembers.
//
//   key.age       its secrets, an age identity file sealed with a passphrase (client/key_file.h);
//   key.txt       or bare, if its owner wanted it so
//   device.json   its device record, to be given to others
//   gateway.json  the gateway it trusts
//   known/        pinned device records, other people's and the owner's other devices', one file a
//                 device, named after its age recipient (client/known_devices.h)
//   strangers/    device records of whoever shared something on and isn't known here, named after
//                 the hash of the record: nothing is sealed for them, and what they signed can be
//                 read
//   covers/       covers that were verified, named after their hash
//   manifests/    the manifests that belong to them, under the same name
//   held/         for whom letters are that wait until they can be sent on (client/held.h)
//   deletions/    what the gateway signed when deliveries were revoked, named after these
//   outgoing/     deliveries whose sending hasn't ended, one folder each (client/unfinished_send.h)
//   incoming/     what came, still sealed, of files that haven't come whole
//                 (client/partial_download.h)
//   seen          the highest version of each delivery's cover that came (client/seen_versions.h)
//   no-receipts   if it is there: nobody is told what was opened here
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/gateway.h"
#include "client/verified_delivery.h"
#include "records/device_record.h"
#include "records/dsse.h"

namespace letterbox::client {

class Home {
 public:
  /// Makes the directories, mode 0700, where they are missing. Throws Error kFile.
  explicit Home(const std::filesystem::path& directory);

  std::filesystem::path sealed_key_file() const { return directory_ / "key.age"; }
  std::filesystem::path bare_key_file() const { return directory_ / "key.txt"; }
  /// The one that is there; the first if none is.
  std::filesystem::path key_file() const;
  std::filesystem::path device_record_file() const { return directory_ / "device.json"; }
  std::filesystem::path known() const { return directory_ / "known"; }
  std::filesystem::path held() const { return directory_ / "held"; }
  std::filesystem::path deletions() const { return directory_ / "deletions"; }
  std::filesystem::path outgoing() const { return directory_ / "outgoing"; }
  std::filesystem::path incoming() const { return directory_ / "incoming"; }
  std::filesystem::path seen() const { return directory_ / "seen"; }
  const std::filesystem::path& directory() const noexcept { return directory_; }

  /// This device's own record, its signature checked. Throws Error kFile with what to do if there
  /// is none, kMalformed, kBadSignature.
  records::DeviceRecord device_record() const;
  bool has_device() const;
  /// Keeps this device's own record, in the place of an earlier one. Throws Error kFile.
  void remember_device(const records::Envelope& record) const;

  /// Throws Error kConfiguration with what to do if there is none, kMalformed.
  Gateway gateway() const;
  std::optional<Gateway> gateway_if_any() const;
  void remember(const Gateway& gateway) const;

  /// Keeps the record of a device that isn't known, and reads all of them. They are what the
  /// gateway said. Throws Error kFile, kMalformed, kBadSignature.
  void remember_stranger(const records::Envelope& record) const;
  std::vector<records::DeviceRecord> strangers() const;

  /// Keeps the covers and the manifest of a delivery that was verified, to open its files later.
  void remember(const VerifiedDelivery& delivery) const;
  /// As they were kept; verify them again. The covers are those from version 1 to the one of this
  /// hash; none if one is missing. A manifest is known by the hash of version 1. Throws Error
  /// kMalformed.
  std::vector<records::Envelope> covers(const crypto::CoverHash& last) const;
  std::optional<records::Envelope> manifest(const crypto::CoverHash& first) const;

  /// Whether senders are told what is opened here; they are unless somebody said otherwise.
  bool sends_receipts() const;
  void set_sends_receipts(bool sends) const;

 private:
  std::filesystem::path directory_;
};

/// $LETTERBOX_HOME, or ~/.config/letterbox.
std::filesystem::path default_home();

/// An envelope from a file. Throws Error kFile, kTooLarge, kMalformed (with the file's name).
records::Envelope read_envelope(const std::filesystem::path& path);
/// All device records in a directory, by handle and age key. Throws as read_envelope, and
/// kBadSignature.
std::vector<records::DeviceRecord> read_device_records(const std::filesystem::path& directory);
/// Several, one a line: the covers of a delivery from version 1 on, as they lie beside a file.
/// Throws as read_envelope.
std::vector<records::Envelope> read_covers(const std::filesystem::path& path);
/// The text of such a file: the covers up to the one that a file is sealed under.
std::string covers_text(const VerifiedChain& chain, const VerifiedCover& last);

}  // namespace letterbox::client
