#include "dicom/inspector.h"

#include "base/error.h"

namespace letterbox::dicom {

namespace {

// PS3.10 section 7.1: a preamble of 128 bytes that may hold anything, then "DICM".
constexpr std::size_t kSignatureSize = 132;

// Holds the body back until its first bytes have shown what it is. Asked again after a refusal it
// refuses again, so that nothing of a refused body ever comes out.
class SignatureIntake final : public Intake {
 public:
  SignatureIntake(MediaType claimed, Source& body) : body_(body), finding_{.type = claimed} {}

  ByteView next() override {
    if (admitted_) return body_.next();
    while (head_.size() < kSignatureSize) {
      const ByteView piece = body_.next();
      if (piece.empty()) break;
      head_.insert(head_.end(), piece.begin(), piece.end());
    }
    if (head_.empty()) throw Error(ErrorCode::kEmptyBody, "the body is empty");
    if (sniff(head_) != finding_.type) {
      throw Error(ErrorCode::kNotWhatItClaims,
                  "the body doesn't begin as its Content-Type says; send it with the right one");
    }
    admitted_ = true;
    return head_;
  }

  const Finding& finding() const override { return finding_; }
  InstanceUids known() const override { return {}; }

 private:
  Source& body_;
  Finding finding_;
  Bytes head_;
  bool admitted_ = false;
};

class SignatureInspector final : public Inspector {
 public:
  std::unique_ptr<Intake> admit(MediaType claimed, Source& body) override {
    return std::make_unique<SignatureIntake>(claimed, body);
  }
};

}  // namespace

std::unique_ptr<Inspector> make_signature_inspector() {
  return std::make_unique<SignatureInspector>();
}

std::unique_ptr<Inspector> make_inspector(const InspectorOptions&) {
  return make_signature_inspector();
}

}  // namespace letterbox::dicom
