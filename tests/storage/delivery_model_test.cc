// Deliveries against a model of them that is small enough to be seen to be right: threads call the
// store at random, and then there must be an order of all calls, one that no caller can tell from
// what happened (a call that had returned comes before one that hadn't begun), in which the model
// gives each of them the answer that the store gave.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "storage/lifetimes.h"
#include "tests/storage/both_stores.h"

namespace letterbox::storage::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kThreads = 4;
constexpr const char* kRecipient = "age1alice";
constexpr std::uint32_t kDownloads = 2;

// --- The model ----------------------------------------------------------------------------------

struct Model {
  std::optional<DeliveryState> state;  // nothing: it was never opened
  std::vector<std::string> covers;
  std::string manifest;
  std::string receipt;
  std::set<Uuid> files;
  std::set<std::uint32_t> kept;
  std::map<Uuid, std::pair<std::uint32_t, int>> downloads;  // how often, and the hour of the last

  auto operator<=>(const Model&) const = default;

  bool lives() const { return state && !has_ended(*state); }
  bool is(DeliveryState which) const { return state == which; }
  void end(DeliveryState how) {
    state = how;
    files.clear();
    kept.clear();
    downloads.clear();
  }
};

std::string text(const std::set<Uuid>& files) {
  std::string all;
  for (const Uuid& id : files) all += id.text() + ' ';
  return all;
}

// A call: what it says, by the model, to whom it changes.
using Answer = std::string;
using Step = std::function<Answer(Model&)>;

const Answer kNotFound = to_string(ErrorCode::kNotFound);
const Answer kConflict = to_string(ErrorCode::kConflict);
const Answer kYes = "yes";
const Answer kNo = "no";

Answer open(Model& model, const std::string& cover) {
  if (!model.state) {
    model.state = DeliveryState::kOpen;
    model.covers = {cover};
    return kYes;
  }
  return model.lives() && model.covers[0] == cover ? kNo : kConflict;
}

Answer put(Model& model, const Uuid& file) {
  if (!model.lives()) return kNotFound;
  if (!model.is(DeliveryState::kOpen)) return kConflict;
  model.files.insert(file);
  return kYes;
}

Answer close(Model& model, const std::string& manifest, const std::set<Uuid>& files) {
  if (!model.lives()) return kNotFound;
  if (model.is(DeliveryState::kClosed)) return model.manifest == manifest ? kNo : kConflict;
  if (files.empty() || files != model.files) return kConflict;
  model.state = DeliveryState::kClosed;
  model.manifest = manifest;
  return kYes;
}

Answer revoke(Model& model, const std::string& receipt) {
  if (!model.state) return kNo;
  if (!model.is(DeliveryState::kRevoked)) {
    model.end(DeliveryState::kRevoked);
    model.receipt = receipt;
  }
  return model.receipt;
}

Answer remove(Model& model, const Uuid& file) {
  model.downloads.erase(file);
  return model.files.erase(file) > 0 ? kYes : kNo;
}

Answer to_text(SwapOutcome outcome) {
  return "outcome " + std::to_string(static_cast<int>(outcome));
}

Answer swap(Model& model, std::uint32_t version, const std::string& cover,
            const std::set<Uuid>& files) {
  if (!model.is(DeliveryState::kClosed)) return kNotFound;
  if (model.covers.size() == version && model.covers.back() == cover) {
    return to_text(SwapOutcome::kDoneBefore);
  }
  if (model.covers.size() + 1 != version) return to_text(SwapOutcome::kOtherVersion);
  if (model.kept.size() - model.kept.count(1) >= kMostFormerVersions)
    return to_text(SwapOutcome::kTooManyKept);
  if (files != model.files) return to_text(SwapOutcome::kOtherFiles);
  model.kept.insert(version - 1);
  model.covers.push_back(cover);
  return to_text(SwapOutcome::kDone);
}

Answer confirm(Model& model, std::uint32_t version) {
  if (!model.is(DeliveryState::kClosed)) return kNotFound;
  if (version > model.covers.size()) return kConflict;
  const bool any =
      std::erase_if(model.kept, [&](auto one) { return one > 1 && one < version; }) > 0;
  return any ? kYes : kNo;
}

Answer to_text(const std::optional<DownloadOutcome>& outcome) {
  return outcome ? "download " + std::to_string(static_cast<int>(*outcome)) : kNo;
}

Answer download(Model& model, const Uuid& file, int hour) {
  if (!model.is(DeliveryState::kClosed) || !model.files.contains(file)) return kNo;
  auto& [count, last] = model.downloads[file];
  if (count > 0 && hour < last + 24) return to_text(DownloadOutcome::kContinued);
  if (count == kDownloads) return to_text(DownloadOutcome::kRefused);
  ++count;
  last = hour;
  return to_text(DownloadOutcome::kCounted);
}

Answer describe(std::optional<DeliveryState> state, const std::vector<std::string>& covers,
                const std::string& manifest, const std::string& receipt) {
  if (!state) return kNo;
  std::string all =
      std::string(to_string(*state)) + " manifest " + manifest + " receipt " + receipt;
  for (const std::string& cover : covers) all += ' ' + cover;
  return all;
}

Answer look(Model& model) {
  return describe(model.state, model.covers, model.manifest, model.receipt);
}

Answer list(Model& model) {
  return model.lives() ? text(model.files) : kNo;
}

// --- What happened ------------------------------------------------------------------------------

struct Call {
  std::string name;
  Step step;
  Answer answer;
  std::size_t began = 0;  // by one clock that ticks with each beginning and end
  std::size_t ended = 0;
  bool may_do_nothing = false;  // a sweep, which leaves what somebody works on
};

// Of one delivery: each thread's calls in their order.
using History = std::array<std::vector<Call>, kThreads>;
using Place = std::array<std::size_t, kThreads>;

// Whether some order explains it (Wing and Gong's search, with a memory).
class Explanation {
 public:
  explicit Explanation(const History& history) : history_(history) {}

  bool found() { return search({}, {}); }

 private:
  bool search(const Place& place, const Model& model) {
    if (!seen_.emplace(place, model).second) return false;
    // Whoever began after another one had ended isn't next.
    std::size_t first_end = SIZE_MAX;
    for (std::size_t t = 0; t < kThreads; ++t) {
      if (place[t] < history_[t].size()) {
        first_end = std::min(first_end, history_[t][place[t]].ended);
      }
    }
    if (first_end == SIZE_MAX) return true;
    for (std::size_t t = 0; t < kThreads; ++t) {
      if (place[t] == history_[t].size()) continue;
      const Call& call = history_[t][place[t]];
      if (call.began > first_end) continue;
      Place next = place;
      ++next[t];
      Model after = model;
      if (call.step(after) == call.answer && search(next, after)) return true;
      if (call.may_do_nothing && search(next, model)) return true;
    }
    return false;
  }

  const History& history_;
  std::set<std::pair<Place, Model>> seen_;
};

// --- Callers ------------------------------------------------------------------------------------

struct Letter {
  NewDelivery delivery;
  bool is_short;  // over after an hour
  History history;

  std::mutex mutex;
  std::vector<Uuid> files;  // that were put in, or tried to
};

class Callers {
 public:
  Callers(Store& store, TenantId tenant, const Uuid& sender) : store_(store), tenant_(tenant) {
    for (const bool is_short : {false, true, false, true}) {
      Letter& letter = letters_.emplace_back();
      letter.is_short = is_short;
      letter.delivery = some_delivery(sender);
      letter.delivery.recipients = {kRecipient};
      letter.delivery.downloads = kDownloads;
      if (!is_short) letter.delivery.expires += std::chrono::days(5);
    }
  }

  void run(unsigned seed, int calls) {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([=, this] {
        std::mt19937 random(seed + static_cast<unsigned>(t));
        for (int i = 0; i < calls; ++i) one_call(t, random);
      });
    }
    for (std::thread& thread : threads) thread.join();
    // Alone, a sweep leaves nothing; and in the end everybody sees the same.
    while (store_.sweep_lapsed(later(), 1000).any()) {
    }
    for (Letter& letter : letters_) {
      if (letter.is_short) log(0, letter, swept(), "last sweep").may_do_nothing = false;
      call_look(0, letter);
      call_list(0, letter);
    }
  }

  std::deque<Letter>& letters() { return letters_; }

 private:
  std::chrono::sys_seconds later() const { return start_ + 2h; }
  static Step swept() {
    return [](Model& model) {
      if (model.lives()) model.end(DeliveryState::kExpired);
      return kYes;
    };
  }

  // A call that was made at once, and its answer.
  Call& log(std::size_t t, Letter& letter, Step step, std::string name) {
    Call call{std::move(name), std::move(step), kYes, ++clock_, 0, false};
    call.ended = ++clock_;
    return letter.history[t].emplace_back(std::move(call));
  }

  void call(std::size_t t, Letter& letter, std::string name, Step step,
            const std::function<Answer()>& work) {
    Call made{std::move(name), std::move(step), {}, ++clock_, 0, false};
    try {
      made.answer = work();
    } catch (const Error& error) {
      made.answer = to_string(error.code());
    }
    made.ended = ++clock_;
    letter.history[t].push_back(std::move(made));
  }

  void one_call(std::size_t t, std::mt19937& random) {
    Letter& letter = letters_[random() % letters_.size()];
    const Uuid& id = letter.delivery.id;
    switch (random() % 16) {
      case 0:
      case 1: {
        NewDelivery delivery = letter.delivery;
        delivery.cover = random() % 8 == 0 ? "another cover" : "cover 1";
        return call(
            t, letter, "open", [=](Model& model) { return open(model, delivery.cover); },
            [&] { return store_.deliveries().open(tenant_, delivery, some_event()) ? kYes : kNo; });
      }
      case 2:
      case 3:
      case 4:
        return call_put(t, letter);
      case 5:
      case 6: {
        const std::string manifest = "manifest " + std::to_string(random() % 2);
        const std::set<Uuid> files = seen_files(letter);
        return call(
            t, letter, "close", [=](Model& model) { return close(model, manifest, files); },
            [&] {
              return store_.deliveries().close(tenant_, id, manifest, {files.begin(), files.end()},
                                               {}, some_event())
                         ? kYes
                         : kNo;
            });
      }
      case 7: {
        // Rarely, or soon nothing lives.
        if (random() % 6 != 0) return call_look(t, letter);
        const std::string receipt = "receipt " + std::to_string(random() % 100);
        return call(
            t, letter, "revoke", [=](Model& model) { return revoke(model, receipt); },
            [&] {
              return store_.deliveries().revoke(tenant_, id, receipt, some_event()).value_or(kNo);
            });
      }
      case 8: {
        if (random() % 4 != 0) return call_list(t, letter);
        const auto file = some_file(letter, random);
        if (!file) return;
        return call(
            t, letter, "remove", [=](Model& model) { return remove(model, *file); },
            [&] { return store_.blobs().remove(tenant_, *file, some_event()) ? kYes : kNo; });
      }
      case 9:
      case 10:
      case 11:
        return call_swap(t, letter, random);
      case 12: {
        const auto version = static_cast<std::uint32_t>(1 + random() % 4);
        return call(
            t, letter, "confirm", [=](Model& model) { return confirm(model, version); },
            [&] {
              return store_.sharing().confirm(tenant_, id, version, some_event()) ? kYes : kNo;
            });
      }
      case 13:
      case 14: {
        const auto file = some_file(letter, random);
        if (!file) return;
        const int hour = static_cast<int>(random() % 4) * 24;
        return call(
            t, letter, "download", [=](Model& model) { return download(model, *file, hour); },
            [&] {
              return to_text(store_.receipts().begin_download(
                  tenant_, *file, kRecipient, start_ + std::chrono::hours(hour), some_event()));
            });
      }
      case 15:
        return random() % 4 == 0 ? call_sweep(t) : call_look(t, letter);
    }
  }

  void call_put(std::size_t t, Letter& letter) {
    const SealedFile file = sealed_file(letter.delivery.id, 10);
    {
      const std::lock_guard lock(letter.mutex);
      letter.files.push_back(file.record.id);
    }
    const auto writer = staged(store_, tenant_, file);
    call(
        t, letter, "put", [id = file.record.id](Model& model) { return put(model, id); },
        [&] { return writer->commit(file.record, nullptr, some_event()), kYes; });
  }

  void call_swap(std::size_t t, Letter& letter, std::mt19937& random) {
    const auto delivery = store_.deliveries().find(tenant_, letter.delivery.id);
    const std::size_t versions = delivery ? delivery->covers.size() : 1;
    const auto version = static_cast<std::uint32_t>(versions + random() % 2);
    if (version < 2) return;
    const std::string cover =
        "cover " + std::to_string(version) + " by " + std::to_string(random() % 2);
    const std::set<Uuid> files = seen_files(letter);
    const auto change = store_.sharing().begin(tenant_, letter.delivery.id);
    for (const Uuid& file : files) change->add(file, {Bytes(100, 'h'), std::nullopt});
    call(
        t, letter, "swap", [=](Model& model) { return swap(model, version, cover, files); },
        [&] {
          return to_text(change->commit({version, cover, {kRecipient}}, start_, some_event()));
        });
  }

  void call_look(std::size_t t, Letter& letter) {
    call(t, letter, "look", look, [&]() -> Answer {
      const auto sent = store_.receipts().find(tenant_, letter.delivery.id);
      if (!sent) return kNo;
      return describe(sent->state, sent->covers, sent->manifest.value_or(""),
                      sent->deletion_receipt.value_or(""));
    });
  }

  void call_list(std::size_t t, Letter& letter) {
    call(t, letter, "list", list, [&]() -> Answer {
      const auto delivery = store_.deliveries().find(tenant_, letter.delivery.id);
      if (!delivery) return kNo;
      std::set<Uuid> files;
      for (const FileSummary& file : delivery->files) files.insert(file.id);
      return text(files);
    });
  }

  // One sweep is a call on each delivery that it may end.
  void call_sweep(std::size_t t) {
    const std::size_t began = ++clock_;
    store_.sweep_lapsed(later(), 1000);
    const std::size_t ended = ++clock_;
    for (Letter& letter : letters_) {
      if (!letter.is_short) continue;
      letter.history[t].push_back({"sweep", swept(), kYes, began, ended, true});
    }
  }

  std::set<Uuid> seen_files(const Letter& letter) {
    std::set<Uuid> files;
    if (const auto delivery = store_.deliveries().find(tenant_, letter.delivery.id)) {
      for (const FileSummary& file : delivery->files) files.insert(file.id);
    }
    return files;
  }

  static std::optional<Uuid> some_file(Letter& letter, std::mt19937& random) {
    const std::lock_guard lock(letter.mutex);
    if (letter.files.empty()) return std::nullopt;
    // The first one often, so that callers meet.
    return letter.files[random() % 2 == 0 ? 0 : random() % letter.files.size()];
  }

  Store& store_;
  const TenantId tenant_;
  const std::chrono::sys_seconds start_ = now();
  std::deque<Letter> letters_;
  std::atomic<std::size_t> clock_ = 0;
};

std::string told(const History& history) {
  std::vector<std::pair<const Call*, std::size_t>> calls;
  for (std::size_t t = 0; t < kThreads; ++t) {
    for (const Call& call : history[t]) calls.emplace_back(&call, t);
  }
  std::sort(calls.begin(), calls.end(),
            [](const auto& a, const auto& b) { return a.first->began < b.first->began; });
  std::ostringstream out;
  for (const auto& [call, t] : calls) {
    out << call->began << '-' << call->ended << " thread " << t << ' ' << call->name << ": "
        << call->answer << '\n';
  }
  return out.str();
}

class DeliveryModel : public BothStores {};

TEST_P(DeliveryModel, ExplainsWhateverConcurrentCallersSee) {
  const char* const given = std::getenv("LETTERBOX_SEED");
  const unsigned first =
      given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
  // Without one of these it would be no test, so it goes on until each was there.
  std::set<std::string> missing = {
      "open " + kYes,
      "open " + kNo,
      "open " + kConflict,
      "put " + kNotFound,
      "put " + kConflict,
      "close " + kYes,
      "close " + kConflict,
      "swap " + to_text(SwapOutcome::kDone),
      "swap " + to_text(SwapOutcome::kOtherVersion),
      "confirm " + kYes,
      "download " + to_text(DownloadOutcome::kCounted),
      "download " + to_text(DownloadOutcome::kContinued),
      "download " + to_text(DownloadOutcome::kRefused),
  };
  for (unsigned round = 0; round < 6 || !missing.empty(); ++round) {
    ASSERT_LT(round, 200u) << *missing.begin() << " never happened";
    SCOPED_TRACE("LETTERBOX_SEED=" + std::to_string(first) + ", round " + std::to_string(round));
    Callers callers(*store_, tenant_, sender_);
    callers.run(first + 1000 * round, 60);
    for (const Letter& letter : callers.letters()) {
      ASSERT_TRUE(Explanation(letter.history).found()) << told(letter.history);
      for (const auto& thread : letter.history) {
        for (const Call& call : thread) missing.erase(call.name + ' ' + call.answer);
      }
    }
  }
  // What lives takes up room, headers and all, and what has ended none.
  std::uint64_t alive = 0;
  for (const SentDelivery& sent :
       store_->receipts().sent(tenant_, sender_, {}, 10'000).deliveries) {
    if (has_ended(sent.state)) continue;
    alive += sent.bytes;
    EXPECT_GE(store_->blobs().used(tenant_), sent.bytes);
    store_->deliveries().revoke(tenant_, sent.id, "", some_event());
  }
  EXPECT_GT(alive, 0u);
  EXPECT_EQ(store_->blobs().used(tenant_), 0u);
}

// The search itself must be able to say no.
TEST(DeliveryModelItself, FindsNoOrderForWhatCannotBe) {
  const auto history_of = [](const Answer& first, const Answer& second, bool overlapping) {
    const Step step = [](Model& model) { return open(model, "cover 1"); };
    History history;
    history[0] = {{"open", step, first, 1, overlapping ? 3u : 2u, false}};
    history[1] = {{"open", step, second, overlapping ? 2u : 3u, 4, false}};
    return history;
  };
  EXPECT_TRUE(Explanation(history_of(kYes, kNo, false)).found());
  EXPECT_FALSE(Explanation(history_of(kNo, kYes, false)).found());
  EXPECT_TRUE(Explanation(history_of(kNo, kYes, true)).found());
  EXPECT_FALSE(Explanation(history_of(kYes, kYes, true)).found());
}

INSTANTIATE_TEST_SUITE_P(Stores, DeliveryModel, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);

}  // namespace
}  // namespace letterbox::storage::testing
