// A head that we accept is the same request to Boost.Beast, or none: nobody before or behind us
// sees another one in it.
#include "gateway/transport/request_head.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdlib>

#include "base/bytes.h"
#include "gateway/transport/refusal.h"

using namespace letterbox;
using namespace letterbox::gateway::transport;
namespace http = boost::beast::http;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  static const Limits kLimits;
  const std::string_view bytes = as_text({data, size});
  std::optional<std::size_t> end;
  RequestHead head;
  try {
    HeadScanner scanner(kLimits);
    // In two portions, because bytes come in any.
    end = scanner.scan(bytes.substr(0, size / 2));
    if (!end) end = scanner.scan(bytes);
    if (!end) return 0;
    head = parse_request_head(bytes.substr(0, *end), kLimits);
  } catch (const Refusal&) {
    return 0;
  }

  http::request_parser<http::empty_body> parser;
  parser.header_limit(64 * 1024);
  parser.body_limit(kLimits.body_bytes);
  boost::system::error_code error;
  std::string_view text = bytes.substr(0, *end);
  if (text.starts_with("\r\n")) text.remove_prefix(2);  // Beast doesn't let this one pass
  parser.put(boost::asio::buffer(text.data(), text.size()), error);
  if (error) return 0;  // stricter than we about lists in Connection and Upgrade: no other reading
  require(parser.is_header_done());
  const auto& theirs = parser.get().base();
  require(theirs.method_string() == head.method);
  if (head.target.authority.empty()) require(theirs.target() == head.target.path_and_query);
  require(static_cast<std::size_t>(std::distance(theirs.begin(), theirs.end())) ==
          head.fields.size());
  require(parser.chunked() == (head.framing == BodyFraming::kChunked));
  require(parser.content_length().value_or(0) == head.content_length.value_or(0));
  return 0;
}
