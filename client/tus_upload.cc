#include "client/tus_upload.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "client/files.h"
#include "client/parallel.h"
#include "client/retry.h"
#include "crypto/base64.h"
#include "crypto/hash.h"

namespace letterbox::client {
namespace {

// Each is read twice, for its digest and to be sent, the second time from the page cache; and each
// is a request, whose way there and back counts where slices are small.
constexpr std::uint64_t kSliceSize = std::uint64_t{32} << 20;
constexpr std::string_view kUploadMediaType = "application/offset+octet-stream";
constexpr std::string_view kUploads = "/v1/uploads/";

std::pair<std::string, std::string> version() {
  return {"Tus-Resumable", "1.0.0"};
}

std::string metadata(const TusFile& file) {
  const auto encoded = [](const Uuid& id) {
    return crypto::base64_encode(as_bytes(id.text()), crypto::Padding::kRequired);
  };
  return "delivery " + encoded(file.delivery) + ",file " + encoded(file.file);
}

Error undocumented() {
  return {ErrorCode::kMalformed, "the gateway's answer about an upload isn't as documented"};
}

class TusUpload {
 public:
  TusUpload(GatewayConnection& gateway, const TusFile& file,
            const std::function<void(const std::string& target)>& began, Progress& progress,
            const std::stop_token& stop)
      : gateway_(gateway),
        file_(file),
        began_(began),
        progress_(progress),
        stop_(stop),
        target_(file.target) {}

  void run() {
    while (true) {
      try {
        if (!target_ && !begin()) return shown(file_.length);
        if (!offset_known_) ask();
        while (offset_ < file_.length) send_slice();
        return;
      } catch (const Error& error) {
        offset_known_ = false;
        // It expired, after a day without a byte; or the delivery is gone, and then the next answer
        // says the same.
        if (error.code() == ErrorCode::kNotFound && target_ && !begun_anew_) {
          begun_anew_ = true;
          target_.reset();
          continue;
        }
        // A conflict is that of a gateway that lost its hold of the upload to another one.
        patience_.wait_or_rethrow(error.code() == ErrorCode::kConflict ? ErrorCode::kLocked
                                                                       : error.code());
      }
    }
  }

 private:
  // False where the gateway has the file already: our upload was complete, and its answer was lost.
  // The file is what we sent, or the delivery can't be closed with the manifest that we signed.
  bool begin() {
    try {
      const AnswerHead answer =
          gateway_.post_empty("/v1/uploads", {version(),
                                              {"Upload-Length", std::to_string(file_.length)},
                                              {"Upload-Metadata", metadata(file_)}});
      const std::string& target = answer.field("location");
      if (!target.starts_with(kUploads) || !Uuid::parse(target.substr(kUploads.size())))
        throw undocumented();
      began_(target);
      target_ = target;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kConflict) throw;
      return false;
    }
    offset_ = 0;
    offset_known_ = true;
    return true;
  }

  void ask() {
    const AnswerHead answer = gateway_.head(*target_, {version()});
    const std::uint64_t offset = answer.number("upload-offset");
    if (answer.number("upload-length") != file_.length || offset > file_.length)
      throw undocumented();
    if (offset > offset_) patience_.restore();
    offset_ = offset;
    offset_known_ = true;
    shown(offset);
  }

  void send_slice() {
    go_on_unless(stop_);
    const std::uint64_t length = std::min(kSliceSize, file_.length - offset_);
    crypto::Sha256 hash;
    SliceSource once = slice(length);
    for (ByteView piece = once.next(); !piece.empty(); piece = once.next()) hash.update(piece);

    SliceSource again = slice(length);
    WatchedSource body(again, progress_);
    try {
      const AnswerHead answer =
          gateway_.patch(*target_, {kUploadMediaType,
                                    body,
                                    length,
                                    hash.finish(),
                                    {version(), {"Upload-Offset", std::to_string(offset_)}}});
      if (answer.number("upload-offset") != offset_ + length) throw undocumented();
    } catch (const Error&) {
      progress_.take_back(body.taken());
      throw;
    }
    offset_ += length;
    shown_ = offset_;
    begun_anew_ = false;
    patience_.restore();
  }

  SliceSource slice(std::uint64_t length) const {
    return {file_.fd, offset_, length, "a sealed file"};
  }

  // So much of the file is there, whoever sent it.
  void shown(std::uint64_t offset) {
    if (offset > shown_)
      progress_.advance(offset - shown_);
    else
      progress_.take_back(shown_ - offset);
    shown_ = offset;
  }

  GatewayConnection& gateway_;
  const TusFile& file_;
  const std::function<void(const std::string& target)>& began_;
  Progress& progress_;
  const std::stop_token& stop_;
  std::optional<std::string> target_;
  std::uint64_t offset_ = 0;
  bool offset_known_ = false;
  bool begun_anew_ = false;  // since something went forward
  std::uint64_t shown_ = 0;
  Patience patience_;
};

}  // namespace

void upload(GatewayConnection& gateway, const TusFile& file,
            const std::function<void(const std::string& target)>& began, Progress& progress,
            const std::stop_token& stop) {
  TusUpload(gateway, file, began, progress, stop).run();
}

}  // namespace letterbox::client
