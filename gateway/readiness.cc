#include "gateway/readiness.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace letterbox::gateway {

namespace {

using namespace std::chrono_literals;

constexpr auto kFresh = 1s;
// Longer than any check that finds its database in order.
constexpr auto kTrusted = 5s;

}  // namespace

std::string to_json(const ReadinessReport& report) {
  const char* const schema = report.database.schema_current ? "current"
                             : report.database.reachable    ? "other"
                                                            : "unknown";
  return nlohmann::ordered_json{{"ready", report.ready()},
                                {"database", report.database.reachable ? "reachable" : "away"},
                                {"schema", schema},
                                {"disk", report.disk ? "enough" : "low"},
                                {"serving", report.serving ? "yes" : "stopping"}}
      .dump();
}

Readiness::Readiness(storage::Store& store, const Disk& disk,
                     std::function<Clock::time_point()> now)
    : store_(store), disk_(disk), now_(std::move(now)), found_(look()), looked_(now_()) {}

ReadinessReport Readiness::report() {
  const Findings now = findings();
  return {.database = now.database, .disk = now.disk, .serving = !leaving_};
}

Readiness::Findings Readiness::findings() {
  {
    const std::lock_guard lock(mutex_);
    const auto age = now_() - looked_;
    if (age < kFresh) return found_;
    if (looking_) return age < kTrusted ? found_ : Findings{.database = {}, .disk = found_.disk};
    looking_ = true;
  }
  const Findings fresh = look();
  const std::lock_guard lock(mutex_);
  looking_ = false;
  looked_ = now_();
  found_ = fresh;
  return fresh;
}

Readiness::Findings Readiness::look() noexcept try {
  return {.database = store_.condition(), .disk = disk_.has_room()};
} catch (const std::exception&) {
  return {};  // no memory to look with
}

}  // namespace letterbox::gateway
