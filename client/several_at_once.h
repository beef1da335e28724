// Several files on their way at once, each thread by a connection of its own.
#pragma once

#include <cstddef>
#include <stop_token>

#include "client/caller.h"
#include "client/parallel.h"

namespace letterbox::client {

/// in_parallel(), with `work(i, gateway, token)`: nobody else uses that connection meanwhile.
template <typename Work>
void several_at_once(Caller& us, std::size_t count, const Work& work) {
  in_parallel(count, [&](std::size_t thread, const std::stop_token& stop) {
    auto own = thread == 0 ? nullptr : us.another_connection();
    GatewayConnection& gateway = own ? *own : us.gateway();
    return [&, stop, own = std::move(own)](std::size_t i) { work(i, gateway, stop); };
  });
}

}  // namespace letterbox::client
