// The commands, one file each. Each prints its result to standard output and throws Error for what
// it can't do.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/exit_code.h"
#include "client/photo_label.h"
#include "client/session.h"
#include "records/handle.h"
#include "records/time.h"

namespace letterbox::client {

struct ConnectOptions {
  std::filesystem::path file;
  bool replace = false;  ///< take the place of another gateway that is trusted now
};
void connect(const Session& session, const ConnectOptions& options);

/// What connect does, and login on its way: kConflict if it would take another one's place.
void trust_gateway(const Session& session, const Gateway& gateway, bool replace);

struct LoginOptions {
  std::filesystem::path file;  ///< an invitation; "-": standard input
  bool replace = false;        ///< all earlier devices are lost: wait to take their place
  bool recover = false;        ///< they are, but there is a recovery key, which vouches at once
  bool no_passphrase = false;  ///< leave the key file bare
};
/// Makes this device's keys, unless an earlier attempt did, and enrols it.
void login(const Session& session, const LoginOptions& options);

void device_list(const Session& session);
/// Without `output`: shown on the terminal.
void device_invite(const Session& session, const std::optional<std::filesystem::path>& output);
/// `which`: the fingerprint of one of this user's devices, in hexadecimal or words.
void device_confirm(const Session& session, const std::string& which);
void device_revoke(const Session& session, const std::string& which);

struct TrustOptions {
  std::string handle;
  /// Compared already, in hexadecimal or words; none: asked for each on the terminal.
  std::vector<std::string> fingerprints;
};
/// kUntrustedKey where the user doesn't confirm a device.
void trust(const Session& session, const TrustOptions& options);

/// Makes a recovery key, and shows it once.
void recovery_make(const Session& session);
/// Makes this home the recovery key's. `trust_file`: the gateway's gateway.json.
void recovery_restore(const Session& session, const std::filesystem::path& trust_file);

struct UnlockOptions {
  std::string time = "8h";
};
void unlock(const Session& session, const UnlockOptions& options);
void lock(const Session& session);

void recipient_add(const Session& session, const std::filesystem::path& file);
void recipient_list(const Session& session);
void recipient_remove(const Session& session, const std::string& who);

struct SendOptions {
  std::vector<std::string> files;  ///< "-": standard input
  std::vector<std::string> to;     ///< handles and age1… strings
  std::optional<std::string> expires;
  bool no_copy = false;  ///< don't seal for this device as well
  bool seal_at_gateway = false;
  bool attach = false;    ///< send what isn't valid DICOM and no photo, too, unchecked
  bool as_dicom = false;  ///< photos become DICOM
  LabelOptions label;     ///< of the photos
  /// Somebody who isn't enrolled is invited, by this new file ("-": on the terminal), and the
  /// letter is held until letterbox trust.
  std::optional<std::filesystem::path> invite = std::nullopt;
  bool resume = false;   ///< instead: go on with what isn't finished
  bool discard = false;  ///< instead: drop it
};
void send(const Session& session, const SendOptions& options);
/// Goes on with what earlier sends left behind, from what they sealed; or drops it.
void resume_sends(const Session& session);
void discard_sends(const Session& session);
/// A notice of what they left behind. What was cut off while it was sealed is thrown away.
void tell_of_unfinished_sends(const Session& session);

/// Shows what came, or of that what mentions `text`. kIntegrity if a delivery was refused, after
/// showing the others.
ExitCode list(const Session& session, const std::optional<std::string>& text);

struct GetOptions {
  std::string id;                     ///< of a delivery or a file
  std::optional<std::string> output;  ///< "-": standard output
  std::optional<std::filesystem::path> output_directory;
  bool sealed = false;  ///< keep the age file and its covers
  bool force = false;
  bool no_receipt = false;  ///< whatever the home says
};
void get(const Session& session, const GetOptions& options);

/// Has the gateway forget a file that this user sent, or all of a delivery.
void remove(const Session& session, const std::string& id);

struct ShareOptions {
  std::string id;                ///< of a delivery
  std::vector<std::string> who;  ///< handles and age1… strings
};
/// Lets others open a delivery that this device can open.
void share(const Session& session, const ShareOptions& options);
/// Has the gateway give it to somebody no more: anybody, for its sender; else devices of one's own.
void unshare(const Session& session, const ShareOptions& options);
/// Takes back a delivery that this user sent, and keeps and shows what the gateway signs for it.
void revoke(const Session& session, const std::string& id);

/// Lets this user's other devices open what this one can. kIntegrity if a delivery was refused,
/// after doing it for the others.
ExitCode device_sync(const Session& session);

/// Shows what this user sent, or one delivery, and what became of it, device by device. kIntegrity
/// if something about it doesn't verify.
ExitCode sent(const Session& session, const std::optional<std::string>& id);

/// Prints what happens to what this user sent and was sent, until it is stopped: what comes from
/// now on, or behind the event `after`. Comes back by itself when a stream ends. Throws Error
/// kNetwork if the gateway can't be reached at first; kUsage.
void watch(const Session& session, const std::optional<std::string>& after);

/// Whether `get` tells senders what was opened: shows it, or sets it.
void receipts(const Session& session, const std::optional<bool>& sends);

struct OpenOptions {
  std::string file;                   ///< "-": standard input
  std::optional<std::string> output;  ///< "-": standard output
  std::optional<std::filesystem::path> cover;
  std::optional<std::filesystem::path> identity;
  bool force = false;
};
void open(const Session& session, const OpenOptions& options);

}  // namespace letterbox::client
