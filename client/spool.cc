#include "client/spool.h"

#include "crypto/hash.h"

namespace letterbox::client {

Spool::Spool(Source& sealed, const std::filesystem::path& directory) : file_(directory) {
  crypto::Sha256 hash;
  for (ByteView piece = sealed.next(); !piece.empty(); piece = sealed.next()) {
    file_.write(piece);
    hash.update(piece);
    length_ += piece.size();
  }
  sha256_ = hash.finish();
}

}  // namespace letterbox::client
