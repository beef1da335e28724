#include "client/unfinished_send.h"

#include <sys/stat.h>

#include "crypto/hash.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

struct UnfinishedSends : testing::Test {
  // A send of one file, whose bytes lie where they must.
  UnfinishedSend begun() {
    UnfinishedSend send(home, records::sign_cover(cover_from(ada, {&bob}), ada.key),
                        *records::Handle::parse("carol@hospital.example"));
    const SealedFile file = client::seal(send.cover(), pattern(100'000));
    const SealedFile index = client::seal(send.cover(), pattern(100), file.entry.id);
    write_file(send.age_file(file.entry.id), file.age_file);
    write_file(send.index_file(file.entry.id), index.age_file);
    send.add({{file.age_file.size(), crypto::sha256(file.age_file), file.entry},
              {index.age_file.size(), crypto::sha256(index.age_file), index.entry},
              "image/jpeg",
              true,
              {"EXIF"}});
    return send;
  }
  std::optional<UnfinishedSend> opened() const {
    return UnfinishedSend::open(UnfinishedSend::all(home).at(0), ada.key.verify_key());
  }

  const TemporaryDirectory place;
  const Home home{place / "home"};
  const Device ada{"ada@hospital.example"};
  const Device bob{"bob@hospital.example"};
};

TEST_F(UnfinishedSends, SayAllThatIsNeededToGoOn) {
  const OutgoingFile file = [&] {
    UnfinishedSend send = begun();
    send.seal(ada.key);
    send.set_upload(send.files()[0].id(), "/v1/uploads/here");
    return send.files()[0];
  }();
  const auto send = opened();
  ASSERT_TRUE(send);
  EXPECT_EQ(send->held_for(), records::Handle::parse("carol@hospital.example"));
  EXPECT_EQ(send->upload_of(file.id()), "/v1/uploads/here");
  ASSERT_EQ(send->files().size(), 1U);
  EXPECT_EQ(send->files()[0].file.sha256, file.file.sha256);
  EXPECT_EQ(send->files()[0].dropped, std::vector<std::string>{"EXIF"});
  const records::Manifest manifest =
      records::verify_manifest(send->manifest(), ada.key.verify_key());
  EXPECT_EQ(manifest.cover, send->cover().hash);
  EXPECT_EQ(manifest.files.at(0).sha256, file.file.entry.sha256);
  EXPECT_EQ(manifest.indexes.at(0).sha256, file.index.entry.sha256);
  send->check();
  send->remove();
  EXPECT_TRUE(UnfinishedSend::all(home).empty());
}

TEST_F(UnfinishedSends, AreOneProcesssAtATime) {
  UnfinishedSend send = begun();
  EXPECT_FALSE(UnfinishedSend::remove_if_cut(send.folder()));
  send.seal(ada.key);
  EXPECT_FALSE(UnfinishedSend::is_left_behind(send.folder()));
  EXPECT_FALSE(opened());
}

TEST_F(UnfinishedSends, AreThrownAwayIfTheyWereCutBeforeAllWasSealed) {
  begun();
  EXPECT_EQ(thrown_by([&] { opened(); }), ErrorCode::kFile);
  EXPECT_TRUE(UnfinishedSend::remove_if_cut(UnfinishedSend::all(home).at(0)));
  EXPECT_TRUE(UnfinishedSend::all(home).empty());
}

TEST_F(UnfinishedSends, AreHeldAgainstWhatWasSealed) {
  const std::filesystem::path age_file = [&] {
    UnfinishedSend send = begun();
    send.seal(ada.key);
    return send.age_file(send.files()[0].id());
  }();
  std::filesystem::resize_file(age_file, 50'000);  // as a machine leaves it that stopped
  EXPECT_EQ(thrown_by([&] { opened()->check(); }), ErrorCode::kIntegrity);
  std::filesystem::remove(age_file);  // as it is once the gateway has it
  opened()->check();
}

TEST_F(UnfinishedSends, AreThisDevicesOwn) {
  begun().seal(ada.key);
  const auto folder = UnfinishedSend::all(home).at(0);
  EXPECT_EQ(thrown_by([&] { UnfinishedSend::open(folder, bob.key.verify_key()); }),
            ErrorCode::kMalformed);
  write_file(folder / "send.json", as_bytes("{}"));
  EXPECT_EQ(thrown_by([&] { opened(); }), ErrorCode::kMalformed);
}

}  // namespace
}  // namespace letterbox::client
