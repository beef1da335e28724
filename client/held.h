// Letters for somebody who isn't enrolled yet: sealed for the sender's own devices alone, and sent
// on once the addressee is known.
//
// Only this home remembers whom such a letter is for; to the gateway it is one that its sender sent
// to themselves.
#pragma once

#include <optional>
#include <vector>

#include "base/uuid.h"
#include "client/caller.h"
#include "client/home.h"
#include "records/handle.h"

namespace letterbox::client {

struct HeldLetter {
  Uuid delivery;
  records::Handle to;
};

void remember(const Home& home, const HeldLetter& letter);
/// Throws Error kMalformed, naming the file.
std::vector<HeldLetter> held_letters(const Home& home);

/// Sends on what is held for somebody whose devices are known by now: each letter is shared with
/// them. One that the gateway doesn't have any more is forgotten with a notice. Returns the
/// deliveries.
std::vector<Uuid> send_on(Caller& us, const records::Handle& to);

/// Tells for whom letters are held who have enrolled since.
void tell_of_held_letters(Caller& us);

}  // namespace letterbox::client
