// A source of real git, a store in memory, and backups of the one into the other by the program's own crossing.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "backup/bundle_writer.h"
#include "engine/backup_destination.h"
#include "engine/crossing.h"
#include "engine/restore.h"
#include "remote/process_transport.h"
#include "store/memory_store.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry::testing {

class BackupScene {
 public:
  explicit BackupScene(std::string_view object_format = "sha1") {
    policy.selection = must(RefspecSet::from({}));
    policy.keep_old_tips = false;  // older snapshots have them
    options.source = "https://git.example.org/app/web.git";
    options.environment = git.environment();
    options.limits.percent_max = 100'000;  // what is small here has more header than pack
    git.init("source", object_format);
  }

  // Every backup comes some time after the one before.
  LegReport back_up() { return back_up_into(store); }
  LegReport back_up_into(ObjectStore& into) {
    clock.advance(std::chrono::minutes(10));
    RemoteSource from = source();
    BackupDestination to(into, repository, options, Patience{}, clock);
    CrossingReport report = Crossing(from, {&to}, {.policy = policy}, clock).run({});
    published = to.published();
    if (report.error) report.legs.at(0).error = report.error;
    return std::move(report.legs.at(0));
  }
  // The same, and it has to succeed with a new snapshot.
  PublishedSnapshot must_back_up() {
    const LegReport leg = back_up();
    if (leg.error) ADD_FAILURE() << leg.error->message();
    CHECK(published.has_value());
    return *published;
  }

  // A snapshot with one full bundle of any pack: what a source could send that is not what it should be.
  Manifest append_made(std::string_view pack, const RefMap& refs) {
    Manifest manifest{.repository = repository, .number = 1, .created_at = clock.now()};
    DataObject object{.snapshot = 1, .key = "repositories/app/web/app/web-20261122T134500Z.bundle"};
    auto measured = std::make_unique<MeasuredWriter>(must(store.create(object.key, {})));
    const MeasuredWriter& measure = *measured;
    const std::unique_ptr<Writer> bundle = must(open_bundle({.refs = refs}, std::move(measured)));
    must(bundle->write(as_bytes(pack)));
    must(bundle->finish());
    object.bytes = measure.bytes();
    object.sha256 = measure.sha256();
    manifest.chain.push_back(std::move(object));
    manifest.refs = refs;
    const std::string sha256 = must(log.append(manifest, true, {}));
    must(log.note_verified(1, sha256, Verification::Stored, clock.now(), {}));
    return manifest;
  }
  // All objects of the source but one.
  std::string pack_without(std::string_view oid) const {
    std::string wanted;
    const std::string all = git.git("source", {"rev-list", "--all", "--objects", "--no-object-names"}) + "\n";
    for (std::size_t at = 0, end = 0; at < all.size(); at = end + 1) {
      end = all.find('\n', at);
      const std::string line = all.substr(at, end - at);
      if (line != oid) wanted += line + "\n";
    }
    return git.git_fed("source", {"pack-objects", "-q", "--stdout"}, wanted);
  }
  RefMap main_at(std::string_view oid) const {
    return must(RefMap::from({{must(RefName::parse("refs/heads/main")), must(Oid::parse(oid))}}));
  }
  // A commit with a tree that fsck frowns upon: one name twice. Old tools wrote such.
  std::string commit_dirty_tree() {
    const std::string one = git.commit("source", "main", "content");
    const std::string blob = git.git("source", {"rev-parse", one + ":content"});
    std::string raw;
    for (const std::string_view hex : {std::string_view(blob), std::string_view(blob)}) {
      raw += "100644 twice";
      raw += '\0';
      raw += as_text(*from_hex(hex));
    }
    std::string tree = git.git_fed("source", {"hash-object", "-w", "-t", "tree", "--stdin", "--literally"}, raw);
    tree.pop_back();
    const std::string id = git.git("source", {"commit-tree", tree, "-p", one, "-m", "dirty"});
    git.git("source", {"update-ref", "refs/heads/main", id});
    return id;
  }

  RemoteSource source() const {
    return RemoteSource(std::make_unique<Remote>(
        make_local_transport(must(Url::parse(git.path("source").string())), git.environment(), Patience{})));
  }

  Manifest read(std::uint64_t number) { return must(log.read(number, {})).manifest; }
  RestoreOptions restoring() const { return {.identities = identities, .environment = git.environment()}; }
  Result<> restore(const Manifest& manifest, const std::string& name) {
    return rebuild(log, manifest, git.path(name), {}, RebuildCheck::Connected, restoring(), {});
  }

  // "OID NAME", a line each, as git lists them; and HEAD as it stands.
  std::string refs(std::string_view repository_name) const {
    return git.git(repository_name, {"for-each-ref", "--format=%(objectname) %(refname)"});
  }
  // What restoring that manifest gives, seen by git: refs, once it has found nothing missing.
  std::string restored_refs(const Manifest& manifest) {
    const std::string name = "restored-" + std::to_string(++restored_);
    if (const Result<> done = restore(manifest, name); !done) return done.error().message();
    git.git(name, {"fsck", "--full", "--strict"});
    return refs(name);
  }

  std::vector<std::string> keys() {
    std::vector<std::string> all;
    for (const ObjectInfo& object : must(store.list("", {}))) all.push_back(object.key);
    return all;
  }

  GitSandbox git;
  FakeClock clock;
  MemoryStore store{clock};
  RepositoryName repository = must(RepositoryName::parse("app/web"));
  SnapshotLog log{store, repository};
  Policy policy;
  BackupOptions options{.keys = KeyTemplate::standard(false)};
  std::vector<AgeIdentity> identities;
  std::optional<PublishedSnapshot> published;  // by the last backup

 private:
  int restored_ = 0;
};

}  // namespace packferry::testing
