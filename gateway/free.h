// Owns what a C library made: std::unique_ptr<CURL, Free<curl_easy_cleanup>>.
#pragma once

namespace letterbox::gateway {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

}  // namespace letterbox::gateway
