#include "gateway/stow/answer.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"

namespace letterbox::gateway::stow {

namespace {

struct Attribute {
  const char* tag;
  const char* keyword;
};

constexpr Attribute kReferencedSopClass{"00081150", "ReferencedSOPClassUID"};
constexpr Attribute kReferencedSopInstance{"00081155", "ReferencedSOPInstanceUID"};
constexpr Attribute kRetrieveUrl{"00081190", "RetrieveURL"};
constexpr Attribute kWarningReason{"00081196", "WarningReason"};
constexpr Attribute kFailureReason{"00081197", "FailureReason"};
constexpr Attribute kFailedSopSequence{"00081198", "FailedSOPSequence"};
constexpr Attribute kReferencedSopSequence{"00081199", "ReferencedSOPSequence"};
constexpr Attribute kOtherFailuresSequence{"0008119A", "OtherFailuresSequence"};

// All texts of the module are UIDs, so neither form has anything to escape.
const std::string& checked(const std::string& uid) {
  if (uid.empty() || uid.size() > 64 || uid.find_first_not_of("0123456789.") != std::string::npos) {
    throw Error(ErrorCode::kInternal, "a UID that is none was to be answered");
  }
  return uid;
}

// The two forms, written from the first attribute to the last. Attributes of a data set come in
// the order of their tags.
class JsonWriter {
 public:
  void begin() { text_ = "{"; }
  void empty(const Attribute& attribute, const char* vr) {
    open(attribute, vr);
    text_ += '}';
  }
  void uid(const Attribute& attribute, const std::string& value) {
    open(attribute, "UI");
    text_.append(R"(,"Value":[")").append(checked(value)).append("\"]}");
  }
  void number(const Attribute& attribute, std::uint16_t value) {
    open(attribute, "US");
    text_.append(R"(,"Value":[)").append(std::to_string(value)).append("]}");
  }
  void begin_sequence(const Attribute& attribute) {
    open(attribute, "SQ");
    text_ += R"(,"Value":[)";
  }
  void begin_item(std::size_t number) { text_ += number == 1 ? "{" : ",{"; }
  void end_item() { text_ += '}'; }
  void end_sequence() { text_ += "]}"; }
  std::string finish() { return std::move(text_) + "}"; }

 private:
  void open(const Attribute& attribute, const char* vr) {
    if (text_.back() != '{') text_ += ',';
    text_.append("\"").append(attribute.tag).append(R"(":{"vr":")").append(vr).append("\"");
  }
  std::string text_;
};

class XmlWriter {
 public:
  void begin() {
    text_ = R"(<?xml version="1.0" encoding="UTF-8"?>)"
            "\n"
            R"(<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" )"
            R"(xml:space="preserve">)";
  }
  void empty(const Attribute& attribute, const char* vr) {
    open(attribute, vr);
    close();
  }
  void uid(const Attribute& attribute, const std::string& value) {
    open(attribute, "UI");
    text_.append(R"(<Value number="1">)").append(checked(value)).append("</Value>");
    close();
  }
  void number(const Attribute& attribute, std::uint16_t value) {
    open(attribute, "US");
    text_.append(R"(<Value number="1">)").append(std::to_string(value)).append("</Value>");
    close();
  }
  void begin_sequence(const Attribute& attribute) { open(attribute, "SQ"); }
  void begin_item(std::size_t number) {
    text_.append(R"(<Item number=")").append(std::to_string(number)).append("\">");
  }
  void end_item() { text_ += "</Item>"; }
  void end_sequence() { close(); }
  std::string finish() { return std::move(text_) + "</NativeDicomModel>\n"; }

 private:
  void open(const Attribute& attribute, const char* vr) {
    text_.append(R"(<DicomAttribute tag=")").append(attribute.tag);
    text_.append(R"(" vr=")").append(vr);
    text_.append(R"(" keyword=")").append(attribute.keyword).append("\">");
  }
  void close() { text_ += "</DicomAttribute>"; }
  std::string text_;
};

template <typename Writer>
void write_name(Writer& writer, const InstanceName& instance) {
  writer.uid(kReferencedSopClass, instance.sop_class);
  writer.uid(kReferencedSopInstance, instance.sop_instance);
}

// A sequence of one item for each of `list`; none at all if that is empty.
template <typename Writer, typename List, typename WriteItem>
void write_sequence(Writer& writer, const Attribute& attribute, const List& list,
                    WriteItem write_item) {
  if (list.empty()) return;
  writer.begin_sequence(attribute);
  std::size_t number = 0;
  for (const auto& one : list) {
    writer.begin_item(++number);
    write_item(one);
    writer.end_item();
  }
  writer.end_sequence();
}

template <typename Writer>
std::string write(const Answer& answer) {
  Writer writer;
  const auto write_reason = [&](Reason reason) {
    writer.number(kFailureReason, static_cast<std::uint16_t>(reason));
  };
  writer.begin();
  writer.empty(kRetrieveUrl, "UR");
  write_sequence(writer, kFailedSopSequence, answer.failed, [&](const Failure& failure) {
    write_name(writer, failure.instance);
    write_reason(failure.reason);
  });
  struct Stored {
    const InstanceName& instance;
    std::optional<Warning> warning;
  };
  std::vector<Stored> stored;
  for (const InstanceName& instance : answer.stored) stored.push_back({instance, std::nullopt});
  for (const Warned& one : answer.warned) stored.push_back({one.instance, one.warning});
  write_sequence(writer, kReferencedSopSequence, stored, [&](const Stored& one) {
    write_name(writer, one.instance);
    writer.empty(kRetrieveUrl, "UR");
    if (one.warning) writer.number(kWarningReason, static_cast<std::uint16_t>(*one.warning));
  });
  write_sequence(writer, kOtherFailuresSequence, answer.others, write_reason);
  return writer.finish();
}

}  // namespace

unsigned short Answer::status() const noexcept {
  if (failed.empty() && others.empty() && warned.empty()) return 200;
  return stored.empty() && warned.empty() ? 409 : 202;
}

std::optional<Reason> reason_of_status(unsigned short status) noexcept {
  switch (status) {
    case 400:
    case 415:
    case 422:
      return Reason::kCannotUnderstand;
    case 413:
    case 431:
    case 503:
      return Reason::kOutOfResources;
    default:
      return std::nullopt;
  }
}

std::string to_text(const Answer& answer, Form form) {
  switch (form) {
    case Form::kJson:
      return write<JsonWriter>(answer);
    case Form::kXml:
      return write<XmlWriter>(answer);
  }
  throw Error(ErrorCode::kInternal, "an answer in no form");
}

}  // namespace letterbox::gateway::stow
