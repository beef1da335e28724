#include "gateway/stow/store_instances.h"

#include <algorithm>
#include <deque>
#include <future>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/stream.h"
#include "dicom/wrap/composed_instance.h"
#include "dicom/wrap/metadata.h"
#include "gateway/sealed_index.h"

namespace letterbox::gateway::stow {

namespace {

// Headers are kept until the final boundary, since only then it is sure under which cover they are.
// A header of three recipients has half a kilobyte, one of a thousand more than a hundred.
constexpr std::size_t kMaxHeaderBytes = std::size_t{32} * 1024 * 1024;

// Other requests of the same study may get in between. Each time one of them has got on, so this
// many losses in a row are no race any more.
constexpr int kMostAttempts = 20;

// What is kept of an instance until the final boundary.
struct Instance {
  InstanceName name;
  storage::Mac study;
  storage::Mac instance;
  storage::Mac content;
  Uuid id;
  crypto::FileKey key;
  crypto::FileKey index_key;
  std::optional<Uuid> supersedes;  ///< as its index says
  std::optional<Warning> warning = {};
};

struct Headers {
  Bytes file;
  Bytes index;
};

// What to do with an instance of a UID that is known or not.
struct Judgement {
  enum class Kind { kNew, kThere, kClash };
  Kind kind;
  std::optional<Uuid> supersedes = {};
};

// The reason for a failure of one instance; nothing if it concerns more than that.
std::optional<Reason> reason_of(ErrorCode code) {
  if (code == ErrorCode::kEmptyBody || code == ErrorCode::kNotWhatItClaims ||
      code == ErrorCode::kTooLarge) {
    return Reason::kCannotUnderstand;
  }
  if (code == ErrorCode::kUnsupportedTransferSyntax) return Reason::kTransferSyntax;
  if (code == ErrorCode::kUnavailable) return Reason::kOutOfResources;
  return std::nullopt;
}

// What is sealed, as it passes: how long it is, and how it is known again.
class Plaintext final : public Source {
 public:
  Plaintext(Source& source, const UidMacs& macs)
      : source_(source), macs_(macs), poly1305_(macs.content_key()) {}

  ByteView next() override {
    const ByteView piece = source_.next();
    size_ += piece.size();
    poly1305_.update(piece);
    return piece;
  }

  std::uint64_t size() const noexcept { return size_; }
  // Once, at the end.
  storage::Mac mac() { return macs_.content(poly1305_.finish(), size_); }

 private:
  Source& source_;
  const UidMacs& macs_;
  crypto::Poly1305 poly1305_;
  std::uint64_t size_ = 0;
};

class StoreRequest {
 public:
  StoreRequest(const std::optional<std::string>& study, const Slot& slot, const UidMacs& macs,
               const Shelf& shelf)
      : study_(study),
        slot_(slot),
        macs_(macs),
        shelf_(shelf),
        writer_(shelf.studies.begin(slot.sender.tenant)),
        destinations_(slot, shelf.studies) {}

  // Looks at the part that `parts` is at, seals and stages it.
  void take(Multipart& parts) { take(parts, parts.content(), {}); }

  // The same for a picture and what is said of it.
  void take_photo(Multipart& parts, dicom::InstanceMetadata metadata) {
    const dicom::InstanceUids uids = dicom::uids_of(metadata.attributes);
    dicom::ComposedInstance file(std::move(metadata), parts.content());
    if (!take(parts, file, uids)) return;
    std::optional<Warning>& warning = instances_.back().warning;
    // There can be one. A value that isn't what the sender said weighs more.
    if (!file.photo().dropped.empty()) warning = Warning::kDiscarded;
    if (file.is_coerced()) warning = Warning::kCoerced;
  }

  // A picture that was announced didn't come.
  void miss(const dicom::InstanceMetadata& metadata) {
    const dicom::InstanceUids uids = dicom::uids_of(metadata.attributes);
    fail({uids.sop_class, uids.sop_instance}, Reason::kCannotUnderstand);
  }

  // At the final boundary: everything together.
  Answer commit() {
    for (int attempt = 0; !instances_.empty(); ++attempt) {
      await_headers();
      if (attempt == kMostAttempts) {
        throw Error(ErrorCode::kUnavailable, "a study is never at rest");
      }
      const std::vector<storage::StudyCommit> studies = destinations_.take_commits();
      if (writer_->commit(studies, event_of(studies)) == storage::CommitOutcome::kDone) break;
      judge_again();
    }
    for (Instance& one : instances_) {
      if (one.warning) {
        answer_.warned.push_back({std::move(one.name), *one.warning});
      } else {
        answer_.stored.push_back(std::move(one.name));
      }
    }
    return std::move(answer_);
  }

 private:
  // `body` draws on the part that `parts` is at. `announced` is what was said of it before it came.
  // True if it is among instances_ now.
  bool take(const Multipart& parts, Source& body, const dicom::InstanceUids& announced) {
    const auto intake = shelf_.inspector.admit(dicom::MediaType::kDicom, body);
    std::optional<Staged> staged;
    try {
      staged = stage(*intake);
    } catch (const Refused& refused) {
      // What is wrong with the request itself isn't its instance's fault.
      if (parts.failed()) throw refused.error;
      const dicom::InstanceUids known = intake->known();
      refuse(known.sop_instance.empty() ? announced : known, refused.reason);
      return false;
    }
    return keep(*std::move(staged));
  }

  // A file whose rows are on the shelf.
  struct Staged {
    Uuid id;
    crypto::FileKey key;
    crypto::PayloadNonce nonce;
    Digest payload_sha256;
    std::uint64_t size;  ///< of the plaintext, as the next
    storage::Mac content;
    dicom::Finding finding;
  };

  // An instance that isn't acceptable.
  struct Refused {
    Error error;
    Reason reason;
  };

  // What fails here is the instance; what fails in the writer is the store.
  template <typename Step>
  static auto of_the_instance(Step step) try {
    return step();
  } catch (const Error& error) {
    const std::optional<Reason> reason = reason_of(error.code());
    if (!reason) throw;
    throw Refused{error, *reason};
  }

  Staged stage(dicom::Intake& intake) {
    Plaintext plaintext(intake, macs_);
    const Uuid id = Uuid::v7();
    crypto::FileKey key = crypto::random_file_key();
    const crypto::PayloadNonce nonce = crypto::payload_nonce(key, id);
    crypto::Sealer rows(key, nonce, plaintext);
    crypto::Sha256 sha256;
    sha256.update(nonce);
    writer_->begin_file(id);
    while (std::optional<Ciphertext> row = of_the_instance([&] { return rows.next(); })) {
      sha256.update(row->view());
      writer_->append(*std::move(row));
    }
    // While the last row was sealed, the inspector had time to come to it.
    return {id,
            std::move(key),
            nonce,
            sha256.finish(),
            plaintext.size(),
            plaintext.mac(),
            of_the_instance([&] { return intake.finding(); })};
  }

  bool keep(Staged staged) {
    const dicom::InstanceUids& uids = staged.finding.instance.value();
    if (study_ && uids.study != *study_) {
      refuse(uids, Reason::kProcessing);
      return false;
    }
    const storage::Mac instance = macs_.instance(uids.sop_instance);
    const Judgement judgement = judge(instance, staged.content);
    if (judgement.kind == Judgement::Kind::kClash) {
      refuse(uids, Reason::kDuplicate);
      return false;
    }
    if (judgement.kind == Judgement::Kind::kThere) {
      writer_->drop_file();
      // Of what came twice in this request, the first one speaks.
      if (!seen_.contains(instance)) answer_.stored.push_back({uids.sop_class, uids.sop_instance});
      return false;
    }
    records::Index index = index_of(staged.finding, staged.size);
    index.supersedes = judgement.supersedes;
    KeyedIndex sealed = seal_index(index, staged.id);
    writer_->end_file(staged.nonce, staged.payload_sha256, std::move(sealed.payload));
    seen_.emplace(instance, staged.content);
    instances_.push_back({{uids.sop_class, uids.sop_instance},
                          macs_.study(uids.study),
                          instance,
                          staged.content,
                          staged.id,
                          std::move(staged.key),
                          std::move(sealed.key),
                          judgement.supersedes});
    place(instances_.back());
    return true;
  }

  void refuse(const dicom::InstanceUids& uids, Reason reason) {
    writer_->drop_file();
    fail({uids.sop_class, uids.sop_instance}, reason);
  }

  void fail(InstanceName name, Reason reason) {
    if (name.sop_class.empty() || name.sop_instance.empty()) {
      answer_.others.push_back(reason);
    } else {
      answer_.failed.push_back({std::move(name), reason});
    }
  }

  Judgement judge(const storage::Mac& instance, const storage::Mac& content) {
    const auto seen = seen_.find(instance);
    if (seen != seen_.end()) {
      return {seen->second == content ? Judgement::Kind::kThere : Judgement::Kind::kClash};
    }
    return judge(shelf_.studies.find(slot_.sender.tenant, {instance}), content);
  }

  // `live`: where the shelf has the instance, the latest last.
  Judgement judge(const std::vector<storage::LiveInstance>& live, const storage::Mac& content) {
    const auto open = std::ranges::find_if(live, &storage::LiveInstance::joinable);
    if (open != live.end() && is_for_all(open->delivery)) {
      return {open->content == content ? Judgement::Kind::kThere : Judgement::Kind::kClash};
    }
    if (live.empty()) return {Judgement::Kind::kNew};
    const storage::LiveInstance& latest = live.back();
    if (latest.content != content) return {Judgement::Kind::kNew, latest.file};
    if (is_for_all(latest.delivery)) return {Judgement::Kind::kThere};
    return {Judgement::Kind::kNew};
  }

  // Whether everybody whom the mailbox stands for now is a recipient of a delivery.
  bool is_for_all(const Uuid& delivery) {
    const auto audience = shelf_.deliveries.audience(slot_.sender.tenant, delivery);
    return audience && std::ranges::all_of(slot_.devices, [&](const records::Device& device) {
             return std::ranges::binary_search(audience->recipients,
                                               device.record.recipient.text());
           });
  }

  // Puts an instance into its delivery, under headers that follow from keys and cover. To compute
  // them takes as long as to seal a slice, so it is done beside the next one.
  void place(const Instance& instance) {
    await_headers();
    Destination& destination = destinations_.of(instance.study);
    destination.commit.files.push_back({instance.id, {}, {}, instance.instance, instance.content});
    sealing_ = std::async([&instance, &destination] {
      return Headers{
          crypto::seal_header(instance.key, destination.cover.hash, destination.keys),
          crypto::seal_header(instance.index_key, destination.cover.hash, destination.keys)};
    });
    headers_for_ = &destination;
  }

  // Those of the last one that was placed.
  void await_headers() {
    if (!sealing_.valid()) return;
    Headers headers = sealing_.get();
    header_bytes_ += headers.file.size() + headers.index.size();
    if (header_bytes_ > kMaxHeaderBytes) {
      throw Error(ErrorCode::kTooLarge, "too many instances at once for so many recipients");
    }
    storage::PlacedFile& file = headers_for_->commit.files.back();
    file.header = std::move(headers.file);
    file.index_header = std::move(headers.index);
  }

  // Somebody else's request changed a study after it was looked at here.
  void judge_again() {
    std::vector<storage::Mac> macs;
    for (const Instance& one : instances_) macs.push_back(one.instance);
    std::map<storage::Mac, std::vector<storage::LiveInstance>> live;
    for (storage::LiveInstance& one : shelf_.studies.find(slot_.sender.tenant, macs)) {
      live[one.instance].push_back(std::move(one));
    }
    header_bytes_ = 0;
    std::deque<Instance> rest = std::exchange(instances_, {});
    for (Instance& one : rest) {
      const Judgement judgement = judge(live[one.instance], one.content);
      if (judgement.kind == Judgement::Kind::kThere) {
        answer_.stored.push_back(std::move(one.name));
      } else if (judgement.kind == Judgement::Kind::kClash) {
        fail(std::move(one.name), Reason::kDuplicate);
      } else if (judgement.supersedes != one.supersedes) {
        // Its index says something else and is sealed. Sent again, it gets a right one.
        fail(std::move(one.name), Reason::kOutOfResources);
      } else {
        instances_.push_back(std::move(one));
        place(instances_.back());
      }
    }
  }

  storage::AuditEvent event_of(const std::vector<storage::StudyCommit>& studies) const {
    std::optional<Uuid> delivery;
    if (studies.size() == 1) {
      const auto& into = studies.front().into;
      const auto* const opened = std::get_if<storage::NewStudy>(&into);
      delivery = opened != nullptr ? opened->delivery.id : std::get<Uuid>(into);
    }
    return slot_.sender.did(storage::AuditKind::kDeposit, delivery);
  }

  const std::optional<std::string>& study_;
  const Slot& slot_;
  const UidMacs& macs_;
  const Shelf& shelf_;
  const std::unique_ptr<storage::RequestWriter> writer_;
  Destinations destinations_;
  std::deque<Instance> instances_;  // that one stays where it is while its headers are sealed
  std::map<storage::Mac, storage::Mac> seen_;  ///< instance and content, of this request
  std::size_t header_bytes_ = 0;
  Answer answer_;
  Destination* headers_for_ = nullptr;  // whose last file gets what sealing_ comes to
  std::future<Headers> sealing_;        // last: it uses what is above, and is waited for
};

// The metadata of a request, by where each instance's picture is.
std::map<std::string, dicom::InstanceMetadata> read_metadata(Multipart& parts) {
  const std::optional<PartHead> head = parts.next();
  if (!head || head->type.name != media_type_of(Form::kJson)) {
    throw Error(ErrorCode::kUnsupportedMediaType, "the first part isn't application/dicom+json");
  }
  Bytes json = read_all(parts.content(), dicom::kMaxMetadata);
  std::map<std::string, dicom::InstanceMetadata> metadata;
  for (dicom::InstanceMetadata& one : dicom::parse_metadata(json)) {
    std::string uri = one.bulk_data_uri;
    if (!metadata.emplace(std::move(uri), std::move(one)).second) {
      throw Error(ErrorCode::kMalformed, "two instances with one picture");
    }
  }
  wipe(json);
  return metadata;
}

}  // namespace

Answer store_instances(Multipart& parts, const std::optional<std::string>& study, const Slot& slot,
                       const UidMacs& macs, const Shelf& shelf) {
  StoreRequest request(study, slot, macs, shelf);
  while (const std::optional<PartHead> head = parts.next()) {
    if (head->type.name != dicom::to_text(dicom::MediaType::kDicom)) {
      throw Error(ErrorCode::kUnsupportedMediaType, "a part that isn't application/dicom");
    }
    request.take(parts);
  }
  return request.commit();
}

Answer store_photos(Multipart& parts, const std::optional<std::string>& study, const Slot& slot,
                    const UidMacs& macs, const Shelf& shelf) {
  std::map<std::string, dicom::InstanceMetadata> waiting = read_metadata(parts);
  StoreRequest request(study, slot, macs, shelf);
  while (const std::optional<PartHead> head = parts.next()) {
    if (head->type.name != dicom::to_text(dicom::MediaType::kJpeg)) {
      throw Error(ErrorCode::kUnsupportedMediaType, "a picture that isn't image/jpeg");
    }
    auto found = waiting.extract(head->location);
    if (!found) throw Error(ErrorCode::kMalformed, "a picture that no metadata asks for");
    request.take_photo(parts, std::move(found.mapped()));
  }
  for (const auto& [uri, metadata] : waiting) request.miss(metadata);
  return request.commit();
}

}  // namespace letterbox::gateway::stow
