// A file on its way out, looked through while it is read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "client/files.h"
#include "dicom/inspector.h"
#include "dicom/wrap/photo.h"
#include "records/index.h"

namespace letterbox::client {

/// A file isn't valid DICOM, and isn't a photo: it can be sent as an attachment alone. The code
/// says why: kUnsupportedMediaType, kNotWhatItClaims, kUnsupportedTransferSyntax, kEmptyBody.
class Unfit : public Error {
 public:
  using Error::Error;
};

/// What a local file's first bytes say that it is; nothing for none of the kinds that are looked
/// into. Messages call it `what`. Throws Error kFile.
std::optional<dicom::MediaType> kind_of_file(const std::string& path, const std::string& what);

/// Yields what is to be sent of a DICOM file or photo: all of it, or all but a photo's metadata; or
/// a photo as DICOM.
class CheckedFile final : public Source {
 public:
  /// Opens the file ("-": standard input), which messages call `what`. If there is a `context`, a
  /// photo is wrapped as DICOM, in memory. `inspector` must outlive this. Throws Unfit, Error
  /// kFile, and, of a photo as DICOM, kTooLarge, and kUsage for what DICOM can't say.
  CheckedFile(const std::string& path, const std::string& what, dicom::Inspector& inspector,
              const dicom::PhotoContext* context = nullptr);
  ~CheckedFile() override;
  CheckedFile(const CheckedFile&) = delete;
  CheckedFile& operator=(const CheckedFile&) = delete;

  /// Of what comes out.
  dicom::MediaType type() const noexcept { return type_; }
  /// How much comes out, if it is known; of a photo it may be less.
  std::optional<std::uint64_t> length() const noexcept {
    return wrapped_ ? wrapped_->file.size() : input_.length();
  }
  /// Throws Unfit, Error kFile, kUnavailable.
  ByteView next() override;
  /// Once next() said that this is the end: what it is, for who gets it. Its size, name and label
  /// aren't set.
  records::Index index() const;
  bool was_wrapped() const noexcept { return wrapped_.has_value(); }
  /// What was left out of a photo, also where it became DICOM.
  const std::vector<std::string>& dropped() const {
    return wrapped_ ? wrapped_->photo.dropped : intake_->finding().dropped;
  }

 private:
  void wrap(const dicom::PhotoContext& context);
  // In a handler of `error`.
  [[noreturn]] void rethrow(const Error& error) const;

  std::string what_;
  InputFile input_;
  std::optional<PrefixedSource> body_;
  dicom::MediaType type_;
  std::optional<dicom::WrappedPhoto> wrapped_;
  std::optional<ViewSource> wrapped_source_;
  std::unique_ptr<dicom::Intake> intake_;
};

/// The index of a file that nobody looked into. Its size and name aren't set.
records::Index attachment_index();

/// The last part of a path, if an index can hold it.
std::optional<std::string> sendable_name(const std::string& path);

}  // namespace letterbox::client
