#include "gateway/notices/event_streams.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "gateway/notices/notice_json.h"

namespace letterbox::gateway {

namespace {

using namespace std::chrono_literals;
using transport::Pushed;

constexpr auto kLookEvery = 1s;
// Proxies, and clients, give up on what is silent for longer; and only what is sent finds out that
// nobody is there.
constexpr auto kHeartbeat = 15s;
constexpr std::string_view kComment = ":\n\n";
// How long a client is to wait before it comes back, in milliseconds.
constexpr std::string_view kBeginning = "retry: 3000\n\n";
// Events pushed at once: less than 64 KiB.
constexpr std::size_t kPage = 100;

std::string event_text(const storage::Notice& notice) {
  return "id: " + notice.id.text() + "\nevent: " + storage::to_string(notice.kind) +
         "\ndata: " + notice_json(notice) + "\n\n";
}

}  // namespace

EventStreams::EventStreams(storage::Store& store, Authentication& authentication, Metrics& metrics,
                           EventStreamLimits limits)
    : store_(store),
      authentication_(authentication),
      metrics_(metrics),
      limits_(limits),
      repeated_(kLookEvery, "events not sent; tried again", [this] { round(); }) {}

void EventStreams::open(const Caller& caller, const std::optional<Uuid>& after,
                        const std::function<std::unique_ptr<transport::AnswerStream>()>& begin) {
  storage::NoticeStore& notices = store_.notices();
  const storage::NoticePlace place =
      after ? notices.find(caller.tenant, *after).value_or(0) : notices.last();
  const auto stream = std::make_shared<Stream>(Stream{caller, place});
  const std::lock_guard lock(mutex_);
  if (ended_) throw Error(ErrorCode::kUnavailable, "stopping");
  const auto own = std::ranges::count_if(
      streams_, [&](const auto& one) { return one->caller.principal == caller.principal; });
  if (streams_.size() >= limits_.streams || static_cast<std::size_t>(own) >= limits_.principal) {
    throw Error(ErrorCode::kTooManyRequests, "as many event streams as there may be are open");
  }
  stream->answer = begin();
  stream->answer->push(kBeginning);
  streams_.push_back(stream);
  metrics_.event_streams(streams_.size());
  repeated_.wake();
}

void EventStreams::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  streams_.clear();
  metrics_.event_streams(0);
}

void EventStreams::round() {
  Streams streams;
  {
    const std::lock_guard lock(mutex_);
    streams = streams_;
  }
  if (streams.empty()) {
    news_.reset();
    return;
  }
  mark_those_with_news();
  for (const auto& stream : streams) {
    if (!go_on(*stream)) close(stream);
  }
}

// Whoever came since the last look is behind anyway.
void EventStreams::mark_those_with_news() {
  if (!news_) news_ = store_.notices().last();
  const storage::News news = store_.notices().news(*news_);
  if (news.readers.empty()) return;
  const std::set<std::pair<storage::TenantId, Uuid>> readers(news.readers.begin(),
                                                             news.readers.end());
  const std::lock_guard lock(mutex_);
  for (const auto& stream : streams_) {
    stream->behind |= readers.contains({stream->caller.tenant, *stream->caller.principal});
  }
  news_ = news.upto;
}

// False: it has come to its end.
bool EventStreams::go_on(Stream& stream) {
  if (stream.behind && !catch_up(stream)) return false;
  if (Clock::now() - stream.sent < kHeartbeat) return true;
  if (!authentication_.still_stands(stream.caller)) return false;
  stream.sent = Clock::now();
  return stream.answer->push(kComment) != Pushed::kGone;
}

// Nothing is told to a device that was revoked before it was read.
bool EventStreams::catch_up(Stream& stream) {
  while (true) {
    const std::vector<storage::Notice> page =
        store_.notices().read(stream.caller.tenant, *stream.caller.principal, stream.place, kPage);
    if (!page.empty()) {
      if (!authentication_.still_stands(stream.caller)) return false;
      std::string text;
      for (const storage::Notice& notice : page) text += event_text(notice);
      const Pushed pushed = stream.answer->push(text);
      if (pushed != Pushed::kSent) return pushed == Pushed::kFull;
      stream.sent = Clock::now();
      stream.place = page.back().place;
    }
    if (page.size() < kPage) {
      stream.behind = false;
      return true;
    }
  }
}

void EventStreams::close(const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(mutex_);
  streams_.remove(stream);
  metrics_.event_streams(streams_.size());
}

}  // namespace letterbox::gateway
