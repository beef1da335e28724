#include "client/finish_send.h"

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/addressees.h"
#include "client/answers.h"
#include "client/held.h"
#include "client/parallel.h"
#include "client/retry.h"
#include "client/sealed_delivery.h"
#include "client/several_at_once.h"
#include "client/terminal.h"
#include "client/tus_upload.h"

namespace letterbox::client {
namespace {

constexpr std::string_view kAgeMediaType = "application/age";
// Up to this size a file that broke off is sent again from its beginning; it is one request.
constexpr std::uint64_t kLargestInOneRequest = std::uint64_t{8} << 20;

std::string target(const UnfinishedSend& send, const std::string& what) {
  return "/v1/deliveries/" + send.delivery().text() + what;
}

// The files that the gateway may not have yet.
std::vector<const OutgoingFile*> due(const UnfinishedSend& send) {
  std::vector<const OutgoingFile*> files;
  for (const OutgoingFile& file : send.files())
    if (std::filesystem::exists(send.age_file(file.id())) ||
        std::filesystem::exists(send.index_file(file.id())))
      files.push_back(&file);
  return files;
}

std::uint64_t length_of(const std::vector<const OutgoingFile*>& files) {
  std::uint64_t length = 0;
  for (const OutgoingFile* file : files) length += file->file.length;
  return length;
}

// Sends one file.
class Sender {
 public:
  Sender(const UnfinishedSend& send, GatewayConnection& gateway, Progress& progress,
         std::stop_token stop)
      : send_(send), gateway_(gateway), progress_(progress), stop_(std::move(stop)) {}

  void take(const OutgoingFile& file) {
    const std::filesystem::path age_file = send_.age_file(file.id());
    if (std::filesystem::exists(age_file)) {
      if (file.file.length > kLargestInOneRequest)
        upload(file);
      else
        post("/files", age_file, file.file);
      // Its bytes are needed no more, and a large file may well be all the room that there is.
      send_.is_there(age_file);
    } else {
      progress_.advance(file.file.length);
    }
    const std::filesystem::path index = send_.index_file(file.id());
    if (!std::filesystem::exists(index)) return;
    post("/indexes", index, file.index);
    send_.is_there(index);
  }

 private:
  void upload(const OutgoingFile& file) {
    const FileDescriptor fd = open_to_read(send_.age_file(file.id()).string(), "a sealed file");
    client::upload(
        gateway_,
        {send_.delivery(), file.id(), fd.get(), file.file.length, send_.upload_of(file.id())},
        [&](const std::string& where) { send_.set_upload(file.id(), where); }, progress_, stop_);
    send_.forget_upload(file.id());
  }

  void post(const char* where, const std::filesystem::path& path, const SealedBytes& sealed) {
    const FileDescriptor fd = open_to_read(path.string(), "a sealed file");
    patiently([&] {
      go_on_unless(stop_);
      SliceSource bytes(fd.get(), 0, sealed.length, "a sealed file");
      WatchedSource body(bytes, progress_);
      try {
        const StoredAnswer stored = parse_stored_answer(
            gateway_.post(target(send_, where + ("?id=" + sealed.entry.id.text())),
                          {kAgeMediaType, body, sealed.length, sealed.sha256}));
        if (stored.file != sealed.entry.id || stored.length != sealed.entry.length ||
            stored.sha256 != sealed.entry.sha256)
          throw Error(ErrorCode::kIntegrity,
                      "the gateway stored something else than was sent; nothing of the delivery "
                      "becomes visible");
      } catch (const Error& error) {
        // It has one already: the answer to an attempt before this got lost. It is what we sent, or
        // the delivery can't be closed with the manifest that we signed.
        if (error.code() == ErrorCode::kConflict) return;
        progress_.take_back(body.taken());
        throw;
      }
    });
  }

  const UnfinishedSend& send_;
  GatewayConnection& gateway_;
  Progress& progress_;
  std::stop_token stop_;
};

void send_files(Caller& us, const UnfinishedSend& send) {
  const std::vector<const OutgoingFile*> files = due(send);
  Progress progress(
      files.size() == 1 ? "sending a file" : "sending " + std::to_string(files.size()) + " files",
      length_of(files), !us.session().json);
  several_at_once(us, files.size(),
                  [&](std::size_t i, GatewayConnection& gateway, const std::stop_token& stop) {
                    Sender(send, gateway, progress, stop).take(*files[i]);
                  });
}

void close(Caller& us, const UnfinishedSend& send) {
  patiently([&] {
    us.gateway().post(target(send, "/close"), kEnvelopeMediaType,
                      records::to_json(send.manifest()));
  });
}

// The delivery is closed: nothing of it may be taken back from here on.
void complete(Caller& us, const UnfinishedSend& send) {
  us.session().home.remember(
      us.verify({send.delivery(), {send.cover().envelope}, send.manifest()}));
  if (send.held_for()) remember(us.session().home, {send.delivery(), *send.held_for()});
  send.remove();
}

SentState state_at_gateway(Caller& us, const UnfinishedSend& send) {
  return patiently(
      [&] { return parse_sent_answer(us.gateway().get(target(send, "/receipts"))).state; });
}

// Whether trying again later, or once somebody has done something about it, may work.
bool can_go_on(ErrorCode code) {
  switch (code) {
    case ErrorCode::kStorageFull:
    case ErrorCode::kQuotaExceeded:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kClockSkew:
    case ErrorCode::kFile:
      return true;
    default:
      return is_passing(code);
  }
}

// It stays as it is.
[[noreturn]] void put_off(const Error& error) {
  std::string what = error.what();
  if (what.ends_with('.')) what.pop_back();
  throw Error(error.code(), what +
                                "; nothing is lost: letterbox send --resume goes on with it, "
                                "letterbox send --discard drops it");
}

// For a delivery that isn't closed. In a handler of `error`.
[[noreturn]] void give_up(Caller& us, const UnfinishedSend& send, const Error& error) {
  if (can_go_on(error.code())) put_off(error);
  abandon(us, send);
  if (error.code() == ErrorCode::kNotFound)
    throw Error(ErrorCode::kNotFound,
                "the gateway doesn't have the delivery " + send.delivery().text() +
                    " any more: it expired or was revoked before it was sent; send the files anew");
  throw;
}

// The cover was agreed earlier, and its stanzas are in what was sealed then.
void check_recipients(Caller& us, const UnfinishedSend& send) {
  for (const records::CoverRecipient& recipient : send.cover().cover.recipients)
    if (recipient.recipient != us.device().recipient)
      sealable_devices(us, Addressees({recipient.recipient.text()}));
}

}  // namespace

void finish(Caller& us, const UnfinishedSend& send) {
  try {
    send_files(us, send);
  } catch (const Error& error) {
    give_up(us, send, error);
  }
  try {
    close(us, send);
  } catch (const Error& error) {
    // It may be closed all the same, and to abandon it would take it back from who has it already.
    if (error.code() != ErrorCode::kNotFound) put_off(error);
    give_up(us, send, error);
  }
  complete(us, send);
}

void go_on(Caller& us, const UnfinishedSend& send) {
  bool is_closed = false;
  try {
    switch (state_at_gateway(us, send)) {
      case SentState::kClosed:  // only the answer got lost
        is_closed = true;
        break;
      case SentState::kExpired:
      case SentState::kRevoked:
        throw Error(ErrorCode::kNotFound, "the delivery is over");
      case SentState::kOpen:
        check_recipients(us, send);
        send.check();
    }
  } catch (const Error& error) {
    give_up(us, send, error);
  }
  is_closed ? complete(us, send) : finish(us, send);
}

bool discard(Caller& us, const UnfinishedSend& send) {
  try {
    if (state_at_gateway(us, send) == SentState::kClosed) {
      complete(us, send);
      return false;
    }
  } catch (const Error& error) {
    // Where it is gone, or can't be asked, what lies here goes all the same.
    if (error.code() != ErrorCode::kNotFound && !is_passing(error.code())) throw;
  }
  abandon(us, send);
  return true;
}

void abandon(Caller& us, const UnfinishedSend& send) noexcept {
  // What went wrong before is what is told.
  try {
    send.remove();
    us.gateway().remove(target(send, ""));
  } catch (const std::exception&) {
  }
}

}  // namespace letterbox::client
