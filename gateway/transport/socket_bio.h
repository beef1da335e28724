// How OpenSSL reaches a socket.
#pragma once

#include <openssl/bio.h>

namespace letterbox::gateway::transport {

/// For a non-blocking socket, which stays its owner's. OpenSSL's own would write with write(), and
/// to write to a peer that has gone is a SIGPIPE, which ends the process. Null: no memory.
BIO* new_socket_bio(int socket);

}  // namespace letterbox::gateway::transport
