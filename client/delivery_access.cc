#include "client/delivery_access.h"

#include <algorithm>
#include <span>

#include "base/error.h"
#include "client/answers.h"
#include "client/payload_download.h"
#include "client/retry.h"
#include "client/terminal.h"
#include "crypto/header.h"
#include "records/delivery_headers.h"

namespace letterbox::client {
namespace {

// A header, and the payload that is on its way behind it.
class Joined final : public Source {
 public:
  Joined(Bytes header, std::unique_ptr<Source> payload)
      : payload_(std::move(payload)), both_(std::move(header), *payload_) {}
  ByteView next() override { return both_.next(); }

 private:
  std::unique_ptr<Source> payload_;
  PrefixedSource both_;
};

// Owns what it reads.
class SpooledHeaders final : public Source {
 public:
  explicit SpooledHeaders(Spool& spool) : source_(spool.read()) {}
  ByteView next() override { return source_.next(); }

 private:
  DescriptorSource source_;
};

std::string version_query(const VerifiedCover& cover) {
  return "?version=" + std::to_string(cover.cover().version);
}

}  // namespace

DeliveryAccess::DeliveryAccess(Caller& us, const VerifiedDelivery& delivery)
    : us_(us), delivery_(delivery), cover_(&delivery.chain.last()) {}

std::string DeliveryAccess::target(const std::string& what) const {
  return "/v1/deliveries/" + delivery_.manifest.delivery.text() + what;
}

std::unique_ptr<Source> DeliveryAccess::age_file(GatewayConnection& gateway, const Uuid& file,
                                                 PartialDownload* partial,
                                                 const std::stop_token& stop) const {
  const records::ManifestEntry& entry = entry_of(delivery_.manifest.files, file);
  const std::string header =
      "/v1/files/" + file.text() + "/header" + (former_headers_ ? version_query(cover()) : "");
  return std::make_unique<Joined>(
      patiently([&] { return read_all(*gateway.download(header), crypto::kMaxHeaderSize); }),
      std::make_unique<PayloadDownload>(gateway, entry, partial, stop));
}

std::unique_ptr<Source> DeliveryAccess::small_files(GatewayConnection& gateway, std::uint64_t up_to,
                                                    const std::optional<Uuid>& after) const {
  if (former_headers_) return nullptr;
  return gateway.download(
      target("/files?up_to=" + std::to_string(up_to) + (after ? "&after=" + after->text() : "")));
}

std::unique_ptr<Source> DeliveryAccess::headers() {
  if (former_headers_) return std::make_unique<SpooledHeaders>(*former_headers_);
  return us_.gateway().download(target("/headers"));
}

void DeliveryAccess::fetch_indexes(const std::function<bool(FileIndex)>& take) {
  if (delivery_.manifest.indexes.empty()) return;
  const auto stream = us_.gateway().download(target("/index"));
  std::optional<SpooledHeaders> former;
  std::optional<records::HeadersReader> reader;
  if (former_headers_) reader.emplace(former.emplace(*former_headers_));
  IndexStream indexes(*stream, us_.keys().identities, delivery_, cover(),
                      reader ? &*reader : nullptr);
  for (auto index = indexes.next(); index; index = indexes.next())
    if (!take(std::move(*index))) return;
}

bool DeliveryAccess::fall_back() {
  if (!former_headers_ && is_outdated()) {
    if (read_by(*cover_)) return true;
    throw Error(ErrorCode::kConflict,
                "the recipients of the delivery were changed while it was read; run it again");
  }
  const auto before = std::span(delivery_.chain.all()).first(cover_->cover().version - 1);
  const auto found = std::find_if(before.rbegin(), before.rend(), [&](const VerifiedCover& cover) {
    return cover.lists(us_.device().recipient);
  });
  if (found == before.rend() || !read_by(*found)) return false;
  notice("a change of the recipients of " + delivery_.manifest.delivery.text() + ", version " +
             std::to_string(cover_->cover().version) + " by " + cover_->maker_handle()->text() +
             ", doesn't open: its headers aren't those that it must have. It is read as it was "
             "before; tell them, and its sender. Whoever shares it on now puts it right",
         us_.session().json);
  cover_ = &*found;
  return true;
}

// Nothing of the answer is believed: what is read then is what was verified before.
bool DeliveryAccess::is_outdated() const {
  return parse_delivery_answer(us_.gateway().get(target(""))).covers.size() >
         delivery_.chain.all().size();
}

// Whether the gateway still has that version: until somebody has confirmed a later one.
bool DeliveryAccess::read_by(const VerifiedCover& cover) {
  try {
    // Spooled, because they are read beside other answers of the same connection.
    const auto headers = us_.gateway().download(target("/headers" + version_query(cover)));
    former_headers_.emplace(*headers, us_.session().home.directory());
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
    return false;
  }
}

}  // namespace letterbox::client
