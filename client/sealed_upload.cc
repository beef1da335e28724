#include "client/sealed_upload.h"

#include "client/threads.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/stream.h"

namespace letterbox::client {

struct SealedUpload::State {
  State(const Uuid& id, const records::SignedCover& cover, const crypto::FileKey& file_key,
        Source& plaintext)
      : file(id),
        nonce(crypto::payload_nonce(file_key, id)),
        front(crypto::seal_header(file_key, cover.hash, cover.cover.keys())),
        header_size(front.size()),
        sealer(file_key, nonce, plaintext, sealing_threads()) {
    front.insert(front.end(), nonce.begin(), nonce.end());
    hash.update(nonce);
    length = nonce.size();
  }

  Uuid file;
  crypto::PayloadNonce nonce;
  Bytes front;  ///< header and nonce
  std::size_t header_size;
  crypto::Sealer sealer;
  crypto::Sha256 hash;
  std::uint64_t length = 0;
  bool begun = false;
  std::optional<Ciphertext> row;
};

SealedUpload::SealedUpload(const Uuid& file, const records::SignedCover& cover, Source& plaintext)
    : state_(std::make_unique<State>(file, cover, crypto::random_file_key(), plaintext)) {}

SealedUpload::~SealedUpload() = default;

std::uint64_t SealedUpload::total_size(std::uint64_t plaintext) const {
  return state_->header_size + crypto::sealed_size(plaintext);
}

ByteView SealedUpload::next() {
  if (!state_->begun) {
    state_->begun = true;
    return state_->front;
  }
  state_->row = state_->sealer.next();
  if (!state_->row) return {};
  state_->hash.update(state_->row->view());
  state_->length += state_->row->size();
  return state_->row->view();
}

records::ManifestEntry SealedUpload::entry() {
  return {state_->file, state_->length, state_->hash.finish()};
}

}  // namespace letterbox::client
