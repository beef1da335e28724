// A request that tests sign and change.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "records/http_signature.h"

namespace letterbox::records {

struct Request {
  std::string method = "POST";
  std::string target_uri = "https://gateway.example/v1/files?to=bob@clinic.example";
  std::map<std::string, std::vector<std::string>, std::less<>> fields;

  RequestView view() const {
    return {.method = method, .target_uri = target_uri, .field_lines = [this](auto name) {
              const auto found = fields.find(name);
              return found == fields.end() ? std::vector<std::string>{} : found->second;
            }};
  }
};

}  // namespace letterbox::records
