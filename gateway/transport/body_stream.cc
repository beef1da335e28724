#include "gateway/transport/body_stream.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace letterbox::gateway::transport {

namespace {

using StreamState = concurrency::streams::details::streambuf_state_manager<Byte>;

/// Read-only and not seekable. All results are there when a call returns: it blocks instead.
class SourceBuffer final : public StreamState {
 public:
  explicit SourceBuffer(std::shared_ptr<Source> source)
      : StreamState(std::ios_base::in), source_(std::move(source)) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  pos_type getpos(std::ios_base::openmode) const override { return traits::eof(); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return traits::eof(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return traits::eof();
  }
  bool acquire(Byte*& pointer, std::size_t& count) override {
    pointer = nullptr;
    count = 0;
    return false;
  }
  void release(Byte*, std::size_t) override {}

  std::size_t in_avail() const override {
    // cpprestsdk asks a const buffer, and takes the answer for the size of the whole body.
    auto* const self = const_cast<SourceBuffer*>(this);
    self->collect();
    return rest_.size();
  }

 protected:
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  pplx::task<int_type> _putc(Byte) override { return pplx::task_from_result(traits::eof()); }
  pplx::task<std::size_t> _putn(const Byte*, std::size_t) override {
    return pplx::task_from_result<std::size_t>(0);
  }
  Byte* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}

  pplx::task<std::size_t> _getn(Byte* to, std::size_t count) override {
    return pplx::task_from_result(read(to, count, true));
  }
  std::size_t _scopy(Byte* to, std::size_t count) override { return read(to, count, false); }
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result(byte(true)); }
  int_type _sbumpc() override { return byte(true); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result(byte(false)); }
  int_type _sgetc() override { return byte(false); }
  pplx::task<int_type> _nextc() override {
    byte(true);
    return pplx::task_from_result(byte(false));
  }
  pplx::task<int_type> _ungetc() override { return pplx::task_from_result(traits::eof()); }

 private:
  std::size_t read(Byte* to, std::size_t count, bool advance) {
    if (rest_.empty()) rest_ = source_->next();
    const std::size_t size = std::min(count, rest_.size());
    std::memcpy(to, rest_.data(), size);
    if (advance) rest_ = rest_.subspan(size);
    return size;
  }
  int_type byte(bool advance) {
    Byte value = 0;
    return read(&value, 1, advance) == 1 ? static_cast<int_type>(value) : traits::eof();
  }
  void collect() {
    if (collected_once_) return;
    Bytes all(rest_.begin(), rest_.end());
    const Bytes later = read_all(*source_, kMostExtracted - std::min(all.size(), kMostExtracted));
    all.insert(all.end(), later.begin(), later.end());
    collected_ = std::move(all);
    rest_ = collected_;
    collected_once_ = true;
  }

  std::shared_ptr<Source> source_;
  ByteView rest_;  // of the source's piece, or of what was collected
  Bytes collected_;
  bool collected_once_ = false;
};

}  // namespace

concurrency::streams::istream stream_over(std::shared_ptr<Source> source) {
  return concurrency::streams::streambuf<Byte>(std::make_shared<SourceBuffer>(std::move(source)))
      .create_istream();
}

ByteView StreamSource::next() {
  return ByteView(piece_).first(buffer_.getn(piece_.data(), piece_.size()).get());
}

}  // namespace letterbox::gateway::transport
