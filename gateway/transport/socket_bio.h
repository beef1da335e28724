// How OpenSSL reaches a socket.
#pragma once

#include <openssl/bio.h>

namespace letterbox::gateway::transport {

/// For a non-blocking socket, which stays its owner's. OpenSSL's own would write with write(), and
/// to write to a peer that has gone is a SIGPIPE, which ends the process. Null: no memory.
BIO* new_socket_bio(int socket);

/// Whether what is written from now on is followed by more at once: then the kernel needn't send
/// each record by itself. What was written last before a pause mustn't be.
void more_follows(BIO* bio, bool more) noexcept;

}  // namespace letterbox::gateway::transport
