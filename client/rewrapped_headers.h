// The headers of a delivery, computed anew for other recipients while they come.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "client/verified_delivery.h"
#include "crypto/recipient.h"
#include "records/cover.h"
#include "records/delivery_headers.h"

namespace letterbox::client {

/// The body of a recipients change, from the headers of the delivery (records/delivery_headers.h).
/// Each that comes is verified before its file key is wrapped for others, so nobody's garbage is
/// passed on; file keys live as long as one header takes. For one thread at a time.
class RewrappedHeaders final : public Source {
 public:
  /// `headers` are those of `delivery` under `now`, one of its covers, which lists one of the
  /// identities; `next` is the cover that they are for. Everything must outlive this.
  RewrappedHeaders(Source& headers, const VerifiedDelivery& delivery, const VerifiedCover& now,
                   std::span<const crypto::X25519Identity> identities,
                   const records::SignedCover& next);

  /// Throws Refused, and what `headers` throws.
  ByteView next() override;

 private:
  Bytes wrapped_anew(const Uuid& file, const records::Beginning& beginning) const;

  records::HeadersReader reader_;
  std::set<Uuid> files_;
  std::set<Uuid> indexes_;
  const VerifiedCover& now_;
  std::span<const crypto::X25519Identity> identities_;
  const records::SignedCover& next_;
  std::vector<crypto::X25519Recipient> keys_;
  bool begun_ = false;
  Bytes frame_;
};

}  // namespace letterbox::client
