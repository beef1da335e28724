// A backend that dies at any point of a transaction: all of it is there, or nothing.
//
// Triggers on all tables count the events of a transaction and end their own backend at the one
// that is asked for, the COMMIT included. So each call is cut at its first event, at its second,
// and so on until it has no more.
#include <gtest/gtest.h>

#include <functional>

#include "storage/lifetimes.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

using namespace std::chrono_literals;

// The counter is a sequence, which no rollback takes back: the second attempt goes through.
constexpr const char* kArm = R"SQL(
  CREATE SEQUENCE cut_count;
  CREATE TABLE cut (at bigint);
  INSERT INTO cut VALUES (0);
  CREATE FUNCTION maybe_cut() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF nextval('cut_count') = (SELECT at FROM cut) THEN
      PERFORM pg_terminate_backend(pg_backend_pid());
      PERFORM pg_sleep(60);
    END IF;
    RETURN NULL;
  END $$;
  DO $$
  DECLARE
    name text;
  BEGIN
    FOREACH name IN ARRAY ARRAY['delivery', 'cover', 'delivery_recipient', 'file', 'payload',
                                'payload_row', 'sealed_index', 'upload', 'former_version',
                                'former_headers', 'download', 'delivery_progress', 'tenant_usage',
                                'audit'] LOOP
      EXECUTE format('CREATE TRIGGER zz_cut AFTER INSERT OR UPDATE OR DELETE ON %I'
                     ' FOR EACH STATEMENT EXECUTE FUNCTION maybe_cut()', name);
      EXECUTE format('CREATE CONSTRAINT TRIGGER zz_cut_at_commit AFTER INSERT OR UPDATE OR DELETE'
                     ' ON %I DEFERRABLE INITIALLY DEFERRED'
                     ' FOR EACH ROW EXECUTE FUNCTION maybe_cut()', name);
    END LOOP;
  END $$)SQL";

// Everything that anybody can see, but who writes an upload.
constexpr const char* kEverything = R"SQL(
  SELECT md5(string_agg(line, E'\n' ORDER BY line)) || ' ' || count(*)
    FROM (SELECT 'delivery ' || t::text AS line FROM delivery AS t
    UNION ALL SELECT 'cover ' || t::text FROM cover AS t
    UNION ALL SELECT 'recipient ' || t::text FROM delivery_recipient AS t
    UNION ALL SELECT 'file ' || t::text FROM file AS t
    UNION ALL SELECT 'payload ' || t::text FROM payload AS t
    UNION ALL SELECT 'row ' || payload_id || row_no FROM payload_row
    UNION ALL SELECT 'index ' || payload_id FROM sealed_index
    UNION ALL SELECT 'upload ' || id || received || rows || expires || tail_size FROM upload
    UNION ALL SELECT 'tail ' || t::text FROM upload_tail AS t
    UNION ALL SELECT 'former ' || t::text FROM former_version AS t
    UNION ALL SELECT 'former headers ' || t::text FROM former_headers AS t
    UNION ALL SELECT 'download ' || t::text FROM download AS t
    UNION ALL SELECT 'progress ' || t::text FROM delivery_progress AS t
    UNION ALL SELECT 'usage ' || sum(bytes) FROM tenant_usage
    UNION ALL SELECT 'audit ' || id FROM audit) AS everything)SQL";

class PostgresCut : public ::testing::Test {
 protected:
  std::string database_ = fresh_database(shared_cluster());
  std::unique_ptr<Store> store_ = [this] {
    PostgresOptions options = options_for(database_);
    options.patience_seconds = 0;  // nothing is tried again behind our back
    return open_postgres(options);
  }();
  const TenantId tenant_ = some_tenant(*store_);
  const Uuid sender_ = some_principal(*store_, tenant_, "sender@here").id;
  const std::chrono::sys_seconds now_ = now();
  NewDelivery delivery_;
  SealedFile file_ = sealed_file(Uuid::v7(), 2 * kPlainRow);
  NewUpload upload_;

  void SetUp() override { ask(database_, kArm); }

  void cut_at(int event) {
    ask(database_, "SELECT setval('cut_count', 1, false)");
    ask(database_, "UPDATE cut SET at = " + std::to_string(event));
  }

  // `call` does something new each time after `prepare`, and may be called again.
  void cut_everywhere(const std::function<void()>& prepare, const std::function<void()>& call,
                      int at_least) {
    for (int event = 1;; ++event) {
      prepare();
      const std::string before = ask(database_, kEverything);
      cut_at(event);
      const auto error = error_of(call);
      cut_at(0);
      if (!error) {
        EXPECT_GT(event, at_least) << "it has that many events at least";
        return;
      }
      EXPECT_EQ(error, ErrorCode::kUnavailable);
      EXPECT_EQ(ask(database_, kEverything), before) << "cut at event " << event;
      EXPECT_EQ(error_of(call), std::nullopt) << "after a cut at event " << event;
      EXPECT_NE(ask(database_, kEverything), before);
      ASSERT_LT(event, 200);
    }
  }

  void new_delivery() {
    delivery_ = some_delivery(sender_);
    delivery_.recipients = {"age1alice"};
    file_ = sealed_file(delivery_.id, 10);
  }
  void open() { store_->deliveries().open(tenant_, delivery_, some_event()); }
  void put() { staged(*store_, tenant_, file_)->commit(file_.record, nullptr, some_event()); }
  void close() {
    store_->deliveries().close(tenant_, delivery_.id, "m", {file_.record.id}, {}, some_event());
  }
  void share(std::uint32_t version) {
    const auto change = store_->sharing().begin(tenant_, delivery_.id);
    change->add(file_.record.id, {Bytes(200, static_cast<Byte>(version)), std::nullopt});
    EXPECT_EQ(change->commit({version, "cover " + std::to_string(version), {"age1bob"}}, now_,
                             some_event()),
              SwapOutcome::kDone);
  }
  void new_upload() {
    new_delivery();
    open();
    file_ = sealed_file(delivery_.id, 2 * kPlainRow);
    upload_ = {Uuid::v7(), delivery_.id, file_.record.id,
               file_.record.header.size() + file_.record.payload_length, "a device"};
  }
  void create_upload() {
    store_->uploads().create(tenant_, upload_, kAnyAmount, now_, some_event());
  }
  std::unique_ptr<UploadWriter> resumed() {
    return store_->uploads().resume(tenant_, upload_.id, now_);
  }
};

TEST_F(PostgresCut, Open) {
  cut_everywhere([&] { new_delivery(); }, [&] { open(); }, 5);
}

TEST_F(PostgresCut, Deposit) {
  cut_everywhere(
      [&] {
        new_delivery();
        open();
      },
      [&] { put(); }, 6);
}

TEST_F(PostgresCut, Close) {
  cut_everywhere(
      [&] {
        new_upload();
        create_upload();
        file_ = sealed_file(delivery_.id, 10);
        put();
      },
      [&] { close(); }, 8);
}

TEST_F(PostgresCut, Revoke) {
  cut_everywhere(
      [&] {
        new_delivery();
        open();
        put();
        close();
        share(2);
      },
      [&] { store_->deliveries().revoke(tenant_, delivery_.id, "r", some_event()); }, 10);
}

TEST_F(PostgresCut, Share) {
  cut_everywhere(
      [&] {
        new_delivery();
        open();
        put();
        close();
      },
      [&] { share(2); }, 12);
}

TEST_F(PostgresCut, Confirm) {
  cut_everywhere(
      [&] {
        new_delivery();
        open();
        put();
        close();
        share(2);
        share(3);
      },
      [&] { store_->sharing().confirm(tenant_, delivery_.id, 3, some_event()); }, 4);
}

TEST_F(PostgresCut, CreateUpload) {
  cut_everywhere([&] { new_upload(); }, [&] { create_upload(); }, 4);
}

TEST_F(PostgresCut, AdvanceUpload) {
  cut_everywhere(
      [&] {
        new_upload();
        create_upload();
      },
      [&] {
        const UploadHead head{file_.record.header, file_.record.nonce};
        // The first event is the takeover, which nobody sees.
        resumed()->advance({.head = &head, .rows = std::span(file_.rows).first(1)}, now_ + 1s);
      },
      4);
}

TEST_F(PostgresCut, CompleteUpload) {
  cut_everywhere(
      [&] {
        new_upload();
        create_upload();
      },
      [&] {
        const UploadHead head{file_.record.header, file_.record.nonce};
        resumed()->complete({.head = &head, .rows = file_.rows}, file_.record.payload_sha256, now_,
                            some_event());
      },
      10);
}

TEST_F(PostgresCut, Download) {
  cut_everywhere(
      [&] {
        new_delivery();
        open();
        put();
        close();
      },
      [&] {
        EXPECT_EQ(store_->receipts().begin_download(tenant_, file_.record.id, "age1alice", now_,
                                                    some_event()),
                  DownloadOutcome::kCounted);
      },
      5);
}

// A sweep is many transactions, so it may have done a part: what matters is that it can go on.
TEST_F(PostgresCut, Sweep) {
  for (int event = 1;; ++event) {
    new_delivery();
    open();
    put();
    close();
    share(2);
    const auto then = now_ + 2h;
    cut_at(event);
    const auto error = error_of([&] { store_->sweep_lapsed(then, 100); });
    cut_at(0);
    const auto half = store_->receipts().find(tenant_, delivery_.id).value();
    EXPECT_EQ(
        ask(database_, "SELECT count(*) FROM file WHERE id = '" + file_.record.id.text() + "'"),
        has_ended(half.state) ? "0" : "1");
    while (store_->sweep_lapsed(then, 100).any()) {
    }
    EXPECT_EQ(store_->receipts().find(tenant_, delivery_.id)->state, DeliveryState::kExpired);
    for (const char* table : {"file", "payload", "payload_row", "former_headers"}) {
      EXPECT_EQ(ask(database_, std::string("SELECT count(*) FROM ") + table), "0") << table;
    }
    EXPECT_EQ(store_->blobs().used(tenant_), 0u);
    if (!error) {
      EXPECT_GT(event, 10);
      return;
    }
    EXPECT_EQ(error, ErrorCode::kUnavailable);
    ASSERT_LT(event, 200);
  }
}

}  // namespace
}  // namespace letterbox::storage::testing
