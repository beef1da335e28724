// STOW without HTTP, SQL and DICOM: an in-memory shelf, real crypto, and instances that say in
// plain text who they are.
#include "gateway/stow/store_instances.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "base/error.h"
#include "crypto/hash.h"
#include "crypto/stream.h"
#include "gateway/collect.h"
#include "gateway/directory/recipients.h"
#include "gateway/stow/closer.h"
#include "records/index.h"
#include "records/manifest.h"
#include "storage/store.h"
#include "tests/gateway/identity/people.h"

namespace letterbox::gateway::stow {
namespace {

using storage::Delivery;
using storage::DeliveryState;

constexpr const char* kSopClass = "1.2.840.10008.5.1.4.1.1.2";

// An instance is the text "STUDY INSTANCE anything". A failure may be in its place.
class PlainIntake final : public dicom::Intake {
 public:
  explicit PlainIntake(Source& body) : body_(body) {}

  ByteView next() override {
    const ByteView piece = body_.next();
    seen_ += as_text(piece);
    if (!piece.empty()) return piece;
    if (seen_.empty()) throw Error(ErrorCode::kEmptyBody, "empty");
    if (seen_ == "nonsense") throw Error(ErrorCode::kNotWhatItClaims, "no UIDs");
    const auto space = seen_.find(' ');
    uids_ = {.transfer_syntax = "1.2.840.10008.1.2.1",
             .sop_class = kSopClass,
             .sop_instance = seen_.substr(space + 1, seen_.find(' ', space + 1) - space - 1),
             .study = seen_.substr(0, space),
             .series = "1.9"};
    if (seen_.ends_with("broken")) throw Error(ErrorCode::kNotWhatItClaims, "broken");
    if (seen_.ends_with("exotic")) throw Error(ErrorCode::kUnsupportedTransferSyntax, "exotic");
    if (seen_.ends_with("busy")) throw Error(ErrorCode::kUnavailable, "no child free");
    if (seen_.ends_with("bug")) throw Error(ErrorCode::kInternal, "a bug");
    finding_ = {.type = dicom::MediaType::kDicom,
                .attributes = R"({"00100010":{"vr":"PN"}})",
                .left_out = {"7FE00010"},
                .instance = uids_};
    return {};
  }
  const dicom::Finding& finding() const override { return finding_; }
  dicom::InstanceUids known() const override { return uids_; }

 private:
  Source& body_;
  std::string seen_;
  dicom::InstanceUids uids_;
  dicom::Finding finding_{.type = dicom::MediaType::kDicom};
};

class PlainInspector final : public dicom::Inspector {
 public:
  std::unique_ptr<dicom::Intake> admit(dicom::MediaType, Source& body) override {
    return std::make_unique<PlainIntake>(body);
  }
};

std::string body_of(const std::vector<std::string>& instances,
                    const std::string& type = "application/dicom") {
  std::string body;
  for (const std::string& instance : instances) {
    body += "--b\r\nContent-Type: " + type + "\r\n\r\n" + instance + "\r\n";
  }
  return body + "--b--";
}

// A StudyStore with something done right before the next commit: what another request would do. It
// can make its deliveries look fuller than they are.
class Raced final : public storage::StudyStore {
 public:
  explicit Raced(storage::StudyStore& studies) : studies_(studies) {}
  std::function<void()> before_commit = [] {};
  std::size_t more_than_there_are = 0;  ///< instances

  std::unique_ptr<storage::RequestWriter> begin(storage::TenantId tenant) override {
    return std::make_unique<Writer>(studies_.begin(tenant), *this);
  }
  std::optional<storage::JoinableStudy> find_open(storage::TenantId tenant,
                                                  const storage::Mac& study) override {
    auto open = studies_.find_open(tenant, study);
    if (open) open->instances += more_than_there_are;
    return open;
  }
  std::vector<storage::LiveInstance> find(storage::TenantId tenant,
                                          const std::vector<storage::Mac>& instances) override {
    return studies_.find(tenant, instances);
  }
  std::vector<storage::OpenStudy> due(std::chrono::sys_seconds now, std::size_t limit) override {
    return studies_.due(now, limit);
  }
  std::vector<storage::OpenStudy> joinable(const std::optional<Uuid>& after,
                                           std::size_t limit) override {
    return studies_.joinable(after, limit);
  }

 private:
  class Writer final : public storage::RequestWriter {
   public:
    Writer(std::unique_ptr<storage::RequestWriter> writer, Raced& raced)
        : writer_(std::move(writer)), raced_(raced) {}
    void begin_file(const Uuid& id) override { writer_->begin_file(id); }
    void append(Ciphertext row) override { writer_->append(std::move(row)); }
    void end_file(const std::array<Byte, 16>& nonce, const Digest& sha256,
                  storage::IndexPayload index) override {
      writer_->end_file(nonce, sha256, std::move(index));
    }
    void drop_file() override { writer_->drop_file(); }
    storage::CommitOutcome commit(const std::vector<storage::StudyCommit>& studies,
                                  const storage::AuditEvent& event) override {
      std::exchange(raced_.before_commit, [] {})();
      return writer_->commit(studies, event);
    }

   private:
    std::unique_ptr<storage::RequestWriter> writer_;
    Raced& raced_;
  };

  storage::StudyStore& studies_;
};

class Stow : public ::testing::Test {
 protected:
  Stow() {
    tenant_ = shelf_->tenants().make("hospital.example");
    for (TestDevice* device : {&surgeon_, &colleague_}) {
      device->enrol(*shelf_, gateway_key_.verify_key());
    }
    pacs_ = caller("pacs@hospital.example");
    mailbox_ = {.name = "ct",
                .recipients = {surgeon_.handle.text(), colleague_.handle.text()},
                .depositors = {*pacs_.principal}};
    put_mailbox();
  }

  Caller caller(const char* handle) {
    const storage::Principal machine =
        shelf_->principals().make(tenant_, handle, storage::PrincipalKind::kMachine,
                                  {.kind = storage::AuditKind::kAdministration});
    return {.role = Role::kMachine,
            .tenant = tenant_,
            .principal = machine.id,
            .handle = records::Handle::parse(handle),
            .address = "192.0.2.1"};
  }

  void put_mailbox() {
    shelf_->mailboxes().put(tenant_, mailbox_, {.kind = storage::AuditKind::kAdministration});
  }

  Answer send_body(const std::string& body, const std::optional<std::string>& study = {}) {
    ViewSource source(as_bytes(body), 11);
    Multipart parts(source, "b", 10'000);
    const std::vector<records::Device> devices = resolve_mailbox(
        {shelf_->devices(), tenant_, gateway_key_.verify_key()}, mailbox_.recipients);
    return store_instances(parts, study, {pacs_, mailbox_, devices, gateway_key_},
                           UidMacs(uid_key_, tenant_, mailbox_.name, *pacs_.principal),
                           {inspector_, studies_, shelf_->deliveries()});
  }
  Answer send(const std::vector<std::string>& instances,
              const std::optional<std::string>& study = {}) {
    return send_body(body_of(instances), study);
  }

  void close(std::chrono::minutes later = std::chrono::minutes{31}) {
    close_due(*shelf_, gateway_key_, records::now() + later);
  }

  std::vector<Delivery> inbox(const TestDevice& device) {
    return shelf_->deliveries()
        .inbox(tenant_, device.identity.recipient().text(), std::nullopt, 100)
        .deliveries;
  }

  // What a recipient makes of an age file of a delivery.
  Bytes open(ByteView sealed, const Uuid& id, const TestDevice& device) {
    ViewSource source(sealed);
    Bytes after;
    const crypto::Header header = crypto::read_header(source, after);
    const crypto::FileKey key = crypto::unwrap(header, std::span(&device.identity, 1));
    ViewSource payload(sealed.subspan(header.bytes.size()));
    const crypto::PayloadNonce nonce = crypto::payload_nonce(key, id);
    crypto::Opener opener(key, payload, &nonce);
    return read_all(opener, SIZE_MAX);
  }

  std::string content(const Uuid& file, const TestDevice& device) {
    const auto letter = collect(*shelf_, tenant_, file);
    return letter ? std::string(as_text(open(read_all(*letter->content, SIZE_MAX), file, device)))
                  : "gone";
  }

  std::vector<std::string> contents(const Delivery& delivery, const TestDevice& device) {
    std::vector<std::string> all;
    for (const auto& file : delivery.files) all.push_back(content(file.id, device));
    std::sort(all.begin(), all.end());  // ids of one millisecond have no order
    return all;
  }

  // Of each delivery in the inbox.
  std::set<std::vector<std::string>> all_contents(const TestDevice& device) {
    std::set<std::vector<std::string>> all;
    for (const Delivery& delivery : inbox(device)) all.insert(contents(delivery, device));
    return all;
  }

  std::map<Uuid, records::Index> indexes(const Delivery& delivery, const TestDevice& device) {
    const auto stream = collect_indexes(*shelf_, tenant_, delivery.id);
    const Bytes bytes = read_all(*stream->content, SIZE_MAX);
    EXPECT_EQ(bytes.size(), stream->length);
    std::map<Uuid, records::Index> found;
    ByteView rest = bytes;
    while (!rest.empty()) {
      const Uuid id = Uuid::from_bytes(rest.first<16>());
      const std::size_t size = (std::size_t{rest[16]} << 24) + (std::size_t{rest[17]} << 16) +
                               (std::size_t{rest[18]} << 8) + rest[19];
      found.emplace(id, records::parse_index(open(rest.subspan(20, size), id, device)));
      rest = rest.subspan(20 + size);
    }
    return found;
  }

  std::unique_ptr<storage::Store> shelf_ = storage::open_memory();
  PlainInspector inspector_;
  Raced studies_{shelf_->studies()};
  crypto::SigningKey gateway_key_ = crypto::SigningKey::generate();
  Secret<32> uid_key_;
  TestDevice surgeon_{"surgeon@hospital.example"};
  TestDevice colleague_{"colleague@hospital.example"};
  storage::TenantId tenant_{};
  Caller pacs_;
  storage::Mailbox mailbox_;
};

using Strings = std::vector<std::string>;

TEST_F(Stow, ARequestOfManyInstancesIsOneDelivery) {
  const Answer answer = send({"1.1 1.1.1 first", "1.1 1.1.2 second", "1.1 1.1.3 third"});
  EXPECT_EQ(answer.status(), 200);
  ASSERT_EQ(answer.stored.size(), 3U);
  EXPECT_EQ(answer.stored[1].sop_instance, "1.1.2");
  EXPECT_EQ(answer.stored[1].sop_class, kSopClass);
  EXPECT_TRUE(inbox(surgeon_).empty()) << "visible before it is closed";
  close();
  for (const TestDevice* device : {&surgeon_, &colleague_}) {
    const auto deliveries = inbox(*device);
    ASSERT_EQ(deliveries.size(), 1U);
    EXPECT_EQ(contents(deliveries[0], *device),
              (Strings{"1.1 1.1.1 first", "1.1 1.1.2 second", "1.1 1.1.3 third"}));
    EXPECT_TRUE(deliveries[0].sealed_by_gateway);
  }
}

TEST_F(Stow, ItsManifestNamesFilesAndIndexes) {
  send({"1.1 1.1.1 first", "1.1 1.1.2 second"});
  close();
  const Delivery delivery = inbox(surgeon_).at(0);
  const records::Manifest manifest = records::verify_manifest(
      records::parse_envelope(*delivery.manifest), gateway_key_.verify_key());
  ASSERT_EQ(manifest.files.size(), 2U);
  ASSERT_EQ(manifest.indexes.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(manifest.files[i].sha256, delivery.files[i].payload_sha256);
    EXPECT_EQ(manifest.indexes[i].id, delivery.files[i].id);
    EXPECT_EQ(manifest.indexes[i].sha256, delivery.indexes[i].payload_sha256);
  }
}

TEST_F(Stow, EachInstanceHasItsSealedIndex) {
  send({"1.1 1.1.1 first"});
  close();
  const Delivery delivery = inbox(colleague_).at(0);
  const auto found = indexes(delivery, colleague_);
  ASSERT_EQ(found.size(), 1U);
  const records::Index& index = found.at(delivery.files[0].id);
  EXPECT_EQ(index.type, "application/dicom");
  EXPECT_EQ(index.size, std::string("1.1 1.1.1 first").size());
  EXPECT_TRUE(index.checked);
  EXPECT_EQ(index.attributes, R"({"00100010":{"vr":"PN"}})");
  EXPECT_EQ(index.left_out, Strings{"7FE00010"});
  EXPECT_FALSE(index.supersedes);
}

TEST_F(Stow, RequestsOfOneInstanceJoinTheOpenDelivery) {
  for (int i = 1; i <= 5; ++i) send({"1.1 1.1." + std::to_string(i) + " x"});
  close();
  ASSERT_EQ(inbox(surgeon_).size(), 1U);
  EXPECT_EQ(contents(inbox(surgeon_)[0], surgeon_).size(), 5U);
}

TEST_F(Stow, EachStudyHasItsDelivery) {
  send({"1.1 1.1.1 a", "1.2 1.2.1 b", "1.1 1.1.2 c"});
  close();
  ASSERT_EQ(inbox(surgeon_).size(), 2U);
}

TEST_F(Stow, WhatComesAfterClosingIsAContinuation) {
  send({"1.1 1.1.1 a"});
  close();
  send({"1.1 1.1.2 b"});
  close();
  EXPECT_EQ(inbox(surgeon_).size(), 2U);
}

TEST_F(Stow, AMailboxMayCloseWithEachRequest) {
  mailbox_.closes_after = std::chrono::seconds{0};
  put_mailbox();
  send({"1.1 1.1.1 a"});
  send({"1.1 1.1.2 b"});
  close(std::chrono::minutes{0});
  EXPECT_EQ(inbox(surgeon_).size(), 2U);
}

TEST_F(Stow, AStudyThatIsBusyStaysOpen) {
  send({"1.1 1.1.1 a"});
  close(std::chrono::minutes{0});
  EXPECT_TRUE(inbox(surgeon_).empty());
}

// --- Duplicates

TEST_F(Stow, Case91SameBytesInTheOpenDeliveryAreNothingNew) {
  send({"1.1 1.1.1 a"});
  const Answer answer = send({"1.1 1.1.1 a"});
  EXPECT_EQ(answer.status(), 200);
  ASSERT_EQ(answer.stored.size(), 1U);
  close();
  ASSERT_EQ(inbox(surgeon_).size(), 1U);
  EXPECT_EQ(inbox(surgeon_)[0].files.size(), 1U);
}

TEST_F(Stow, Case92OtherBytesInTheOpenDeliveryAreADuplicate) {
  send({"1.1 1.1.1 a"});
  const Answer answer = send({"1.1 1.1.1 other", "1.1 1.1.2 b"});
  EXPECT_EQ(answer.status(), 202);
  ASSERT_EQ(answer.failed.size(), 1U);
  EXPECT_EQ(answer.failed[0].reason, Reason::kDuplicate);
  EXPECT_EQ(answer.failed[0].instance.sop_instance, "1.1.1");
  close();
  EXPECT_EQ(contents(inbox(surgeon_).at(0), surgeon_), (Strings{"1.1 1.1.1 a", "1.1 1.1.2 b"}));
}

TEST_F(Stow, WithinARequestTheFirstOneCounts) {
  const Answer answer = send({"1.1 1.1.1 a", "1.1 1.1.1 a", "1.1 1.1.1 other"});
  EXPECT_EQ(answer.status(), 202);
  EXPECT_EQ(answer.stored.size(), 1U);
  ASSERT_EQ(answer.failed.size(), 1U);
  EXPECT_EQ(answer.failed[0].reason, Reason::kDuplicate);
  close();
  EXPECT_EQ(contents(inbox(surgeon_).at(0), surgeon_), Strings{"1.1 1.1.1 a"});
}

TEST_F(Stow, SameBytesInAClosedDeliveryAreNothingNew) {
  send({"1.1 1.1.1 a"});
  close();
  EXPECT_EQ(send({"1.1 1.1.1 a"}).status(), 200);
  close();
  EXPECT_EQ(inbox(surgeon_).size(), 1U);
}

TEST_F(Stow, OtherBytesInAClosedDeliverySupersede) {
  send({"1.1 1.1.1 a"});
  close();
  const Delivery before = inbox(surgeon_).at(0);
  EXPECT_EQ(send({"1.1 1.1.1 corrected"}).status(), 200);
  close();
  const auto deliveries = inbox(surgeon_);
  ASSERT_EQ(deliveries.size(), 2U);
  const Delivery& corrected = deliveries[deliveries[0].id == before.id ? 1 : 0];
  EXPECT_EQ(contents(corrected, surgeon_), Strings{"1.1 1.1.1 corrected"});
  EXPECT_EQ(indexes(corrected, surgeon_).begin()->second.supersedes, before.files.at(0).id);
}

TEST_F(Stow, SameBytesAgainOnceSomebodyElseReceives) {
  mailbox_.recipients = {surgeon_.handle.text()};
  put_mailbox();
  send({"1.1 1.1.1 a"});
  close();
  mailbox_.recipients.insert(colleague_.handle.text());
  put_mailbox();
  EXPECT_EQ(send({"1.1 1.1.1 a"}).status(), 200);
  close();
  EXPECT_EQ(inbox(surgeon_).size(), 2U);
  ASSERT_EQ(inbox(colleague_).size(), 1U);
  EXPECT_FALSE(indexes(inbox(colleague_)[0], colleague_).begin()->second.supersedes);
}

TEST_F(Stow, SameBytesAgainOnceTheDeliveryIsRevoked) {
  send({"1.1 1.1.1 a"});
  close();
  shelf_->deliveries().revoke(tenant_, inbox(surgeon_).at(0).id, "",
                              {.kind = storage::AuditKind::kRevocation});
  EXPECT_TRUE(inbox(surgeon_).empty());
  send({"1.1 1.1.1 a"});
  close();
  EXPECT_EQ(inbox(surgeon_).size(), 1U);
}

TEST_F(Stow, AnotherMailboxGetsItToo) {
  send({"1.1 1.1.1 a"});
  mailbox_.name = "second";
  put_mailbox();
  EXPECT_EQ(send({"1.1 1.1.1 a"}).status(), 200);
  close();
  EXPECT_EQ(inbox(surgeon_).size(), 2U);
}

TEST_F(Stow, AnotherDepositorsIsAnother) {
  send({"1.1 1.1.1 a"});
  pacs_ = caller("other@hospital.example");
  EXPECT_EQ(send({"1.1 1.1.1 other bytes"}).status(), 200);
  close();
  EXPECT_EQ(inbox(surgeon_).size(), 2U);
}

// --- Whom it is for

TEST_F(Stow, NothingJoinsADeliveryForOthersThanTheMailboxNowHas) {
  send({"1.1 1.1.1 a"});
  mailbox_.recipients = {surgeon_.handle.text()};
  put_mailbox();
  send({"1.1 1.1.2 b"});
  close();
  EXPECT_EQ(inbox(surgeon_).size(), 2U);
  ASSERT_EQ(inbox(colleague_).size(), 1U);
  EXPECT_EQ(contents(inbox(colleague_)[0], colleague_), Strings{"1.1 1.1.1 a"});
}

TEST_F(Stow, ADeliveryForOthersThanTheMailboxNowHasIsClosedAtOnce) {
  send({"1.1 1.1.1 a"});
  close_outdated(*shelf_, gateway_key_);
  EXPECT_TRUE(inbox(surgeon_).empty()) << "nothing has changed";
  mailbox_.recipients = {surgeon_.handle.text()};
  put_mailbox();
  close_outdated(*shelf_, gateway_key_);
  EXPECT_EQ(inbox(surgeon_).size(), 1U);
}

TEST_F(Stow, ADeliveryOfAMailboxThatIsGoneIsClosed) {
  send({"1.1 1.1.1 a"});
  shelf_->mailboxes().remove(tenant_, mailbox_.name, {.kind = storage::AuditKind::kAdministration});
  close_outdated(*shelf_, gateway_key_);
  EXPECT_EQ(inbox(surgeon_).size(), 1U);
}

// --- Failures

TEST_F(Stow, Case74OneBadPartOfThree) {
  const Answer answer = send({"1.1 1.1.1 a", "1.1 1.1.2 broken", "1.1 1.1.3 c"});
  EXPECT_EQ(answer.status(), 202);
  EXPECT_EQ(answer.stored.size(), 2U);
  ASSERT_EQ(answer.failed.size(), 1U);
  EXPECT_EQ(answer.failed[0].instance.sop_instance, "1.1.2");
  EXPECT_EQ(answer.failed[0].reason, Reason::kCannotUnderstand);
  close();
  EXPECT_EQ(contents(inbox(surgeon_).at(0), surgeon_), (Strings{"1.1 1.1.1 a", "1.1 1.1.3 c"}));
}

TEST_F(Stow, Case75AllBad) {
  const Answer answer = send({"1.1 1.1.1 exotic", "nonsense", "1.1 1.1.3 busy", ""});
  EXPECT_EQ(answer.status(), 409);
  ASSERT_EQ(answer.failed.size(), 2U);
  EXPECT_EQ(answer.failed[0].reason, Reason::kTransferSyntax);
  EXPECT_EQ(answer.failed[1].reason, Reason::kOutOfResources);
  EXPECT_EQ(answer.others, (std::vector{Reason::kCannotUnderstand, Reason::kCannotUnderstand}));
  close();
  EXPECT_TRUE(inbox(surgeon_).empty());
  EXPECT_EQ(shelf_->sweep().files, 0U) << "something stayed staged";
}

TEST_F(Stow, AFailedInstanceMayComeAgain) {
  send({"1.1 1.1.1 broken", "1.1 1.1.1 whole"});
  close();
  EXPECT_EQ(contents(inbox(surgeon_).at(0), surgeon_), Strings{"1.1 1.1.1 whole"});
}

TEST_F(Stow, Case93AnotherStudyThanTheUrls) {
  const Answer answer = send({"1.1 1.1.1 a", "1.2 1.2.1 b"}, "1.2");
  EXPECT_EQ(answer.status(), 202);
  ASSERT_EQ(answer.failed.size(), 1U);
  EXPECT_EQ(answer.failed[0].instance.sop_instance, "1.1.1");
  EXPECT_EQ(answer.failed[0].reason, Reason::kProcessing);
}

TEST_F(Stow, WhatIsWrongWithTheRequestStoresNothingOfIt) {
  const auto refusal = [&](const std::string& body) {
    try {
      send_body(body);
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "was taken";
    return ErrorCode::kInternal;
  };
  const std::string good = body_of({"1.1 1.1.1 a", "1.1 1.1.2 b"});
  EXPECT_EQ(refusal(good.substr(0, good.size() - 2)), ErrorCode::kTruncatedBody);
  EXPECT_EQ(refusal(good.substr(0, good.size() - 8)), ErrorCode::kTruncatedBody);
  const std::string first = body_of({"1.1 1.1.1 a"});
  EXPECT_EQ(refusal(first.substr(0, first.size() - 5) + body_of({"x"}, "text/html")),
            ErrorCode::kUnsupportedMediaType);
  EXPECT_EQ(refusal("--b--"), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(body_of({"1.1 1.1.1 a", "1.1 1.1.2 bug"})), ErrorCode::kInternal);
  close();
  EXPECT_TRUE(inbox(surgeon_).empty());
  EXPECT_EQ(shelf_->sweep().files, 0U) << "something stayed staged";
}

// --- Requests at the same time

TEST_F(Stow, WhoLosesTheRaceToOpenJoins) {
  studies_.before_commit = [&] { send({"1.1 1.1.1 a"}); };
  EXPECT_EQ(send({"1.1 1.1.2 b", "1.1 1.1.3 c"}).status(), 200);
  close();
  ASSERT_EQ(inbox(surgeon_).size(), 1U);
  EXPECT_EQ(contents(inbox(surgeon_)[0], surgeon_).size(), 3U) << "sealed under the winner's cover";
}

TEST_F(Stow, WhoFindsItsDeliveryClosedContinues) {
  send({"1.1 1.1.1 a"});
  studies_.before_commit = [&] { close(); };
  EXPECT_EQ(send({"1.1 1.1.2 b"}).status(), 200);
  close();
  EXPECT_EQ(inbox(surgeon_).size(), 2U);
}

TEST_F(Stow, SameInstanceAtTheSameTime) {
  studies_.before_commit = [&] { send({"1.1 1.1.1 a", "1.1 1.1.2 b"}); };
  const Answer answer = send({"1.1 1.1.1 a", "1.1 1.1.2 other", "1.1 1.1.3 c"});
  EXPECT_EQ(answer.status(), 202);
  EXPECT_EQ(answer.stored.size(), 2U);
  ASSERT_EQ(answer.failed.size(), 1U);
  EXPECT_EQ(answer.failed[0].instance.sop_instance, "1.1.2");
  EXPECT_EQ(answer.failed[0].reason, Reason::kDuplicate);
  close();
  ASSERT_EQ(inbox(surgeon_).size(), 1U);
  EXPECT_EQ(inbox(surgeon_)[0].files.size(), 3U);
}

TEST_F(Stow, ACorrectionThatLosesAgainstAnotherComesAgain) {
  studies_.before_commit = [&] {
    send({"1.1 1.1.1 a"});
    close();
    send({"1.1 1.1.2 opens another"});
  };
  const Answer answer = send({"1.1 1.1.1 corrected"});
  ASSERT_EQ(answer.failed.size(), 1U);
  EXPECT_EQ(answer.failed[0].reason, Reason::kOutOfResources) << "its index supersedes nothing";
  EXPECT_EQ(send({"1.1 1.1.1 corrected"}).status(), 200);
}

// --- Photos

TEST_F(Stow, APictureThatNoMetadataAsksFor) {
  const std::string body =
      "--b\r\nContent-Type: application/dicom+json\r\n\r\n"
      R"({"00080018":{"vr":"UI","Value":["1.2"]},"7FE00010":{"vr":"OB","BulkDataURI":"one"}})"
      "\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Location: two\r\n\r\nx\r\n--b--";
  ViewSource source(as_bytes(body));
  Multipart parts(source, "b", 10);
  const std::vector<records::Device> devices =
      resolve_mailbox({shelf_->devices(), tenant_, gateway_key_.verify_key()}, mailbox_.recipients);
  try {
    store_photos(parts, std::nullopt, {pacs_, mailbox_, devices, gateway_key_},
                 UidMacs(uid_key_, tenant_, mailbox_.name, *pacs_.principal),
                 {inspector_, studies_, shelf_->deliveries()});
    FAIL() << "was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMalformed) << error.what();
  }
}

// --- Size

TEST_F(Stow, AStudyOfMoreThanADeliveryTakesGoesIntoSeveral) {
  send({"1.1 1.1.1 a"});
  studies_.more_than_there_are = storage::kMaxInstances - 2;
  EXPECT_EQ(send({"1.1 1.1.2 b", "1.1 1.1.3 c", "1.1 1.1.4 d"}).status(), 200);
  studies_.more_than_there_are = 0;
  EXPECT_EQ(send({"1.1 1.1.5 joins the second"}).status(), 200);
  close();
  EXPECT_EQ(all_contents(surgeon_),
            (std::set<Strings>{{"1.1 1.1.1 a", "1.1 1.1.2 b"},
                               {"1.1 1.1.3 c", "1.1 1.1.4 d", "1.1 1.1.5 joins the second"}}));
}

TEST_F(Stow, AFullDeliveryIsContinued) {
  send({"1.1 1.1.1 a"});
  studies_.more_than_there_are = storage::kMaxInstances;
  EXPECT_EQ(send({"1.1 1.1.2 b"}).status(), 200);
  close();
  EXPECT_EQ(inbox(surgeon_).size(), 2U);
}

// --- MACs

TEST(UidMacs, DifferInEverythingThatCounts) {
  Secret<32> key;
  Secret<32> other_key;
  other_key.reveal()[0] = 1;
  const storage::TenantId tenant{Uuid::v7()};
  const Uuid depositor = Uuid::v7();
  const UidMacs macs(key, tenant, "ct", depositor);
  std::set<storage::Mac> seen = {macs.study("1.2"),
                                 macs.instance("1.2"),
                                 macs.study("1.3"),
                                 UidMacs(other_key, tenant, "ct", depositor).study("1.2"),
                                 UidMacs(key, {Uuid::v7()}, "ct", depositor).study("1.2"),
                                 UidMacs(key, tenant, "mr", depositor).study("1.2"),
                                 UidMacs(key, tenant, "c", depositor).study("t1.2"),
                                 UidMacs(key, tenant, "ct", Uuid::v7()).study("1.2")};
  EXPECT_EQ(seen.size(), 8U);
  EXPECT_EQ(macs.study("1.2"), UidMacs(key, tenant, "ct", depositor).study("1.2"));

  const crypto::Poly1305::Value value{};
  seen = {macs.content(value, 1), macs.content(value, 256), macs.content({1}, 1),
          UidMacs(key, tenant, "mr", depositor).content(value, 1)};
  EXPECT_EQ(seen.size(), 4U);
  std::set<std::string> keys;
  for (const char* mailbox : {"ct", "mr"}) {
    keys.insert(to_hex(UidMacs(key, tenant, mailbox, depositor).content_key().reveal()));
  }
  EXPECT_EQ(keys.size(), 2U);
}

}  // namespace
}  // namespace letterbox::gateway::stow
