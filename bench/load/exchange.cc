#include "bench/load/exchange.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "bench/load/signer.h"

namespace letterbox::load {

namespace {

constexpr std::string_view kZeros = "zeros:";
constexpr std::size_t kMostHeadBytes = 64UL * 1024;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  std::string bytes(in ? static_cast<std::size_t>(in.tellg()) : 0, '\0');
  in.seekg(0);
  if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw std::runtime_error("can't read " + path);
  }
  return bytes;
}

}  // namespace

Request::Request(const std::string& text, const std::string& authority) {
  std::istringstream words(text);
  if (!(words >> count >> method >> target >> status)) {
    throw std::runtime_error("not COUNT METHOD TARGET STATUS [TYPE BODY]: " + text);
  }
  fields["host"] = authority;
  std::string type;
  std::string given;
  if (words >> type >> given) {
    if (given.starts_with(kZeros)) {
      body_zeros = std::stoull(given.substr(kZeros.size()));
    } else {
      body = read_file(given);
    }
    fields["content-type"] = type;
    fields["content-length"] = std::to_string(body.size() + body_zeros);
  }
}

std::string Request::head(const Signer* signer) const {
  std::string head = method + ' ' + target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : fields) head += name + ": " + value + "\r\n";
  if (signer != nullptr) head += signer->fields(*this);
  return head + "\r\n";
}

void Answer::take(std::string_view bytes) {
  if (status_ == 0) {
    head_ += bytes;
    const auto end = head_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (head_.size() > kMostHeadBytes) throw std::runtime_error("an answer's head has no end");
      return;
    }
    bytes.remove_prefix(bytes.size() - (head_.size() - end - 4));
    head_.resize(end + 2);
    parse_head();
  }
  while (!bytes.empty()) {
    if (complete()) throw std::runtime_error("an answer is longer than it said");
    if (left_ == 0) {
      take_of_line(bytes.front());
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t taken = std::min<std::uint64_t>(left_, bytes.size());
    body_bytes_ += taken;
    left_ -= taken;
    bytes.remove_prefix(taken);
  }
}

// RFC 9112 section 7.1: the line that ends a chunk is empty, and so is the one that ends them all.
void Answer::take_of_line(char byte) {
  line_ += byte;
  if (line_.size() > 20) throw std::runtime_error("no length of a chunk");
  if (!line_.ends_with("\r\n")) return;
  if (line_.size() > 2) {
    left_ = std::stoull(line_, nullptr, 16);
    last_chunk_ = left_ == 0;
  } else if (last_chunk_) {
    chunks_ = false;
  }
  line_.clear();
}

void Answer::parse_head() {
  if (!head_.starts_with("HTTP/1.1 ")) throw std::runtime_error("not an answer");
  status_ = std::stoi(head_.substr(9, 3));
  std::transform(head_.begin(), head_.end(), head_.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view kLength = "\r\ncontent-length:";
  const auto length = head_.find(kLength);
  if (length != std::string::npos) {
    left_ = std::stoull(head_.substr(length + kLength.size()));
  } else if (head_.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos) {
    chunks_ = true;
  } else if (status_ != 204) {
    throw std::runtime_error("an answer without a length");
  }
  last_ = head_.find("\r\nconnection: close\r\n") != std::string::npos;
}

}  // namespace letterbox::load
