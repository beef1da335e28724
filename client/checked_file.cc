#include "client/checked_file.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace letterbox::client {
namespace {

constexpr std::size_t kSniffedSize = 132;
constexpr std::size_t kPieceSize = std::size_t{256} * 1024;

Bytes begin_of(Source& file) {
  Bytes begin;
  while (begin.size() < kSniffedSize) {
    const ByteView piece = file.next();
    if (piece.empty()) break;
    begin.insert(begin.end(), piece.begin(), piece.end());
  }
  return begin;
}

dicom::MediaType type_of(ByteView begin, const std::string& what) {
  if (begin.empty()) throw Unfit(ErrorCode::kEmptyBody, what + " is empty");
  const auto type = dicom::sniff(begin);
  if (!type) throw Unfit(ErrorCode::kUnsupportedMediaType, what + " isn't DICOM, JPEG or PNG");
  return *type;
}

bool is_about_the_file(ErrorCode code) {
  return code == ErrorCode::kNotWhatItClaims || code == ErrorCode::kUnsupportedTransferSyntax ||
         code == ErrorCode::kUnsupportedMediaType || code == ErrorCode::kEmptyBody;
}

template <typename Value>
std::vector<Value> first_of(const std::vector<Value>& all, std::size_t most) {
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), most))};
}

}  // namespace

std::optional<dicom::MediaType> kind_of_file(const std::string& path, const std::string& what) {
  return dicom::sniff(read_begin(path, kSniffedSize, what));
}

CheckedFile::CheckedFile(const std::string& path, const std::string& what,
                         dicom::Inspector& inspector, const dicom::PhotoContext* context)
    : what_(what), input_(path, what) {
  Bytes begin = begin_of(input_);
  type_ = type_of(begin, what);
  body_.emplace(std::move(begin), input_);
  if (context != nullptr && type_ != dicom::MediaType::kDicom) wrap(*context);
  // What we wrapped is looked through like any other DICOM.
  intake_ =
      wrapped_source_ ? inspector.admit(type_, *wrapped_source_) : inspector.admit(type_, *body_);
}

CheckedFile::~CheckedFile() {
  if (wrapped_) wipe(wrapped_->file);
}

void CheckedFile::wrap(const dicom::PhotoContext& context) {
  try {
    wrapped_ = dicom::wrap_photo(
        type_, *body_, context,
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  } catch (const Error& error) {
    rethrow(error);
  }
  wrapped_source_.emplace(wrapped_->file, kPieceSize);
  type_ = dicom::MediaType::kDicom;
}

void CheckedFile::rethrow(const Error& error) const {
  const std::string message = what_ + ": " + error.what();
  if (is_about_the_file(error.code())) throw Unfit(error.code(), message);
  if (error.code() == ErrorCode::kMalformed) throw Error(ErrorCode::kUsage, message);
  throw;
}

ByteView CheckedFile::next() {
  try {
    const ByteView piece = intake_->next();
    // What isn't fit is to be told before anything is made of it.
    if (piece.empty()) static_cast<void>(intake_->finding());
    return piece;
  } catch (const Error& error) {
    rethrow(error);
  }
}

records::Index CheckedFile::index() const {
  const dicom::Finding& finding = intake_->finding();
  records::Index index{.type = std::string(dicom::to_text(finding.type)),
                       .size = 0,
                       .checked = true,
                       .captured = finding.captured,
                       .dropped = first_of(finding.dropped, records::kMaxDropped)};
  if (finding.type == dicom::MediaType::kDicom) {
    index.attributes = finding.attributes;
    index.left_out = first_of(finding.left_out, records::kMaxLeftOut);
  }
  return index;
}

records::Index attachment_index() {
  return {.type = std::string(records::kUncheckedType), .size = 0, .checked = false};
}

std::optional<std::string> sendable_name(const std::string& path) {
  records::Index named = attachment_index();
  named.name = std::filesystem::path(path).filename().string();
  try {
    records::index_bytes(named);
    return named.name;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace letterbox::client
