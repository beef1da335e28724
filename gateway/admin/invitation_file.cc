#include "gateway/admin/invitation_file.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace letterbox::gateway {

namespace {

nlohmann::ordered_json read_trust_file(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kFile,
                file.string() + " is missing: the gateway writes it when it serves; start it once");
  }
  const Bytes content = read_file(file);
  auto read = nlohmann::ordered_json::parse(as_text(content), nullptr, false);
  if (!read.is_object()) {
    throw Error(ErrorCode::kFile, file.string() + ": isn't what letterboxd serve writes");
  }
  return read;
}

SecretBytes joined(std::string_view before, const SecretBytes& secret, std::string_view after) {
  SecretBytes whole(before.size() + secret.size() + after.size());
  auto end = std::copy(before.begin(), before.end(), whole.reveal().begin());
  end = std::copy(secret.reveal().begin(), secret.reveal().end(), end);
  std::copy(after.begin(), after.end(), end);
  return whole;
}

}  // namespace

SecretBytes invitation_file(const DataDirectory& data, const records::Handle& handle,
                            const Token& token) {
  nlohmann::ordered_json json = read_trust_file(data.published() / "gateway.json");
  json["handle"] = handle.text();
  // The token's characters need no escaping, and no JSON library wipes what it was given.
  std::string before = json.dump(2);
  before.resize(before.size() - std::string_view("\n}").size());
  return joined(before + ",\n  \"invitation\": \"", token.text(), "\"\n}\n");
}

}  // namespace letterbox::gateway
