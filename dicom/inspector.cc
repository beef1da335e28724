#include "dicom/inspector.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "dicom/attributes/attributes.h"
#include "dicom/attributes/reader.h"
#include "dicom/part10/scanner.h"
#include "dicom/photo/cleaner.h"
#include "dicom/sandbox/sandbox.h"

namespace letterbox::dicom {

namespace {

constexpr std::size_t kMaxChildren = 64;

// Every byte of the file passes the scanner here; what a real parser makes of it is asked once they
// all have.
class DicomIntake final : public Intake {
 public:
  DicomIntake(Source& body, Sandbox& readers) : body_(body), readers_(readers) {}

  ByteView next() override {
    const ByteView piece = body_.next();
    if (!piece.empty()) {
      scanner_.take(piece);
    } else if (!asked_) {
      scanner_.finish();
      question_.emplace(readers_.ask(scanner_.digest()));
      asked_ = true;
    }
    return piece;
  }

  const Finding& finding() const override {
    if (finding_.instance) return finding_;
    if (!question_) throw Error(ErrorCode::kInternal, "a file that hasn't ended, or was refused");
    auto question = std::exchange(question_, std::nullopt);  // gone after a throw, too
    Attributes read = parse_answer(question->answer(), scanner_.known());
    finding_.attributes = std::move(read.json);
    finding_.left_out = joined(scanner_.left_out(), read.left_out);
    finding_.instance = scanner_.known();
    return finding_;
  }
  InstanceUids known() const override { return scanner_.known(); }

 private:
  Source& body_;
  Sandbox& readers_;
  Scanner scanner_;
  bool asked_ = false;
  mutable std::optional<Sandbox::Question> question_;  // that nobody has heard the answer to yet
  mutable Finding finding_{.type = MediaType::kDicom};
};

class RealInspector final : public Inspector {
 public:
  explicit RealInspector(const SandboxLimits& limits)
      : readers_({.prepare = load_dictionary,
                  .answer = [](ByteView digest) { return to_answer(read_attributes(digest)); }},
                 limits) {}

  std::unique_ptr<Intake> admit(MediaType claimed, Source& body) override {
    if (claimed == MediaType::kDicom) return std::make_unique<DicomIntake>(body, readers_);
    return clean_photo(claimed, body);
  }
  bool running() override { return readers_.running(); }

 private:
  Sandbox readers_;
};

}  // namespace

std::unique_ptr<Inspector> make_inspector(const InspectorOptions& options) {
  SandboxLimits limits;
  limits.children = std::clamp<std::size_t>(options.children, 1, kMaxChildren);
  limits.max_request = kMaxDigest;
  limits.max_answer = kMaxAnswer;
  return std::make_unique<RealInspector>(limits);
}

}  // namespace letterbox::dicom
