#include "gateway/health_command.h"

#include <cpprest/http_client.h>

#include <chrono>
#include <string>

#include "base/error.h"
#include "gateway/data_directory.h"

namespace letterbox::gateway {

namespace {

// Where it serves is what it wrote down when it started: the port may have been any free one.
std::string served_url(const std::filesystem::path& address_file) {
  const Bytes content = read_file(address_file);
  std::string_view text = as_text(content);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

void ask_health(const std::filesystem::path& data) {
  const std::string url = served_url(data / "address");
  web::http::client::http_client_config config;
  config.set_timeout(std::chrono::seconds(4));
  // A certificate names the host that clients know, which this address needn't be. Nothing secret
  // is asked or told, so whoever answers here can at most lie about the health of what he replaced.
  config.set_validate_certificates(false);
  web::http::status_code status = 0;
  try {
    web::http::client::http_client client(url, config);
    status = client.request(web::http::methods::GET, "/healthz").get().status_code();
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kUnavailable, url + " doesn't answer: " + error.what());
  }
  if (status != web::http::status_codes::OK) {
    throw Error(ErrorCode::kUnavailable, url + "/healthz answers " + std::to_string(status));
  }
}

}  // namespace letterbox::gateway
