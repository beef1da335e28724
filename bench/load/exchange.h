// What is asked, and reading what is answered.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace letterbox::load {

class Signer;

/// One kind of request.
struct Request {
  /// Parses "COUNT METHOD TARGET STATUS [TYPE BODY]", where BODY is a file's path, or zeros:N for N
  /// bytes. Throws std::runtime_error.
  Request(const std::string& text, const std::string& authority);

  std::size_t count;  ///< how often in each turn of the cycle
  std::string method;
  std::string target;
  std::map<std::string, std::string, std::less<>> fields;  ///< names in lowercase
  std::string body;                                        ///< sent after the head,
  std::uint64_t body_zeros = 0;                            ///< and then that many bytes
  int status;                                              ///< what the answer must be
  bool fresh = false;                                      ///< on a connection of its own beginning

  /// As it is sent once. A signature is good for one time, so each is made anew.
  std::string head(const Signer* signer) const;
};

/// Follows one answer, framed by Content-Length or in chunks without extensions.
class Answer {
 public:
  /// Throws std::runtime_error at what it can't frame.
  void take(std::string_view bytes);

  bool complete() const noexcept { return status_ != 0 && left_ == 0 && !chunks_; }
  int status() const noexcept { return status_; }
  std::uint64_t body_bytes() const noexcept { return body_bytes_; }
  /// The server has said that it will close.
  bool last() const noexcept { return last_; }

 private:
  void parse_head();
  void take_of_line(char byte);

  std::string head_;
  int status_ = 0;
  std::uint64_t left_ = 0;  // of the body, or of the chunk
  bool chunks_ = false;     // more of them come
  bool last_chunk_ = false;
  std::string line_;  // between chunks
  std::uint64_t body_bytes_ = 0;
  bool last_ = false;
};

}  // namespace letterbox::load
