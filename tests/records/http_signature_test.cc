#include "records/http_signature.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "crypto/base64.h"
#include "records/content_digest.h"
#include "tests/records/fixtures.h"
#include "tests/records/request.h"

namespace letterbox::records {
namespace {

using std::chrono::seconds;

constexpr std::string_view kNonce = "0189c2f4-6b1e-7d60-8f4e-3c5a7b9d1e2f";

Time created() {
  return time_of("2026-11-23T17:30:00Z");
}

/// The request of docs/format.md, "Signed requests".
Request deposit() {
  Request request;
  request.fields["content-type"] = {"application/age"};
  request.fields["content-digest"] = {content_digest(crypto::sha256(as_bytes("hello")))};
  return request;
}

SignatureFields sign(const Request& request, const SignatureChoices& choices) {
  return sign_request(request.view(), choices, signing_key());
}
SignatureFields sign(const Request& request) {
  return sign(request, {.created = created(), .nonce = std::string(kNonce)});
}

RequestSignature parse(const SignatureFields& fields) {
  return parse_request_signature(fields.signature_input, fields.signature);
}

void verify(const SignatureFields& fields, const Request& request) {
  verify_request(parse(fields), request.view(), signing_key().verify_key());
}

std::optional<SignatureFault> fault(const SignatureFields& fields, Time now = created(),
                                    bool has_body = true) {
  return find_fault(parse(fields), has_body, now);
}

// --- The RFC's own case -------------------------------------------------------------------------

// RFC 9421 appendix B.1.4 and B.2.6: key test-key-ed25519, message test-request.
const crypto::VerifyKey& rfc_key() {
  static const auto key =
      crypto::VerifyKey::parse("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").value();
  return key;
}

Request rfc_request() {
  Request request;
  request.target_uri = "https://example.com/foo?param=Value&Pet=dog";
  request.fields = {{"host", {"example.com"}},
                    {"date", {"Tue, 20 Apr 2021 02:07:55 GMT"}},
                    {"content-type", {"application/json"}},
                    {"content-length", {"18"}}};
  return request;
}

const SignatureFields kRfcFields = {
    .signature_input =
        "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" "
        "\"content-length\");created=1618884473;keyid=\"test-key-ed25519\"",
    .signature =
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6v"
        "uQv5lIp5WPpBKRCw==:"};

constexpr std::string_view kRfcBase =
    "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n"
    "\"@method\": POST\n"
    "\"@path\": /foo\n"
    "\"@authority\": example.com\n"
    "\"content-type\": application/json\n"
    "\"content-length\": 18\n"
    "\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" "
    "\"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";

TEST(HttpSignatureTest, VerifiesTheRfcsEd25519Case) {
  const RequestSignature signature = parse(kRfcFields);
  EXPECT_EQ(signature.key_id, "test-key-ed25519");
  EXPECT_EQ(signature.created, Time(seconds(1618884473)));
  EXPECT_EQ(signature_base(signature, rfc_request().view()), kRfcBase);
  EXPECT_NO_THROW(verify_request(signature, rfc_request().view(), rfc_key()));
}

TEST(HttpSignatureTest, SignsTheRfcsBaseToTheRfcsSignature) {
  Secret<32> seed;
  const auto bytes = crypto::base64_decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=",
                                           crypto::Padding::kRequired)
                         .value();
  std::copy(bytes.begin(), bytes.end(), seed.reveal().begin());
  const crypto::SigningKey key(std::move(seed));
  EXPECT_EQ(key.verify_key(), rfc_key());
  EXPECT_EQ(key.sign(as_bytes(kRfcBase)), parse(kRfcFields).value);
}

// --- Signing and verifying ----------------------------------------------------------------------

TEST(HttpSignatureTest, SignsWhatItVerifiesAndFindsNoFaultWith) {
  const SignatureFields fields = sign(deposit());
  const RequestSignature signature = parse(fields);
  EXPECT_EQ(signature.key_id, signing_key().verify_key().fingerprint());
  EXPECT_EQ(signature.nonce, kNonce);
  EXPECT_EQ(signature.expires, created() + kLongestLifetime);
  EXPECT_NO_THROW(verify(fields, deposit()));
  EXPECT_EQ(fault(fields), std::nullopt);

  Request without_body;
  without_body.method = "GET";
  const SignatureFields bare = sign(without_body);
  EXPECT_EQ(parse(bare).components, (std::vector<std::string>{"@method", "@target-uri"}));
  EXPECT_NO_THROW(verify(bare, without_body));
  EXPECT_EQ(fault(bare, created(), false), std::nullopt);
}

TEST(HttpSignatureTest, SignsTheBaseThatTheFormatShows) {
  const std::string base = signature_base(parse(sign(deposit())), deposit().view());
  std::ifstream file(std::string(std::getenv("LETTERBOX_SOURCE_DIR")) + "/docs/format.md");
  const std::string document{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(document.find("```\n" + base + "\n```\n"), std::string::npos) << base;
  EXPECT_NE(document.find(sign(deposit()).signature), std::string::npos)
      << sign(deposit()).signature;
}

// Case 121 of the hostile inputs, as far as it concerns this room.
TEST(HttpSignatureTest, BreaksByEachChangeOfWhatIsCovered) {
  const SignatureFields fields = sign(deposit());
  const auto refused = [&](auto change) {
    Request request = deposit();
    change(request);
    return thrown_by([&] { verify(fields, request); });
  };
  const auto kBad = ErrorCode::kBadSignature;
  EXPECT_EQ(refused([](Request& r) { r.method = "PUT"; }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.method = "post"; }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.target_uri += "&x"; }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.target_uri = with(r.target_uri, "https", "http"); }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.target_uri = with(r.target_uri, "gateway", "other"); }),
            kBad);
  EXPECT_EQ(refused([](Request& r) { r.target_uri = with(r.target_uri, "/v1", ":8443/v1"); }),
            kBad);
  EXPECT_EQ(refused([](Request& r) { r.target_uri = with(r.target_uri, "files", "Files"); }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.target_uri = with(r.target_uri, "@", "%40"); }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.fields["content-type"] = {"application/dicom"}; }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.fields["content-type"].emplace_back("text/plain"); }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.fields.erase("content-type"); }), kBad);
  EXPECT_EQ(refused([](Request& r) {
              r.fields["content-digest"] = {content_digest(crypto::sha256(as_bytes("Hello")))};
            }),
            kBad);
  EXPECT_EQ(refused([](Request& r) { r.fields.erase("content-digest"); }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.fields["content-type"].front() += "\n\"x\": y"; }), kBad);
  EXPECT_EQ(refused([](Request& r) { r.fields["content-type"].front() += "\xc3\xbc"; }), kBad);
}

TEST(HttpSignatureTest, BreaksByEachChangeOfItsParameters) {
  const SignatureFields fields = sign(deposit());
  const std::string other_key = signing_key(2).verify_key().fingerprint();
  const auto begin = created().time_since_epoch().count();
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"created=" + std::to_string(begin), "created=" + std::to_string(begin + 1)},
           {"expires=" + std::to_string(begin + 300), "expires=" + std::to_string(begin + 299)},
           {"0189c2f4", "0189c2f5"},
           {signing_key().verify_key().fingerprint(), other_key},
           {";tag=\"letterbox\"", ";tag=\"letterboy\""},
           {";tag=\"letterbox\"", ""},
           {";tag=", ";alg=\"ed25519\";tag="},
           {"\"@method\" \"@target-uri\"", "\"@target-uri\" \"@method\""},
           {" \"content-type\"", ""}}) {
    SignatureFields changed = fields;
    changed.signature_input = with(changed.signature_input, from, to);
    EXPECT_EQ(thrown_by([&] { verify(changed, deposit()); }), ErrorCode::kBadSignature) << from;
  }

  EXPECT_EQ(thrown_by([&] {
              verify_request(parse(fields), deposit().view(), signing_key(2).verify_key());
            }),
            ErrorCode::kBadSignature);
  RequestSignature signature = parse(fields);
  signature.value[63] ^= 1;
  EXPECT_EQ(
      thrown_by([&] { verify_request(signature, deposit().view(), signing_key().verify_key()); }),
      ErrorCode::kBadSignature);
}

TEST(HttpSignatureTest, CoversFieldsAsTheRfcCombinesThem) {
  const RequestSignature signature = parse_request_signature(
      "s=(\"x-lines\" \"x-empty\" \"@scheme\" \"@query\" \"@request-target\" \"@target-uri\")"
      ";keyid=\"k\"",
      sign(deposit()).signature.replace(0, std::string("letterbox").size(), "s"));
  Request request;
  request.target_uri = "HTTPS://Gateway.Example:443/a";
  request.fields = {{"x-lines", {"  one ", "\ttwo,  three\t"}}, {"x-empty", {" "}}};
  EXPECT_EQ(signature_base(signature, request.view()),
            "\"x-lines\": one, two,  three\n"
            "\"x-empty\": \n"
            "\"@scheme\": https\n"
            "\"@query\": ?\n"
            "\"@request-target\": /a\n"
            "\"@target-uri\": https://gateway.example/a\n"
            "\"@signature-params\": (\"x-lines\" \"x-empty\" \"@scheme\" \"@query\" "
            "\"@request-target\" \"@target-uri\");keyid=\"k\"");
}

// A line end would let one component's value pose as the next component.
TEST(HttpSignatureTest, BuildsNoBaseFromWhatIsNotPrintableAscii) {
  const RequestSignature signature = parse(sign(deposit()));
  for (const char* value : {"a\n\"x\": y", "a\rb", "\xc3\xbc", "a\x7f"}) {
    Request request = deposit();
    request.fields["content-type"] = {value};
    EXPECT_EQ(thrown_by([&] { signature_base(signature, request.view()); }),
              ErrorCode::kBadSignature);
    request = deposit();
    request.method = value;
    EXPECT_EQ(thrown_by([&] { signature_base(signature, request.view()); }),
              ErrorCode::kBadSignature);
  }
}

// --- The fields' grammar ------------------------------------------------------------------------

TEST(HttpSignatureTest, RefusesFieldsOutsideTheProfile) {
  const SignatureFields good = sign(deposit());
  const auto expect_refused = [&](const std::string& input, const std::string& signature) {
    EXPECT_EQ(thrown_by([&] { parse_request_signature(input, signature); }), ErrorCode::kMalformed)
        << input << '\n'
        << signature;
  };
  const auto refuse_input = [&](std::string_view from, std::string_view to) {
    expect_refused(with(good.signature_input, from, to), good.signature);
  };
  const auto refuse_signature = [&](std::string_view from, std::string_view to) {
    expect_refused(good.signature_input, with(good.signature, from, to));
  };
  // Exactly one signature, under one label.
  expect_refused("", "");
  expect_refused(good.signature_input, "");
  expect_refused("", good.signature);
  expect_refused(good.signature_input + ", b=();keyid=\"k\"", good.signature);
  expect_refused(good.signature_input, good.signature + ", b=:AA==:");
  expect_refused(good.signature_input + ", " + good.signature_input, good.signature);
  refuse_signature("letterbox=", "other=");
  // What is covered.
  refuse_input("\"@method\"", "@method");
  refuse_input("\"@method\"", "method");
  refuse_input("\"@method\"", "1");
  refuse_input("\"@method\"", "\"\"");
  refuse_input("\"@method\"", "\"@status\"");
  refuse_input("\"@method\"", "\"@query-param\";name=\"to\"");
  refuse_input("\"@method\"", "\"@signature-params\"");
  refuse_input("\"@method\"", "\"@METHOD\"");
  refuse_input("\"@method\"", "\"Content-Type\"");
  refuse_input("\"@method\"", "\"content type\"");
  refuse_input("\"@method\"", "\"a\\\"b\"");
  refuse_input("\"@method\"", "\"@method\" \"@method\"");
  for (const char* parameter : {"sf", "key=\"a\"", "bs", "req", "tr", "x"}) {
    refuse_input("\"content-type\"", std::string("\"content-type\";") + parameter);
  }
  expect_refused("letterbox=:AA==:", good.signature);
  expect_refused("letterbox", good.signature);
  // Parameters.
  refuse_input(";keyid=", ";key-id=");
  refuse_input(";keyid=\"", ";keyid=:");
  refuse_input(";tag=\"letterbox\"", ";tag=letterbox");
  refuse_input(";nonce=\"", ";nonce;x=\"");
  refuse_input(";created=", ";created=\"1\";x=");
  refuse_input(";created=", ";created=?1;x=");
  refuse_input(";created=", ";created=1;created=");
  refuse_input(";created=", ";created=1.5;x=");
  refuse_input(";tag=", ";unknown=1;tag=");
  // The signature.
  refuse_signature("==:", "==:;x");
  refuse_signature("=:", "=:AAAA");
  expect_refused(good.signature_input, "letterbox=::");
  expect_refused(good.signature_input, "letterbox=\"x\"");
  expect_refused(good.signature_input, "letterbox=()");
  expect_refused(good.signature_input, "letterbox");
}

TEST(HttpSignatureTest, ReadsSpellingsThatTheRfcAllows) {
  SignatureFields fields = sign(deposit());
  fields.signature_input = with(with(fields.signature_input, "(", "(  "), ";tag", "; tag");
  fields.signature += "  ";
  EXPECT_NO_THROW(verify(fields, deposit()));
}

// --- Our rules ----------------------------------------------------------------------------------

TEST(HttpSignatureTest, WantsMethodTargetAndBodyCovered) {
  const SignatureFields good = sign(deposit());
  for (const char* component :
       {"\"@method\" ", "\"@target-uri\" ", "\"content-type\" ", " \"content-digest\""}) {
    SignatureFields fields = good;
    fields.signature_input = with(fields.signature_input, component, "");
    EXPECT_EQ(fault(fields), SignatureFault::kNotCovered) << component;
  }
  const SignatureFields bare = sign(Request{});
  EXPECT_EQ(fault(bare, created(), true), SignatureFault::kNotCovered);
  EXPECT_EQ(fault(bare, created(), false), std::nullopt);
}

TEST(HttpSignatureTest, WantsItsTagAndNoOtherAlgorithm) {
  const auto changed = [](std::string_view from, std::string_view to) {
    SignatureFields fields = sign(deposit());
    fields.signature_input = with(fields.signature_input, from, to);
    return fault(fields);
  };
  EXPECT_EQ(changed(";tag=\"letterbox\"", ""), SignatureFault::kOtherTag);
  EXPECT_EQ(changed("\"letterbox\"", "\"Letterbox\""), SignatureFault::kOtherTag);
  EXPECT_EQ(changed(";tag", ";alg=\"ed25519\";tag"), std::nullopt);
  EXPECT_EQ(changed(";tag", ";alg=\"hmac-sha256\";tag"), SignatureFault::kOtherAlgorithm);
  EXPECT_EQ(changed(";tag", ";alg=\"\";tag"), SignatureFault::kOtherAlgorithm);
}

// Case 122 of the hostile inputs, as far as it concerns this room.
TEST(HttpSignatureTest, HoldsFromItsCreationUntilItExpiresAndNoLonger) {
  const SignatureFields fields = sign(deposit());
  EXPECT_EQ(fault(fields, created() - kClockTolerance), std::nullopt);
  EXPECT_EQ(fault(fields, created() - kClockTolerance - seconds(1)),
            SignatureFault::kFromTheFuture);
  EXPECT_EQ(fault(fields, created() + seconds(299)), std::nullopt);
  EXPECT_EQ(fault(fields, created() + seconds(300)), SignatureFault::kExpired);
  EXPECT_EQ(fault(fields, created() + std::chrono::hours(24 * 365)), SignatureFault::kExpired);
}

TEST(HttpSignatureTest, WantsAShortLifetime) {
  const std::string times =
      ";created=" + std::to_string(created().time_since_epoch().count()) +
      ";expires=" + std::to_string((created() + seconds(300)).time_since_epoch().count());
  const auto with_times = [&](const std::string& other) {
    SignatureFields fields = sign(deposit());
    fields.signature_input = with(fields.signature_input, times, other);
    return fault(fields);
  };
  EXPECT_EQ(with_times(times), std::nullopt);
  const auto begin = created().time_since_epoch().count();
  const auto lasting = [&](std::int64_t lifetime) {
    return ";created=" + std::to_string(begin) + ";expires=" + std::to_string(begin + lifetime);
  };
  EXPECT_EQ(with_times(lasting(301)), SignatureFault::kLongLifetime);
  EXPECT_EQ(with_times(lasting(0)), SignatureFault::kNoLifetime);
  EXPECT_EQ(with_times(lasting(-1)), SignatureFault::kNoLifetime);
  EXPECT_EQ(with_times(""), SignatureFault::kNoLifetime);
  EXPECT_EQ(with_times(";created=" + std::to_string(begin)), SignatureFault::kNoLifetime);
  EXPECT_EQ(with_times(";expires=" + std::to_string(begin + 300)), SignatureFault::kNoLifetime);
  EXPECT_EQ(with_times(";created=-999999999999999;expires=999999999999999"),
            SignatureFault::kLongLifetime);
}

TEST(HttpSignatureTest, WantsANonceOfItsLength) {
  const auto with_nonce = [](const std::string& parameter) {
    SignatureFields fields = sign(deposit());
    fields.signature_input =
        with(fields.signature_input, ";nonce=\"" + std::string(kNonce) + '"', parameter);
    return fault(fields);
  };
  const auto of = [](std::size_t length) { return ";nonce=\"" + std::string(length, 'n') + '"'; };
  EXPECT_EQ(with_nonce(""), SignatureFault::kUnsuitableNonce);
  EXPECT_EQ(with_nonce(of(0)), SignatureFault::kUnsuitableNonce);
  EXPECT_EQ(with_nonce(of(kShortestNonce - 1)), SignatureFault::kUnsuitableNonce);
  EXPECT_EQ(with_nonce(of(kShortestNonce)), std::nullopt);
  EXPECT_EQ(with_nonce(of(kLongestNonce)), std::nullopt);
  EXPECT_EQ(with_nonce(of(kLongestNonce + 1)), SignatureFault::kUnsuitableNonce);
}

TEST(HttpSignatureTest, SignsNothingThatNoGatewayTakes) {
  const auto refused = [](const SignatureChoices& choices) {
    return thrown_by([&] { sign(deposit(), choices); });
  };
  const std::string nonce(kNonce);
  EXPECT_EQ(refused({.created = created(), .nonce = "short"}), ErrorCode::kInternal);
  EXPECT_EQ(refused({.created = created(), .lifetime = seconds(301), .nonce = nonce}),
            ErrorCode::kInternal);
  EXPECT_EQ(refused({.created = created(), .lifetime = seconds(0), .nonce = nonce}),
            ErrorCode::kInternal);
  EXPECT_EQ(refused({.created = created(), .nonce = std::string(16, '\n')}), ErrorCode::kInternal);
  Request untyped = deposit();
  untyped.fields.erase("content-type");
  EXPECT_EQ(thrown_by([&] { sign(untyped); }), ErrorCode::kBadSignature);
}

TEST(HttpSignatureTest, SaysNothingOfTheRequestInItsMessages) {
  Request request = deposit();
  request.target_uri = "https://secret@h/";
  const SignatureFields fields = sign(deposit());
  for (const auto& action : std::vector<std::function<void()>>{
           [&] { verify(fields, request); },
           [&] { parse_request_signature("s=(\"SECRET\")", fields.signature); },
           [&] { parse_request_signature("s=();secret=1", fields.signature); },
       }) {
    try {
      action();
      FAIL();
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.find("secret"), std::string::npos) << message;
      EXPECT_EQ(message.find("SECRET"), std::string::npos) << message;
    }
  }
}

}  // namespace
}  // namespace letterbox::records
