#include "crypto/passphrase_file.h"

#include <algorithm>

#include "base/error.h"
#include "crypto/header.h"
#include "crypto/random.h"
#include "crypto/stream.h"

namespace letterbox::crypto {

namespace {

constexpr std::size_t kMaxPlaintext = std::size_t{64} * 1024;

}  // namespace

Bytes seal_with_passphrase(const SecretBytes& plaintext, const SecretBytes& passphrase,
                           unsigned work_factor) {
  const FileKey file_key = random_file_key();
  const Stanza stanza = scrypt_wrap(file_key, passphrase, work_factor);
  Bytes file = format_header(file_key, std::span(&stanza, 1));
  PayloadNonce nonce;
  fill_random(nonce);
  file.insert(file.end(), nonce.begin(), nonce.end());
  ViewSource source(plaintext.reveal());
  Sealer sealer(file_key, nonce, source);
  while (const auto row = sealer.next())
    file.insert(file.end(), row->view().begin(), row->view().end());
  return file;
}

SecretBytes open_with_passphrase(ByteView file, const SecretBytes& passphrase) {
  return open_with_file_key(file, passphrase_file_key(file, passphrase));
}

FileKey passphrase_file_key(ByteView file, const SecretBytes& passphrase) {
  ViewSource source(file);
  Dearmor binary(source);
  Bytes rest;
  return unwrap(read_header(binary, rest), passphrase);
}

SecretBytes open_with_file_key(ByteView file, const FileKey& file_key) {
  ViewSource source(file);
  Dearmor binary(source);
  Bytes rest;
  verify_mac(read_header(binary, rest), file_key);
  PrefixedSource payload(std::move(rest), binary);
  Opener opener(file_key, payload);
  SecretBytes plaintext(kMaxPlaintext);
  std::size_t size = 0;
  for (ByteView piece = opener.next(); !piece.empty(); piece = opener.next()) {
    if (piece.size() > kMaxPlaintext - size)
      throw Error(ErrorCode::kTooLarge, "a file sealed with a passphrase holds more than 64 KiB");
    std::copy(piece.begin(), piece.end(), plaintext.reveal().subspan(size).begin());
    size += piece.size();
  }
  plaintext.truncate(size);
  return plaintext;
}

}  // namespace letterbox::crypto
