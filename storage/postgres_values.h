// Our values as libpqxx's parameters and fields, and back.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/uuid.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// For bytea and for text: binary parameters, because a text one would end at a NUL, silently.
inline pqxx::binarystring binary(ByteView bytes) {
  return {bytes.data(), bytes.size()};
}
inline pqxx::binarystring binary(std::string_view text) {
  return binary(as_bytes(text));
}

/// A parameter, or NULL. libpqxx takes a null pointer for NULL; the text must outlive the call.
inline const char* or_null(const std::optional<std::string>& text) {
  return text ? text->c_str() : nullptr;
}
inline std::optional<std::string> text_of(const std::optional<Uuid>& uuid) {
  if (!uuid) return std::nullopt;
  return uuid->text();
}

inline std::int64_t seconds(std::chrono::sys_seconds time) {
  return time.time_since_epoch().count();
}
/// Of a field that was selected as `extract(epoch FROM …)::bigint`.
inline std::chrono::sys_seconds time_of(const pqxx::field& field) {
  return std::chrono::sys_seconds(std::chrono::seconds(field.as<std::int64_t>()));
}

inline std::optional<std::string> seconds_text(
    const std::optional<std::chrono::sys_seconds>& time) {
  if (!time) return std::nullopt;
  return std::to_string(seconds(*time));
}
inline std::optional<std::chrono::sys_seconds> optional_time_of(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return time_of(field);
}

inline Uuid uuid_in(const std::string& text) {
  const auto uuid = Uuid::parse(text);
  if (!uuid) throw Error(ErrorCode::kInternal, "the database holds an id that isn't a UUIDv7");
  return *uuid;
}
inline Uuid uuid_of(const pqxx::field& field) {
  return uuid_in(field.as<std::string>());
}

inline std::optional<Uuid> optional_uuid_of(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return uuid_of(field);
}
inline std::optional<std::string> optional_text_of(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return field.as<std::string>();
}

inline std::string text_of_bytea(const pqxx::field& field) {
  return pqxx::binarystring(field).str();
}
inline Bytes bytes_of(const pqxx::field& field) {
  const pqxx::binarystring bytes(field);
  return {bytes.begin(), bytes.end()};
}
template <std::size_t N>
std::array<Byte, N> array_of(const pqxx::field& field) {
  const pqxx::binarystring bytes(field);
  if (bytes.size() != N) {
    throw Error(ErrorCode::kIntegrity, "the database holds a value of the wrong length");
  }
  std::array<Byte, N> array;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

/// PostgreSQL's array literal: {"a","b"}.
inline std::string array_literal(const std::vector<std::string>& elements) {
  std::string literal = "{";
  for (const std::string& element : elements) {
    if (literal.size() > 1) literal += ',';
    literal += '"';
    for (const char c : element) {
      if (c == '"' || c == '\\') literal += '\\';
      literal += c;
    }
    literal += '"';
  }
  return literal + '}';
}
inline std::string array_literal(const std::vector<Uuid>& uuids) {
  std::vector<std::string> texts;
  texts.reserve(uuids.size());
  for (const Uuid& uuid : uuids) texts.push_back(uuid.text());
  return array_literal(texts);
}

}  // namespace letterbox::storage
