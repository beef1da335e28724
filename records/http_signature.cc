#include "records/http_signature.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "records/structured_field.h"
#include "records/target_uri.h"

namespace letterbox::records {

namespace {

const std::string kInput = "Signature-Input";
const std::string kSignature = "Signature";
const std::string kLabel = "letterbox";  // any will do; readers take whichever comes
constexpr std::string_view kAlgorithm = "ed25519";

// RFC 9421 section 2.2, those that a request has. @query-param can't do without parameters, and
// @signature-params is never covered (section 2.3).
constexpr std::array<std::string_view, 7> kDerivedComponents = {
    "@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"};

[[noreturn]] void refuse(const std::string& what, const char* why) {
  throw Error(ErrorCode::kMalformed, what + " " + why);
}

// RFC 9110 section 5.1: a token, here in lowercase (RFC 9421 section 2.1).
bool is_field_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), allowed);
}

bool is_component(std::string_view name) {
  return std::find(kDerivedComponents.begin(), kDerivedComponents.end(), name) !=
             kDerivedComponents.end() ||
         is_field_name(name);
}

std::vector<std::string> read_components(const InnerList& list) {
  std::vector<std::string> components;
  for (const Item& item : list.items) {
    const auto* name = std::get_if<std::string>(&item.value);
    if (name == nullptr) refuse(kInput, "covers something that isn't a component");
    if (!item.parameters.empty()) {
      refuse(kInput, "covers a component with parameters, which aren't taken here");
    }
    if (!is_component(*name)) refuse(kInput, "covers a component that isn't known");
    if (std::find(components.begin(), components.end(), *name) != components.end()) {
      refuse(kInput, "covers a component twice");
    }
    components.push_back(*name);
  }
  return components;
}

std::string read_string(const Parameter& parameter) {
  const auto* text = std::get_if<std::string>(&parameter.value);
  if (text == nullptr) refuse(kInput, "has a parameter that should be a string");
  return *text;
}

// Fifteen digits at most, so sums with a lifetime can't overflow.
Time read_time(const Parameter& parameter) {
  const auto* seconds = std::get_if<std::int64_t>(&parameter.value);
  if (seconds == nullptr) refuse(kInput, "has a time that isn't an integer");
  return Time(std::chrono::seconds(*seconds));
}

void read_parameters(const Parameters& parameters, RequestSignature& signature) {
  std::optional<std::string> key_id;
  for (const Parameter& parameter : parameters) {
    if (parameter.key == "created") {
      signature.created = read_time(parameter);
    } else if (parameter.key == "expires") {
      signature.expires = read_time(parameter);
    } else if (parameter.key == "nonce") {
      signature.nonce = read_string(parameter);
    } else if (parameter.key == "alg") {
      signature.algorithm = read_string(parameter);
    } else if (parameter.key == "keyid") {
      key_id = read_string(parameter);
    } else if (parameter.key == "tag") {
      signature.tag = read_string(parameter);
    } else {
      refuse(kInput, "has a parameter that isn't known");
    }
  }
  if (!key_id) refuse(kInput, "has no keyid");
  signature.key_id = *std::move(key_id);
}

/// The only member of a dictionary.
const DictionaryMember& only_member(const Dictionary& dictionary, const std::string& what) {
  if (dictionary.size() != 1) refuse(what, "doesn't hold exactly one signature");
  return dictionary.front();
}

crypto::Signature read_signature(const DictionaryMember& member) {
  const auto* item = std::get_if<Item>(&member.value);
  const auto* bytes = item != nullptr ? std::get_if<Bytes>(&item->value) : nullptr;
  crypto::Signature signature;
  if (bytes == nullptr || bytes->size() != signature.size() || !item->parameters.empty()) {
    refuse(kSignature, "isn't 64 bytes");
  }
  std::copy(bytes->begin(), bytes->end(), signature.begin());
  return signature;
}

/// RFC 9421 section 2.1: each line without white space around it, joined with ", ".
std::string field_value(const RequestView& request, std::string_view name) {
  const auto lines = request.field_lines(name);
  if (lines.empty()) {
    throw Error(ErrorCode::kBadSignature, "a field is covered that the request doesn't have");
  }
  std::string value;
  for (const std::string& line : lines) {
    if (&line != &lines.front()) value += ", ";
    const auto begin = line.find_first_not_of(" \t");
    if (begin != std::string::npos) {
      value += line.substr(begin, line.find_last_not_of(" \t") - begin + 1);
    }
  }
  return value;
}

std::string component_value(const RequestView& request, const TargetUri& uri,
                            std::string_view component) {
  if (component == "@method") return std::string(request.method);
  if (component == "@target-uri") return uri.text();
  if (component == "@authority") return uri.authority;
  if (component == "@scheme") return uri.scheme;
  if (component == "@request-target") return uri.path + uri.query;
  if (component == "@path") return uri.path;
  // Without a query it is the question mark alone (section 2.2.7).
  if (component == "@query") return uri.query.empty() ? "?" : uri.query;
  return field_value(request, component);
}

// A line end within a value would let one component pose as two (section 7.5.1).
bool can_be_signed(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; });
}

bool has_lifetime(const RequestSignature& signature) {
  return signature.created && signature.expires && *signature.created < *signature.expires;
}

bool covers_what_it_must(const RequestSignature& signature, bool has_body) {
  return signature.covers("@method") && signature.covers("@target-uri") &&
         (!has_body || (signature.covers("content-type") && signature.covers("content-digest")));
}

bool is_suitable(const std::optional<std::string>& nonce) {
  return nonce && nonce->size() >= kShortestNonce && nonce->size() <= kLongestNonce;
}

}  // namespace

bool RequestSignature::covers(std::string_view component) const {
  return std::find(components.begin(), components.end(), component) != components.end();
}

RequestSignature parse_request_signature(std::string_view signature_input,
                                         std::string_view signature) {
  const Dictionary inputs = parse_dictionary(signature_input, kInput);
  const Dictionary signatures = parse_dictionary(signature, kSignature);
  const DictionaryMember& input = only_member(inputs, kInput);
  const DictionaryMember& value = only_member(signatures, kSignature);
  if (input.key != value.key) refuse(kSignature, "is labelled otherwise than its input");
  const auto* list = std::get_if<InnerList>(&input.value);
  if (list == nullptr) refuse(kInput, "doesn't list what is covered");

  RequestSignature parsed{};
  parsed.components = read_components(*list);
  read_parameters(list->parameters, parsed);
  parsed.parameters = to_text(*list);
  parsed.value = read_signature(value);
  return parsed;
}

const char* to_string(SignatureFault fault) noexcept {
  switch (fault) {
    case SignatureFault::kNotCovered:
      return "NotCovered";
    case SignatureFault::kOtherTag:
      return "OtherTag";
    case SignatureFault::kOtherAlgorithm:
      return "OtherAlgorithm";
    case SignatureFault::kNoLifetime:
      return "NoLifetime";
    case SignatureFault::kLongLifetime:
      return "LongLifetime";
    case SignatureFault::kFromTheFuture:
      return "FromTheFuture";
    case SignatureFault::kExpired:
      return "Expired";
    case SignatureFault::kUnsuitableNonce:
      return "UnsuitableNonce";
  }
  return "?";
}

std::optional<SignatureFault> find_fault(const RequestSignature& signature, bool has_body,
                                         Time now) {
  if (!covers_what_it_must(signature, has_body)) return SignatureFault::kNotCovered;
  if (signature.tag != kSignatureTag) return SignatureFault::kOtherTag;
  if (signature.algorithm && signature.algorithm != kAlgorithm) {
    return SignatureFault::kOtherAlgorithm;
  }
  if (!has_lifetime(signature)) return SignatureFault::kNoLifetime;
  if (*signature.expires - *signature.created > kLongestLifetime) {
    return SignatureFault::kLongLifetime;
  }
  if (*signature.created > now + kClockTolerance) return SignatureFault::kFromTheFuture;
  if (*signature.expires <= now) return SignatureFault::kExpired;
  if (!is_suitable(signature.nonce)) return SignatureFault::kUnsuitableNonce;
  return std::nullopt;
}

std::string signature_base(const RequestSignature& signature, const RequestView& request) {
  const TargetUri uri = TargetUri::parse(request.target_uri);
  std::string base;
  for (const std::string& component : signature.components) {
    const std::string value = component_value(request, uri, component);
    if (!can_be_signed(value)) {
      throw Error(ErrorCode::kBadSignature, "a component is covered that isn't printable ASCII");
    }
    base += to_text(BareItem(component)) + ": " + value + '\n';
  }
  return base + "\"@signature-params\": " + signature.parameters;
}

void verify_request(const RequestSignature& signature, const RequestView& request,
                    const crypto::VerifyKey& key) {
  if (!key.verify(as_bytes(signature_base(signature, request)), signature.value)) {
    throw Error(ErrorCode::kBadSignature,
                "the request isn't signed by the key " + key.fingerprint());
  }
}

SignatureFields sign_request(const RequestView& request, const SignatureChoices& choices,
                             const crypto::SigningKey& key) {
  RequestSignature signature{};
  signature.components = {"@method", "@target-uri"};
  const bool has_digest = !request.field_lines("content-digest").empty();
  if (has_digest) {
    signature.components.insert(signature.components.end(), {"content-type", "content-digest"});
  }
  signature.created = choices.created;
  signature.expires = choices.created + choices.lifetime;
  signature.nonce = choices.nonce;
  signature.key_id = key.verify_key().fingerprint();
  signature.tag = kSignatureTag;
  if (const auto fault = find_fault(signature, has_digest, choices.created)) {
    throw Error(
        ErrorCode::kInternal,
        std::string("a signature that no gateway takes was to be made: ") + to_string(*fault));
  }

  InnerList list;
  for (const auto& component : signature.components) list.items.push_back({component, {}});
  const auto seconds = [](Time time) { return std::int64_t{time.time_since_epoch().count()}; };
  list.parameters = {{"created", seconds(*signature.created)},
                     {"expires", seconds(*signature.expires)},
                     {"nonce", *signature.nonce},
                     {"keyid", signature.key_id},
                     {"tag", *signature.tag}};
  signature.parameters = to_text(list);
  signature.value = key.sign(as_bytes(signature_base(signature, request)));

  const Bytes value(signature.value.begin(), signature.value.end());
  return {.signature_input = to_text(Dictionary{{kLabel, std::move(list)}}),
          .signature = to_text(Dictionary{{kLabel, Item{value, {}}}})};
}

}  // namespace letterbox::records
