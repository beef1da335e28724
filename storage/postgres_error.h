// PostgreSQL's errors, put into the product's terms.
#pragma once

#include <exception>

#include "base/error.h"

namespace letterbox::storage {

/// What an error of libpqxx means to callers.
Error translate(const std::exception& error);

/// A collision with another transaction, which undid this one: running it again may work.
bool is_collision(const std::exception& error) noexcept;

}  // namespace letterbox::storage
